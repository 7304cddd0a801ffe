//! What must hold in any region, whatever happens to it. What must hold of each single order is checked by the world.

use std::time::Duration;

use proptest::prelude::*;

use super::world::{FAIR, Fate, Weather, World};
use super::*;
use crate::scheduler::backoff::FailureKind;

/// All faults over, a region must accept again within this: the longest back-off, a start that hangs, and grace.
const RECOVERY: Duration = Duration::from_secs(300 + 30 + 110 + 60);
/// Plans per second of simulated time that would be a busy loop; a region with streams that move needs one in five seconds,
/// besides those that events cause.
const BUSY: u32 = 4;

#[derive(Debug, Clone, Copy)]
enum Event {
    Open { moving: bool },
    Change { pick: usize, close: bool },
    Rotate { fresh: bool },
    Address(u8),
    Crash(usize),
    Unpair { pick: usize, seconds: u64 },
    Sleep { seconds: u64 },
    Weather(Weather),
    Lapse,
    Wake,
    Budget(bool),
    WindDown(bool),
}

fn users() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => any::<bool>().prop_map(|moving| Event::Open { moving }),
        4 => (any::<usize>(), any::<bool>()).prop_map(|(pick, close)| Event::Change { pick, close }),
        1 => any::<bool>().prop_map(|fresh| Event::Rotate { fresh }),
        1 => (0u8..4).prop_map(Event::Address),
    ]
}

fn fates() -> impl Strategy<Value = Fate> {
    prop_oneof![
        3 => Just(Fate::Ready),
        1 => Just(Fate::Hangs),
        1 => Just(Fate::Fails(FailureKind::Throttled)),
        1 => Just(Fate::Fails(FailureKind::Retryable)),
        1 => Just(Fate::Fails(FailureKind::Permanent)),
    ]
}

fn weathers() -> impl Strategy<Value = Weather> {
    (fates(), 100u64..20_000, any::<[bool; 3]>()).prop_map(|(fate, millis, [renewals_work, kill, raises_work])| Weather {
        start_takes: Duration::from_millis(millis),
        fate,
        renewals_work,
        failed_renewals_kill: kill,
        raises_work,
    })
}

fn faults() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => users(),
        1 => any::<usize>().prop_map(Event::Crash),
        3 => (any::<usize>(), 1u64..200).prop_map(|(pick, seconds)| Event::Unpair { pick, seconds }),
        1 => (0u64..4000).prop_map(|seconds| Event::Sleep { seconds }),
        2 => weathers().prop_map(Event::Weather),
        1 => prop_oneof![Just(Event::Lapse), Just(Event::Wake)],
        1 => any::<bool>().prop_map(Event::Budget),
        1 => any::<bool>().prop_map(Event::WindDown),
    ]
}

fn settings(shortest_timeout: u64) -> impl Strategy<Value = Settings> {
    let frequency =
        prop_oneof![1 => Just(Frequency::Never), 4 => (5u64..1200).prop_map(|s| Frequency::Every(Duration::from_secs(s)))];
    let fresh = prop_oneof![Just(Fresh::Auto), Just(Fresh::Always), Just(Fresh::Never)];
    let renew = prop_oneof![2 => Just(Renew::Auto), 1 => Just(Renew::Never)];
    (frequency, shortest_timeout..=900, 2usize..5, 10u64..4000, renew, fresh, 5u64..=110).prop_map(
        |(frequency, timeout, max_per_region, drain, renew, fresh, grace)| Settings {
            frequency,
            timeout: Duration::from_secs(timeout),
            max_per_region,
            drain: Duration::from_secs(drain),
            renew,
            fresh,
            grace: Duration::from_secs(grace),
        },
    )
}

/// Events and the milliseconds before each.
fn course(events: impl Strategy<Value = Event>) -> impl Strategy<Value = Vec<(u64, Event)>> {
    let gap = prop_oneof![3 => 0u64..5_000, 2 => 0u64..100_000, 1 => 0u64..900_000];
    prop::collection::vec((gap, events), 0..60)
}

