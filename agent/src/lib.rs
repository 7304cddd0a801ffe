//! The desktop program: a local proxy, and what keeps its exits alive.
//!
//! Faces and support, in reading order:
//!
//! ```text
//!   cli             one command one file; the only one that prints
//!   config          four layers in, one checked Config out
//!   app             wires the rooms
//!   control_socket  how `status` and `rotate` ask a running agent
//!   status, health  what they are told
//! ```

pub mod app;
pub mod cli;
pub mod config;
pub mod control_socket;
pub mod health;
pub mod status;
