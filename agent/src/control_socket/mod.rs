//! How `status`, `rotate` and `destroy` ask a running agent: one line of JSON each way over a Unix socket,
//! or a named pipe of Windows.
//!
//! ```text
//!   place      which socket and lock belong to a configuration file
//!   lock       one agent per configuration: a lock held for as long as it runs     holder  who has it, and its socket
//!   wire       the requests and answers
//!   transport  what carries them on this system
//!   server     the agent's side        client  the commands' side
//! ```
//!
//! Never: the socket is reachable by the user only, and no secret passes it.

mod client;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod holder;
mod lock;
mod place;
mod server;
#[cfg(test)]
mod tests;
mod transport;
mod wire;

pub use client::{AskError, Client};
pub use lock::LockError;
pub use place::{NoPlace, Place};
pub use server::{Agent, ControlSocket, OpenError};
pub use wire::{RotateOrder, RotateReport, RotatedRegion};