fn happen(world: &mut World, event: Event) {
    match event {
        Event::Open { moving } => world.open_stream(moving),
        Event::Change { pick, close } => world.change_stream(pick, close),
        Event::Rotate { fresh } => world.rotate(fresh),
        Event::Address(last) => world.tell_address(last),
        Event::Crash(pick) => world.crash(pick),
        Event::Unpair { pick, seconds } => world.unpair(pick, Duration::from_secs(seconds)),
        Event::Sleep { seconds } => world.sleep(Duration::from_secs(seconds)),
        Event::Weather(weather) => world.weather = weather,
        Event::Lapse => world.lapse(),
        Event::Wake => world.wake(),
        Event::Budget(allowed) => world.may_invoke = allowed,
        Event::WindDown(winding_down) => world.winding_down = winding_down,
    }
}

fn assert_accepts(world: &World) {
    assert!(world.acceptor().is_some(), "none accepts at {:?}: {:#?}\n{:?}", world.now, world.exits, world.log);
    assert!(matches!(world.plan.status, RegionStatus::Active | RegionStatus::RotationWaiting));
}

fn assert_no_busy_loop(world: &World, since: (Timestamp, usize)) {
    let seconds = u32::try_from(world.now.since(since.0).as_secs()).expect("days at most");
    let passes = world.passes - since.1;
    assert!(passes <= (seconds * BUSY + 60) as usize, "{passes} plans in {seconds} s");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn in_fair_weather_one_always_accepts(
        settings in settings(60),
        renewals_work in any::<bool>(),
        start_takes in 50u64..2000,
        course in course(users()),
    ) {
        let mut world = World::new(settings);
        world.weather = Weather { renewals_work, start_takes: Duration::from_millis(start_takes), ..FAIR };
        world.pass_time(Duration::from_secs(2));
        for (gap, event) in course {
            world.pass_time_checking(Duration::from_millis(gap), assert_accepts);
            happen(&mut world, event);
            assert_accepts(&world);
        }
    }

    #[test]
    fn after_any_storm_the_region_recovers(settings in settings(10), course in course(faults())) {
        let mut world = World::new(settings);
        let start = (world.now, world.passes);
        for (gap, event) in course {
            world.pass_time(Duration::from_millis(gap));
            happen(&mut world, event);
        }
        assert_no_busy_loop(&world, start);
        world.weather = FAIR;
        (world.may_invoke, world.winding_down) = (true, false);
        world.wake();
        world.pass_time(RECOVERY);
        assert_accepts(&world);
        let calm = (world.now, world.passes);
        world.pass_time(Duration::from_secs(1800));
        assert_accepts(&world);
        assert_no_busy_loop(&world, calm);
    }

    #[test]
    fn rotation_comes_as_often_as_it_is_to_come(seconds in 5u64..800, max_per_region in 2usize..5) {
        let every = Duration::from_secs(seconds);
        let mut world = World::new(Settings { frequency: Frequency::Every(every), max_per_region, ..super::scenarios::defaults() });
        world.pass_time(every * 20 + Duration::from_secs(1));
        prop_assert_eq!(world.invocations(), 21);
    }

    #[test]
    fn rotation_never_costs_the_only_long_stream_its_time_to_drain(
        mut settings in settings(10),
        max_per_region in 3usize..5,
        short in prop::collection::vec(1u64..50_000, 0..40),
    ) {
        settings = Settings { renew: Renew::Auto, fresh: Fresh::Never, max_per_region, ..settings };
        let mut world = World::new(settings);
        world.weather.start_takes = (settings.timeout / 40).min(Duration::from_secs(2));
        world.pass_time(Duration::from_secs(1));
        world.open_stream(true);
        for gap in short {
            world.pass_time(Duration::from_millis(gap));
            world.open_stream(true);
            world.pass_time(Duration::from_millis(gap / 10));
            // The short one may have ended with its exit's life by now.
            if world.streams() > 1 {
                world.change_stream(1, true);
            }
        }
        world.pass_time(settings.drain);
        let end = world.ended(1);
        prop_assert!(matches!(end, None | Some(Reason::DrainLimit)), "{end:?} {:?}", world.log);
    }

    #[test]
    fn a_stopped_region_invokes_nothing_and_is_empty_soon(settings in settings(10), course in course(faults())) {
        let mut world = World::new(settings);
        for (gap, event) in course {
            world.pass_time(Duration::from_millis(gap));
            happen(&mut world, event);
        }
        world.stop();
        let invocations = world.invocations();
        world.pass_time(Duration::from_secs(2));
        prop_assert!(world.exits.is_empty());
        prop_assert_eq!((world.invocations(), world.plan.wake_at), (invocations, None));
    }
}
