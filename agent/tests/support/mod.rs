//! What the tests with real programs share: the agent, a web server, processes and small tools.

#![allow(dead_code, reason = "each test binary needs its part of it")]
#![allow(unreachable_pub, reason = "rooms of one test binary")]
#![allow(clippy::print_stderr, reason = "a failed test shows the log of the agent")]

pub mod desktop;
pub mod line;
pub mod nginx;
pub mod processes;
pub mod program;
pub mod python;
pub mod relay_program;
pub mod squid;
pub mod tools;
