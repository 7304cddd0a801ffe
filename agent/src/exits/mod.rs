//! The exits: who they are, how they live, and how a request gets a stream through one.
//!
//! ```text
//!   pool    a request finds an exit here        state    the life of an exit
//!   demand  what users want of the pool         actor    the task that lives it
//!   choice, streams                             address  which address sites see
//! ```

pub mod actor;
pub mod address;
mod choice;
mod demand;
mod pool;
pub mod state;
mod streams;

use std::fmt;
use std::sync::Arc;

pub use choice::UNPAIRED_PATIENCE;
pub use demand::Demand;
pub use pool::{Config, ExitEntry, ExitView, Opened, Pool, StreamGuard};
pub use streams::{Place, StreamStats, Streams};

/// Names an exit, in `status` and in logs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExitId(Arc<str>);

impl From<&str> for ExitId {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for ExitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
