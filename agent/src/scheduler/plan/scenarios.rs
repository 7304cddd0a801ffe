//! The schedule of section 4 of the design, told as stories of one region.

use std::time::Duration;

use super::world::{FAIR, Fate, Weather, World};
use super::*;
use crate::scheduler::backoff::{FailureKind, Jitter};

const MINUTE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

/// The defaults of the config.
pub(super) fn defaults() -> Settings {
    Settings {
        frequency: Frequency::Every(5 * MINUTE),
        timeout: 15 * MINUTE,
        max_per_region: 3,
        drain: 60 * MINUTE,
        renew: Renew::Auto,
        fresh: Fresh::Auto,
        grace: 90 * SECOND,
    }
}

pub(super) fn started(settings: Settings) -> World {
    let mut world = World::new(settings);
    world.pass_time(SECOND);
    assert_eq!(world.plan.status, RegionStatus::Active);
    world
}

#[test]
fn a_region_starts_with_one_exit_that_accepts_once_it_is_ready() {
    let mut world = World::new(defaults());
    assert_eq!(world.log[0].1, Action::Invoke { why: Why::First, fresh: false });
    assert_eq!(world.plan.status, RegionStatus::Starting);
    world.pass_time(SECOND);
    assert_eq!(world.log[1].1, Action::Activate(ExitId(1)));
    assert_eq!(world.plan.status, RegionStatus::Active);
    assert_eq!(world.plan.next_rotation, Some(world.now.before(SECOND) + 5 * MINUTE));
    assert_eq!(world.exits.len(), 1);
}

#[test]
fn a_region_waits_for_its_turn() {
    let now = Timestamp::from_millis(1000);
    let mut state = RegionState::new(now + SECOND);
    let first = plan(now, &defaults(), &mut state, &RegionView::default());
    assert_eq!((first.actions.len(), first.wake_at), (0, Some(now + SECOND)));
    let second = plan(now + SECOND, &defaults(), &mut state, &RegionView::default());
    assert_eq!(second.actions.len(), 1);
}

#[test]
fn every_five_minutes_a_new_exit_and_the_old_one_ends_when_idle() {
    let mut world = started(defaults());
    world.pass_time(60 * MINUTE);
    assert_eq!(world.invocations(), 13);
    assert_eq!(world.exits.len(), 1);
    assert_eq!(world.ended(1), Some(Reason::Done));
}

#[test]
fn a_running_stream_keeps_its_exit_while_new_streams_go_to_the_next() {
    let mut world = started(defaults());
    world.open_stream(true);
    world.pass_time(6 * MINUTE);
    assert_eq!(world.acceptor().expect("accepts").view.id, ExitId(2));
    assert_eq!(world.exit(1).expect("drains").view.state.name(), "draining");
    world.change_stream(0, true);
    assert_eq!(world.ended(1), Some(Reason::Done));
}

#[test]
fn a_long_download_is_carried_past_the_time_limit_up_to_the_drain_limit_and_rotation_goes_on() {
    let mut world = started(defaults());
    world.open_stream(true);
    world.pass_time(65 * MINUTE - 2 * SECOND);
    assert!(world.exit(1).is_some());
    assert!(world.invocations() >= 12, "{}", world.invocations());
    world.pass_time(4 * SECOND);
    assert_eq!(world.ended(1), Some(Reason::DrainLimit));
    assert_eq!(world.plan.renewal, RenewalStatus::Works);
}

#[test]
fn a_download_survives_short_lives_and_frequent_rotation() {
    let settings = Settings { frequency: Frequency::Every(4 * SECOND), timeout: 10 * SECOND, ..defaults() };
    let mut world = started(settings);
    world.open_stream(true);
    world.pass_time(10 * MINUTE);
    assert!(world.exit(1).is_some(), "{:?}", world.log);
    assert!(world.invocations() > 75, "{}", world.invocations());
}

#[test]
fn without_renewal_a_download_ends_with_its_function() {
    let mut world = started(Settings { renew: Renew::Never, ..defaults() });
    world.open_stream(true);
    world.pass_time(14 * MINUTE);
    assert!(world.exit(1).is_some());
    world.pass_time(MINUTE);
    assert_eq!(world.ended(1), Some(Reason::Deadline));
    assert_eq!(world.orders(|action| matches!(action, Action::Renew { .. })), 0);
}

#[test]
fn with_two_slots_rotation_waits_while_a_drainer_has_moving_streams() {
    let mut world = started(Settings { max_per_region: 2, ..defaults() });
    world.open_stream(true);
    world.pass_time(11 * MINUTE);
    assert_eq!(world.plan.status, RegionStatus::RotationWaiting);
    assert_eq!(world.invocations(), 2);
    world.change_stream(0, false);
    world.pass_time(61 * SECOND);
    assert_eq!(world.ended(1), Some(Reason::SlotNeeded));
    assert_eq!(world.plan.status, RegionStatus::Active);
    assert_eq!(world.invocations(), 3);
}

