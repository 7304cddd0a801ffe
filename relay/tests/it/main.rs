//! The relay from outside: real sockets, real WebSocket clients, the real program.

#![expect(clippy::panic, reason = "a test fails by it")]
#![expect(clippy::print_stderr, reason = "tests show what they measured")]

mod acme;
mod backpressure;
mod bulk;
mod check;
mod crowd;
mod forwarding;
mod front;
mod home;
mod hostile;
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
mod watched;
