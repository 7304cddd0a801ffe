//! Streams that outlive everything but their own ends: the real programs, and what befalls them on the way.
//!
//! The stops and silences are short here; `AWSLAMBDAPROXY_SOAK=1` makes them as long as people know them.
//!
//! Never: nothing leaves loopback, and no fault is waited out for longer than it lasts.

#![allow(unreachable_pub, reason = "rooms of one test binary")]
#![allow(clippy::print_stderr, reason = "tests tell their story there")]

mod chaos;
mod ends;
mod faults;
mod networks;
#[allow(dead_code, reason = "shared with the test binary `it`")]
#[path = "../it/program.rs"]
mod program;
mod site;
mod streams;
#[allow(dead_code, reason = "shared with the test binary `it`")]
#[path = "../it/tools.rs"]
mod tools;
mod trials;
mod world;
