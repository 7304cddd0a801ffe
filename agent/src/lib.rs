//! placeholder

pub mod exits;

