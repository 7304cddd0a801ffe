//! The product with an account: the real agent, relay and function against moto behind a front that is as strict as AWS
//! (see `front/__init__.py`). Each test has an account of its own.
//!
//! Never: nothing leaves loopback, and the product knows of the front by `AWS_ENDPOINT_URL` alone.

#![allow(unreachable_pub, reason = "rooms of one test binary")]

mod bill;
mod budget;
mod credentials;
mod doctor;
mod door;
mod drift;
mod failures;
mod fresh;
mod front;
mod front_itself;
mod init;
mod interruptions;
mod invocations;
mod neighbours;
mod owners;
mod path;
mod policies;
mod problems;
mod programs;
mod removal;
#[path = "../support/mod.rs"]
mod support;
mod terminal;
mod world;

use support::{desktop, nginx, program, relay_program, tools};