#[test]
fn a_silent_drainer_keeps_its_slot_while_nobody_needs_it() {
    let mut world = started(Settings { frequency: Frequency::Every(14 * MINUTE), ..defaults() });
    world.open_stream(false);
    world.rotate(false);
    world.pass_time(10 * MINUTE);
    assert_eq!(world.ended(1), None);
}

#[test]
fn without_frequency_and_renewal_a_successor_comes_a_minute_before_the_end() {
    let mut world = started(Settings { frequency: Frequency::Never, renew: Renew::Never, ..defaults() });
    world.pass_time(14 * MINUTE - 2 * SECOND);
    assert_eq!(world.invocations(), 1);
    world.pass_time(SECOND);
    assert_eq!(world.log.last().expect("order").1, Action::Invoke { why: Why::Rotation, fresh: false });
    world.pass_time_checking(60 * MINUTE, |world| assert!(world.acceptor().is_some()));
}

#[test]
fn frequency_never_renews_the_exit_and_keeps_it() {
    let mut world = started(Settings { frequency: Frequency::Never, ..defaults() });
    world.pass_time_checking(180 * MINUTE, |world| assert!(world.acceptor().is_some()));
    assert_eq!((world.invocations(), world.exits.len()), (1, 1));
    assert_eq!(world.plan.next_rotation, None);
}

#[test]
fn frequency_never_replaces_the_exit_where_renewal_fails() {
    let mut world = started(Settings { frequency: Frequency::Never, ..defaults() });
    world.weather = Weather { renewals_work: false, ..FAIR };
    world.pass_time_checking(60 * MINUTE, |world| assert!(world.acceptor().is_some()));
    assert!(world.invocations() >= 4);
    assert_eq!(world.plan.renewal, RenewalStatus::Fails);
}

#[test]
fn in_a_full_region_the_active_exit_is_renewed_rather_than_a_stream_cut() {
    let mut world = started(Settings { max_per_region: 2, frequency: Frequency::Every(10 * SECOND), ..defaults() });
    world.open_stream(true);
    world.pass_time(14 * MINUTE + 30 * SECOND);
    let renewed = |action: &Action| matches!(action, Action::Renew { id: ExitId(2), slot: false });
    assert_eq!(world.orders(renewed), 1, "{:?}", world.log);
    assert_eq!(world.ended(1), None);
}

#[test]
fn where_that_fails_the_oldest_drainer_is_ended() {
    let mut world = started(Settings { max_per_region: 2, frequency: Frequency::Every(10 * SECOND), ..defaults() });
    world.weather = Weather { renewals_work: false, ..FAIR };
    world.open_stream(true);
    world.pass_time_checking(30 * MINUTE, |world| assert!(world.acceptor().is_some()));
    assert_eq!(world.ended(1), Some(Reason::LastSlot));
}

#[test]
fn a_tunnel_that_is_down_for_five_seconds_is_replaced_and_a_drainer_stands_in_meanwhile() {
    let mut world = started(defaults());
    world.open_stream(true);
    world.pass_time(6 * MINUTE);
    world.unpair(1, 20 * SECOND);
    world.pass_time(1500 * Duration::from_millis(1));
    assert_eq!(world.acceptor().expect("stands in").view.id, ExitId(1));
    assert_eq!(world.invocations(), 2);
    world.pass_time(5 * SECOND);
    assert_eq!(world.log.iter().filter(|(_, action)| matches!(action, Action::Invoke { why: Why::Replacement, .. })).count(), 1);
    assert_eq!(world.acceptor().expect("replaced").view.id, ExitId(3));
    assert_eq!(world.exit(1).expect("carries on").view.state.name(), "draining");
}

#[test]
fn a_tunnel_just_lost_is_looked_at_again_without_further_events() {
    let mut world = started(defaults());
    world.unpair(0, MINUTE);
    assert_eq!(world.plan.wake_at, Some(world.now + SECOND));
    world.pass_time(6 * SECOND);
    assert_eq!(world.acceptor().expect("replaced").view.id, ExitId(2));
}

#[test]
fn a_tunnel_that_is_back_at_once_changes_nothing() {
    let mut world = started(defaults());
    let orders = world.log.len();
    world.unpair(0, 900 * Duration::from_millis(1));
    world.pass_time(10 * SECOND);
    assert_eq!(world.log.len(), orders);
}

#[test]
fn a_tunnel_that_is_interrupted_is_left_to_its_link_which_gives_it_up_after_grace() {
    let mut world = started(defaults());
    world.open_stream(true);
    world.unpair(0, 10 * MINUTE);
    world.pass_time(89 * SECOND);
    assert!(world.exit(1).is_some());
    world.pass_time(SECOND);
    assert!(world.exit(1).is_none());
    assert_eq!(world.ended(1), None, "nobody ordered it");
}

#[test]
fn a_night_of_sleep_ends_what_is_past_its_limit_and_starts_anew() {
    let mut world = started(defaults());
    world.open_stream(true);
    world.sleep(480 * MINUTE);
    world.pass_time(2 * SECOND);
    assert_eq!(world.plan.status, RegionStatus::Active);
    assert_eq!(world.exits.len(), 1);
}

