//! Exits: the running functions with a tunnel each.

pub mod state;
