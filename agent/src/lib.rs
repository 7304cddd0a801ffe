//! The desktop program: a local proxy, and what keeps its exits alive.
//!
//! ```text
//!   data plane, in the order of a request
//!     listener ─▶ proxy/{http, socks5} ─▶ routing ─▶ exits/pool ─▶ tunnel          direct, by rule only
//!   control plane
//!     scheduler/{plan (pure), supervisor} ─▶ exits/actor ─▶ cloud, relays
//!     money  counts what exits use, holds it against the budget
//!   faces and support
//!     cli ─▶ config ─▶ app (wires the rooms)     control_socket ─▶ status, health     hidden (local mode's programs)
//!     network     corporate (the proxy in the way)     update     columns, causes (of what people read)
//!     desktop, service ─▶ tools (the system's own programs)     system (what systems do differently)
//! ```
//!
//! Never: the data plane does not call the control plane. It publishes demand, and takes exits that are offered.

pub mod app;
mod causes;
pub mod cli;
pub mod cloud;
mod columns;
pub mod config;
pub mod control_socket;
pub mod corporate;
pub mod deploy;
pub mod desktop;
pub mod direct;
pub mod doctor;
pub mod exits;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
pub mod health;
pub mod hidden;
pub mod listener;
mod log;
pub mod money;
pub mod network;
pub mod package;
pub mod policy;
mod process;
pub mod proxy;
pub mod relays;
pub mod routing;
pub mod scheduler;
pub mod service;
pub mod setup;
pub mod status;
mod system;
pub mod tools;
pub mod update;
