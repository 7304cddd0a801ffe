//! The local Lambda as its callers see it: functions are shell scripts that speak the Runtime API with curl.
#![cfg(unix)]
#![allow(clippy::panic, reason = "a test that fails panics")]

mod functions;
mod lambda;
mod limits;
mod process;
