//! Exits that outlive their function's time limit, with the real programs: agent, relay, local Lambda and functions.
//!
//! Never: nothing leaves loopback, and nothing waits for a fixed time where something can be asked.

#![allow(unreachable_pub, reason = "rooms of one test binary")]
#![allow(clippy::print_stderr, reason = "a failed test shows the agent's log")]

mod gate;
mod lands;
#[path = "../it/nginx.rs"]
#[allow(dead_code, reason = "shared with the other tests")]
mod nginx;
#[path = "../it/program.rs"]
#[allow(dead_code, reason = "shared with the other tests")]
mod program;
mod streams;
#[path = "../it/tools.rs"]
#[allow(dead_code, reason = "shared with the other tests")]
mod tools;
mod world;
