//! The Lambda function: it dials the relay, ends the tunnel and connects to sites.
//!
//! ```text
//!   runtime ─ invitation ─▶ instance ─ decide ─▶ exit ─ dial ─▶ relay
//!                                                 │
//!            agent's CONNECT ──▶ exit/streams ──▶ connect ─ policy ─▶ site
//! ```
//!
//! One process serves one invocation at a time and holds at most one tunnel, which outlives the invocations.

mod clock;
pub mod connect;
pub mod deadline;
pub mod decide;
mod dial;
pub mod exit;
pub mod instance;
pub mod marker;
pub mod policy;
pub mod runtime;
pub mod settings;

pub use runtime::{main, run};
