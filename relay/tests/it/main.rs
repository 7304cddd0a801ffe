//! The relay from outside: real sockets, real WebSocket clients, the real program.

#![expect(clippy::panic, reason = "a test fails by it")]

mod backpressure;
mod forwarding;
mod limits;
mod notices;
mod program;
mod refusals;
mod shutdown;
mod support;
mod tls;
