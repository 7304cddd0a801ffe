//! The whole path with the real programs: agent, relay and functions as processes, nginx and curl at the ends.
//!
//! Never: nothing leaves loopback, and nothing waits for a fixed time where something can be asked.

#![allow(unreachable_pub, reason = "rooms of one test binary")]

mod abnormal;
mod aws;
mod capture;
mod corporate;
mod endings;
mod fresh;
mod limits;
mod lives;
mod pages;
mod refusals;
mod scripted;
#[path = "../support/mod.rs"]
mod support;
mod tls_relay;

use support::{desktop, nginx, processes, program, squid, tools};
