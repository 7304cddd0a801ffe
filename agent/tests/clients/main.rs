//! The programs that people use, against the real agent: curl, Python's libraries, git and Chromium; and what many of them at
//! once, rotation and signals do to it.
//!
//! Never: nothing leaves loopback, and nothing waits for a fixed time where something can be asked.

#![allow(unreachable_pub, reason = "rooms of one test binary")]

mod auth;
mod chromium;
mod curl;
mod down;
mod ending;
mod faces;
mod git;
mod hostile;
mod load;
mod python;
mod rotation;
mod site;
mod socks;
#[path = "../support/mod.rs"]
mod support;

use support::{nginx, processes, program, tools};
