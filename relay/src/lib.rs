//! The blind relay: pairs outbound WebSockets by the hash of a ticket and forwards what it cannot read.
//!
//! ```text
//!   server      accept → TLS → request head → 101        one connection, one request
//!   admission   (pure) what a request asks, and why not  400 401 426 429 503
//!   pairing     table (pure): who is whose peer          404 409 410, notices, close codes
//!   bridge      one task per leg: forwards, pings, tells
//!   websocket   (pure) RFC 6455 as a server speaks it
//!
//!   agents      whose tokens are good, re-read while running
//!   tls         a certificate from files, from a CA (ACME), or of our own; replaced while running
//!   metrics     what is counted, for Prometheus
//!   site        what everybody else sees
//!   system      what systems do differently
//!   update      another release in the place of this program, for the agent too
//!   config, cli the files and the commands, above the rooms
//! ```
//!
//! Never: it holds no key that opens a tunnel, no ticket, no credential of a cloud; it depends on `tunnel`
//! without its feature `ends`, so it cannot even name what would read traffic.

pub mod admission;
pub mod agents;
mod bridge;
pub mod cli;
pub mod config;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
pub mod metrics;
mod pairing;
pub mod server;
mod site;
mod system;
pub mod tls;
pub mod update;
mod websocket;
