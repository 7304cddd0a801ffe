//! The care for new addresses, told as stories of one region.

use std::time::Duration;

use super::scenarios::defaults;
use super::world::{FAIR, Weather, World};
use super::*;

const MINUTE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

fn raises(world: &World) -> usize {
    world.orders(|action| *action == Action::RaiseGeneration)
}

/// A region whose second exit has the address of the first, the first having carried a stream.
fn with_an_address_seen_twice(settings: Settings, stream_age: Duration) -> World {
    let mut world = World::new(settings);
    world.pass_time(4 * MINUTE);
    world.tell_address(1);
    world.pass_time(MINUTE.saturating_sub(stream_age));
    if !stream_age.is_zero() {
        world.open_stream(true);
    }
    world.pass_time(stream_age + 10 * SECOND);
    world.tell_address(1);
    world
}

#[test]
fn an_address_that_comes_again_raises_the_generation_once_an_hour() {
    let mut world = with_an_address_seen_twice(defaults(), Duration::ZERO);
    assert_eq!(raises(&world), 1);
    world.pass_time(5 * MINUTE);
    let fresh = |action: &Action| matches!(action, Action::Invoke { fresh: true, .. });
    assert_eq!(world.orders(fresh), 1);
    world.tell_address(2);
    assert_eq!(world.plan.fresh, FreshStatus::Ok);
    world.pass_time(5 * MINUTE);
    world.tell_address(1);
    assert_eq!((raises(&world), world.plan.fresh), (1, FreshStatus::Exhausted));
    world.pass_time(60 * MINUTE);
    assert_eq!(raises(&world), 2);
}

#[test]
fn a_stream_that_only_renewal_can_carry_on_is_waited_for() {
    let mut world = with_an_address_seen_twice(defaults(), 55 * SECOND);
    assert_eq!((raises(&world), world.plan.fresh), (0, FreshStatus::Waiting));
    world.change_stream(0, true);
    assert_eq!((raises(&world), world.plan.fresh), (1, FreshStatus::Ok));
}

#[test]
fn without_renewal_no_stream_depends_on_it() {
    let world = with_an_address_seen_twice(Settings { renew: Renew::Never, ..defaults() }, 55 * SECOND);
    assert_eq!(raises(&world), 1);
}

#[test]
fn exits_of_an_older_generation_are_not_renewed() {
    let mut world = with_an_address_seen_twice(defaults(), 30 * SECOND);
    world.pass_time(20 * MINUTE);
    assert_eq!(world.orders(|action| matches!(action, Action::Renew { id: ExitId(1), .. })), 0);
}

#[test]
fn always_means_before_each_rotation_within_the_bound() {
    let mut world = World::new(Settings { fresh: Fresh::Always, ..defaults() });
    world.pass_time(6 * MINUTE);
    assert_eq!((raises(&world), world.invocations()), (1, 2));
    world.pass_time(53 * MINUTE);
    assert_eq!((raises(&world), world.invocations()), (1, 12));
    world.pass_time(12 * MINUTE);
    assert_eq!(raises(&world), 2);
}

#[test]
fn a_refused_raise_holds_nothing_up() {
    let mut world = World::new(Settings { fresh: Fresh::Always, ..defaults() });
    world.weather = Weather { raises_work: false, ..FAIR };
    world.pass_time(31 * MINUTE);
    assert_eq!(world.invocations(), 7);
}

#[test]
fn off_is_off_unless_the_user_asks() {
    let mut world = with_an_address_seen_twice(Settings { fresh: Fresh::Never, ..defaults() }, Duration::ZERO);
    assert_eq!((raises(&world), world.plan.fresh), (0, FreshStatus::Off));
    world.rotate(true);
    world.pass_time(10 * SECOND);
    assert_eq!(raises(&world), 1);
    assert!(world.log.iter().any(|(_, action)| *action == Action::Invoke { why: Why::Manual, fresh: true }));
}

#[test]
fn a_wish_for_a_new_address_rotates_at_once_even_if_the_address_must_wait() {
    let mut world = World::new(Settings { frequency: Frequency::Never, ..defaults() });
    world.pass_time(SECOND);
    world.open_stream(true);
    world.pass_time(2 * MINUTE);
    world.rotate(true);
    world.pass_time(10 * SECOND);
    assert_eq!((raises(&world), world.invocations(), world.plan.fresh), (0, 2, FreshStatus::Waiting));
    world.change_stream(0, true);
    assert_eq!(raises(&world), 1);
    world.pass_time(MINUTE);
    assert_eq!(world.invocations(), 2);
}
