//! The product with an account: the real agent, relay and function against moto behind a front that is as strict as AWS
//! (see `front/__init__.py`). Each test has an account of its own.
//!
//! Never: nothing leaves loopback, and the product knows of the front by `AWS_ENDPOINT_URL` alone.

#![allow(unreachable_pub, reason = "rooms of one test binary")]

mod budget;
mod doctor;
#[allow(dead_code, reason = "the tests of the front alone need little of it")]
mod front;
mod front_itself;
mod init;
#[path = "../support/mod.rs"]
mod support;
#[allow(dead_code, reason = "the tests of the product's commands need the rest")]
mod world;

use support::{desktop, nginx, program, tools};
