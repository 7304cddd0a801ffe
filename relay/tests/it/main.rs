//! The relay from outside: real sockets, real WebSocket clients, the real program.

mod backpressure;
mod forwarding;
mod limits;
mod notices;
mod program;
mod refusals;
mod shutdown;
mod support;
mod tls;
