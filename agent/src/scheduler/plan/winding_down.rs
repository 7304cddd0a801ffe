//! Running streams may finish and no new ones come, told as stories of one region.

use std::time::Duration;

use super::scenarios::{defaults, started};
use super::world::World;
use super::*;

const MINUTE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

fn wind_down(world: &mut World, winding_down: bool) {
    world.winding_down = winding_down;
    world.replan();
}

#[test]
fn what_carries_nothing_ends_at_once_and_nothing_is_invoked() {
    let mut world = started(defaults());
    wind_down(&mut world, true);
    assert_eq!((world.ended(1), world.plan.status), (Some(Reason::Shutdown), RegionStatus::Lapsed));
    world.pass_time(60 * MINUTE);
    assert_eq!((world.invocations(), world.exits.len()), (1, 0));
}

#[test]
fn what_starts_is_of_no_use_any_more() {
    let mut world = World::new(defaults());
    wind_down(&mut world, true);
    world.pass_time(MINUTE);
    assert_eq!((world.ended(1), world.exits.len()), (Some(Reason::Shutdown), 0));
}

#[test]
fn a_stream_is_carried_past_the_time_limit_and_its_exit_goes_with_it() {
    let mut world = started(defaults());
    world.open_stream(true);
    wind_down(&mut world, true);
    world.pass_time(40 * MINUTE);
    assert_eq!((world.invocations(), world.ended(1), world.plan.status), (1, None, RegionStatus::Active));
    assert!(world.orders(|action| matches!(action, Action::Renew { slot: false, .. })) >= 2);
    world.change_stream(0, true);
    assert_eq!(world.ended(1), Some(Reason::Shutdown));
}

#[test]
fn streams_of_a_full_region_are_all_carried_since_none_needs_a_successor() {
    let mut world = started(Settings { max_per_region: 2, ..defaults() });
    world.open_stream(true);
    world.rotate(false);
    world.pass_time(2 * SECOND);
    world.open_stream(true);
    wind_down(&mut world, true);
    world.pass_time(40 * MINUTE);
    assert_eq!((world.streams(), world.invocations()), (2, 2), "{:?}", world.log);
}

#[test]
fn an_empty_successor_is_not_kept_beside_a_drainer() {
    let mut world = started(defaults());
    world.open_stream(true);
    world.rotate(false);
    world.pass_time(2 * SECOND);
    wind_down(&mut world, true);
    assert_eq!((world.ended(1), world.ended(2)), (None, Some(Reason::Shutdown)));
    world.pass_time(20 * MINUTE);
    assert_eq!((world.streams(), world.invocations()), (1, 2));
}

#[test]
fn a_tunnel_that_is_down_gets_no_replacement() {
    let mut world = started(defaults());
    world.open_stream(true);
    wind_down(&mut world, true);
    world.unpair(0, 30 * SECOND);
    world.pass_time(MINUTE);
    assert_eq!((world.streams(), world.invocations()), (1, 1));
}

#[test]
fn who_waits_gets_an_exit_all_the_same() {
    let mut world = started(defaults());
    wind_down(&mut world, true);
    world.pass_time(MINUTE);
    wind_down(&mut world, false);
    world.pass_time(SECOND);
    assert_eq!((world.invocations(), world.plan.status), (2, RegionStatus::Active));
}