#[test]
fn failures_are_told_and_tried_again_ever_later() {
    let mut world = World::new(defaults());
    world.weather = Weather { fate: Fate::Fails(FailureKind::Throttled), ..FAIR };
    world.exits.clear();
    world.replan();
    world.pass_time(SECOND);
    assert_eq!(world.plan.status, RegionStatus::Backoff);
    assert!(world.plan.retry_at > Some(world.now));
    world.pass_time(10 * MINUTE);
    assert!((8..20).contains(&world.invocations()), "{}", world.invocations());
    world.weather = Weather { fate: Fate::Fails(FailureKind::Permanent), ..FAIR };
    world.pass_time(10 * MINUTE);
    assert_eq!(world.plan.status, RegionStatus::Failed);
    world.weather = FAIR;
    world.pass_time(6 * MINUTE);
    assert_eq!((world.plan.status, world.plan.retry_at), (RegionStatus::Active, None));
}

#[test]
fn a_rotation_that_fails_backs_off_although_the_old_exit_works() {
    let mut world = started(Settings { frequency: Frequency::Every(5 * SECOND), ..defaults() });
    world.pass_time(2 * MINUTE);
    let before = world.invocations();
    world.weather = Weather { fate: Fate::Fails(FailureKind::Retryable), ..FAIR };
    world.pass_time(10 * MINUTE);
    assert!((10..20).contains(&(world.invocations() - before)), "{}", world.invocations() - before);
    assert_eq!(world.plan.status, RegionStatus::Active);
    world.weather = FAIR;
    world.pass_time(2 * MINUTE);
    assert_eq!(world.plan.retry_at, None);
}

#[test]
fn a_start_that_hangs_is_given_up_and_another_made() {
    let mut world = World::new(defaults());
    world.weather = Weather { fate: Fate::Hangs, ..FAIR };
    world.crash(0);
    world.pass_time(5 * SECOND);
    world.weather = FAIR;
    world.pass_time(MINUTE);
    assert_eq!(world.ended(2), Some(Reason::StartTimeout));
    assert_eq!(world.plan.status, RegionStatus::Active);
}

#[test]
fn a_start_that_outlives_its_function_waits_for_the_answer_that_tells_why() {
    let mut world = World::new(Settings { timeout: 10 * SECOND, ..defaults() });
    world.weather = Weather { fate: Fate::Hangs, ..FAIR };
    world.pass_time(20 * SECOND);
    assert_eq!(world.ended(1), None);
}

#[test]
fn a_function_that_crashes_again_and_again_is_not_invoked_in_a_tight_loop() {
    let mut world = started(defaults());
    for _ in 0..1200 {
        world.pass_time(500 * Duration::from_millis(1));
        if world.acceptor().is_some() {
            world.crash(0);
        }
    }
    assert!(world.invocations() < 20, "{}", world.invocations());
}

#[test]
fn a_lapsed_region_has_no_exit_and_is_healthy() {
    let mut world = started(defaults());
    world.open_stream(true);
    world.lapse();
    world.pass_time(60 * MINUTE);
    assert!(world.exits.is_empty() && world.plan.status == RegionStatus::Lapsed);
    assert_eq!((world.ended(1), world.plan.wake_at), (Some(Reason::Idle), None));
    world.wake();
    assert_eq!(world.log.last().expect("order").1, Action::Invoke { why: Why::Wake, fresh: false });
    world.pass_time(SECOND);
    assert_eq!(world.plan.status, RegionStatus::Active);
}

#[test]
fn the_user_gets_a_new_exit_now() {
    let mut world = started(Settings { frequency: Frequency::Never, max_per_region: 2, ..defaults() });
    world.rotate(false);
    world.pass_time(5 * SECOND);
    assert_eq!(world.invocations(), 2);
    assert_eq!(world.ended(1), Some(Reason::Done));
}

#[test]
fn without_a_budget_nothing_is_invoked_and_the_last_exit_is_used_to_its_end() {
    let mut world = started(defaults());
    world.may_invoke = false;
    world.pass_time(14 * MINUTE);
    assert_eq!((world.invocations(), world.plan.status), (1, RegionStatus::Active));
}

#[test]
fn a_clock_that_was_set_back_keeps_no_region_waiting() {
    let now = Timestamp::from_millis(1_800_000_000_000);
    let (hour, mut state) = (60 * MINUTE, RegionState::new(now + SECOND));
    state.on_start_failed(now, FailureKind::Permanent, Jitter::new(1.0));
    let earlier = now.before(hour);
    let first = plan(earlier, &defaults(), &mut state, &RegionView::default());
    assert!(first.actions.is_empty() && first.wake_at <= Some(earlier + 5 * SECOND), "{first:?}");
    let second = plan(earlier + 5 * SECOND, &defaults(), &mut state, &RegionView::default());
    assert_eq!((second.actions.len(), second.retry_at), (1, None));

    let mut world = started(defaults());
    world.now = world.now.before(hour);
    world.replan();
    world.pass_time(6 * SECOND);
    assert_eq!(world.invocations(), 2, "by a clock that was wrong it would be an hour to the next");
    world.pass_time(7 * MINUTE);
    assert_eq!(world.invocations(), 3);
}
