//! A cloud on this machine: a local Lambda, which is a process of its own, and the client that invokes over loopback.
//!
//! ```text
//!   agent ── client ──HTTP, Lambda's Invoke API──▶ server ──Runtime API──▶ the real function program
//!     └───── process ──stdin: options; its end: drain──▶ (local-lambda)      (local-child, then exec)
//! ```
//!
//! The agent cannot tell it from AWS: the same requests, answers, errors, reuse, freezing and time-outs. What it cannot
//! give is another address. Other programs of this machine can speak to a Runtime API, as they can reach all of loopback;
//! web pages cannot (see `server::instance::runtime_api`).

mod api;
pub mod billing;
mod client;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
pub mod options;
pub mod process;

#[cfg(unix)]
mod child;
pub mod server;

#[cfg(unix)]
pub use child::local_child;
pub use client::LocalCloud;
pub use options::{Options, Ready, Token};
pub use process::LocalLambda;
