//! Streams that outlive everything but their own ends: the real programs, and what befalls them on the way.
//!
//! The stops and silences are short here; `AWSLAMBDAPROXY_SOAK=1` makes them as long as people know them.
//!
//! Never: nothing leaves loopback, and no fault is waited out for longer than it lasts.

#![allow(unreachable_pub, reason = "rooms of one test binary")]
#![allow(clippy::print_stderr, reason = "tests tell their story there")]

mod chaos;
mod echoes;
mod ends;
mod faults;
mod networks;
mod relays;
mod site;
mod streams;
mod successors;
#[path = "../support/mod.rs"]
mod support;
mod trials;
mod world;

use support::{processes, program, relay_program, tools};
