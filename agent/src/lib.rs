//! placeholder

pub mod exits;
pub mod scheduler;
