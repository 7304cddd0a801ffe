//! Exits that outlive their function's time limit, with the real programs: agent, relay, local Lambda and functions.
//!
//! Never: nothing leaves loopback, and nothing waits for a fixed time where something can be asked.

#![allow(unreachable_pub, reason = "rooms of one test binary")]

mod gate;
mod lands;
mod streams;
#[path = "../support/mod.rs"]
mod support;
mod world;

use support::{nginx, processes, program, tools};
