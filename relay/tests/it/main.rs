//! The relay from outside: real sockets, real WebSocket clients, the real program.

#![expect(clippy::panic, reason = "a test fails by it")]

mod acme;
mod backpressure;
mod check;
mod forwarding;
mod front;
mod home;
mod limits;
mod notices;
mod observatory;
mod pebble;
mod program;
mod refusals;
mod reload;
mod shutdown;
mod successor;
mod suggesting;
mod support;
mod tls;
