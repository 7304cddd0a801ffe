//! What may befall an Invoke on its way, with the real programs: the agent, the relay, the local Lambda and functions.
//!
//! ```text
//!   agent ──Invoke──▶ front (throttles, delays, holds) ──▶ local Lambda ──▶ functions
//! ```
//!
//! An agent starts its local Lambda itself, from its own executable. So this test is its own harness: started by a test as
//! the agent's program it is just that, `main` and all, but for the subcommand `local-lambda`, for which a clerk fetches the
//! address of the test's front (see `clerk.rs`).
//!
//! Never: nothing leaves loopback, and nothing waits for a fixed time where something can be asked.

#![allow(unreachable_pub, reason = "rooms of one test binary")]

mod clerk;
mod desk;
mod front;
#[path = "../renewal/gate.rs"]
mod gate;
mod orphans;
mod renewals;
#[path = "../support/mod.rs"]
mod support;
mod world;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use support::{nginx, processes, program, tools};

fn main() -> ExitCode {
    if let Some(code) = clerk::as_the_agent() {
        return code;
    }
    let trial = |name: &str, test: fn()| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    };
    let trials = vec![
        trial("a_throttled_renewal_is_tried_again_and_its_stream_goes_on", renewals::throttled_once),
        trial("a_renewal_that_the_cloud_failed_at_is_tried_again_and_its_stream_goes_on", renewals::failed_once),
        trial("a_renewal_that_is_throttled_each_time_fails_with_its_reason_and_is_made_up_for", renewals::throttled_each_time),
        trial("a_download_outlives_a_renewal_with_a_freeze_of_seconds_in_it", renewals::frozen_for_seconds),
        trial("an_invoke_connection_that_is_a_black_hole_ends_nothing", renewals::black_hole),
        trial("an_orphaned_tunnel_of_an_agent_that_is_gone_is_dropped_after_grace", orphans::of_an_agent_that_is_gone),
        trial("an_orphaned_tunnel_of_the_same_agent_is_dropped_at_once", orphans::of_the_same_agent),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
