//! From what the rooms know to the answer of `status`.

use std::cmp::Reverse;
use std::net::SocketAddr;
use std::time::Duration;

use crate::exits::state::ExitState as State;
use crate::health::{Health, Problem};
use crate::money::{Bill, Book, TARIFF_DATE};
use crate::proxy::Counters;
use crate::relays::{RelayView, Relays};
use crate::scheduler::plan::{FreshStatus, RegionStatus as Planned, RenewalStatus};
use crate::scheduler::supervisor::{ExitSnapshot, RegionSnapshot, Snapshot};
use crate::status::model::{
    ExitState, ExitStatus, FreshState, Month, Overall, ProxyStatus, RegionState, RegionStatus, RelayState, RelayStatus,
    RenewalState, SCHEMA, Status, Totals, Versions,
};

/// What stays the same while an agent runs.
pub(super) struct Fixed {
    pub(super) listen: Vec<SocketAddr>,
    pub(super) relays: Relays,
    pub(super) limit_usd: Option<f64>,
}

pub(super) fn status(fixed: &Fixed, snapshot: &Snapshot, counters: &Counters, health: &Health, book: &Book) -> Status {
    let relays = relays(fixed, snapshot);
    let regions: Vec<RegionStatus> = snapshot.regions.iter().map(region).collect();
    let function = snapshot.regions.iter().find_map(|region| region.function_version.clone());
    Status {
        schema: SCHEMA,
        health: Overall::judge(&relays, &regions),
        versions: Versions { agent: env!("CARGO_PKG_VERSION").to_owned(), function },
        proxy: ProxyStatus { listen: fixed.listen.clone() },
        relays,
        regions,
        exits: snapshot.exits.iter().map(exit).collect(),
        totals: totals(counters, snapshot),
        month: month(fixed, book),
        problems: problems(counters, health),
    }
}

/// The worst first.
fn problems(counters: &Counters, health: &Health) -> Vec<Problem> {
    let mut problems = health.list();
    problems.extend(counters.problem());
    problems.sort_by_key(|problem| Reverse(problem.severity));
    problems
}

/// Where nothing costs anything there is no tariff either.
fn month(fixed: &Fixed, book: &Book) -> Month {
    let limit_usd = fixed.limit_usd;
    let Some(Bill { gb_seconds, requests, bytes_out, usd }) = book.month() else {
        return Month { limit_usd, ..Month::default() };
    };
    Month { gb_seconds, requests, bytes_out, usd, limit_usd, tariff_date: Some(TARIFF_DATE.to_owned()) }
}

/// A relay on which a leg stands is up; of the others the last dial or question tells.
fn relays(fixed: &Fixed, snapshot: &Snapshot) -> Vec<RelayStatus> {
    let state = |place: usize, view: &RelayView| match view.answers {
        _ if snapshot.relays_in_use.contains(&place) => RelayState::Up,
        Some(true) => RelayState::Up,
        Some(false) => RelayState::Down,
        None => RelayState::Connecting,
    };
    let relay =
        |(place, view): (usize, RelayView)| RelayStatus { state: state(place, &view), rtt_ms: view.rtt.map(ms), url: view.url };
    fixed.relays.views().into_iter().enumerate().map(relay).collect()
}

fn region(region: &RegionSnapshot) -> RegionStatus {
    RegionStatus {
        region: region.region.clone(),
        state: match region.status {
            Planned::Active => RegionState::Active,
            Planned::RotationWaiting => RegionState::RotationWaiting,
            Planned::Starting => RegionState::Starting,
            Planned::Lapsed => RegionState::Lapsed,
            Planned::Backoff => RegionState::Backoff,
            Planned::Failed => RegionState::Failed,
        },
        next_rotation_s: region.next_rotation.map(|wait| wait.as_secs()),
        retry_in_s: region.retry_in.map(|wait| wait.as_secs()),
        renewal: match region.renewal {
            RenewalStatus::Unknown => RenewalState::Unknown,
            RenewalStatus::Works => RenewalState::Works,
            RenewalStatus::Fails => RenewalState::Fails,
        },
        fresh: match region.fresh {
            FreshStatus::Off => FreshState::Off,
            FreshStatus::Ok => FreshState::Ok,
            FreshStatus::Waiting => FreshState::Waiting,
            FreshStatus::Exhausted => FreshState::Exhausted,
        },
        function_version: region.function_version.clone(),
        error: region.error.clone(),
    }
}

fn exit(exit: &ExitSnapshot) -> ExitStatus {
    let ended = exit.state.has_ended();
    ExitStatus {
        id: exit.id.clone(),
        region: exit.region.clone(),
        state: match exit.state {
            State::Invoked => ExitState::Invoked,
            State::Paired => ExitState::Paired,
            State::Ready => ExitState::Ready,
            State::Active => ExitState::Active,
            State::Draining => ExitState::Draining,
            State::Closed(_) => ExitState::Closed,
            State::Failed(..) => ExitState::Failed,
        },
        exit_ip: exit.address,
        age_s: exit.age.as_secs(),
        remaining_s: (!ended).then_some(exit.remaining.as_secs()),
        generation: exit.generation,
        instance: exit.instance.clone(),
        paired: exit.paired,
        renewals: exit.renewals,
        resumes: exit.resumes,
        last_resume_ms: exit.last_resume.map(whole_ms),
        ended_reason: exit.state.ended_reason().map(|reason| reason.name().to_owned()),
        streams: if ended { 0 } else { exit.streams.open as u64 },
        bytes_up: exit.streams.bytes_up,
        bytes_down: exit.streams.bytes_down,
        rtt_ms: exit.rtt.map(ms),
        cold_start_ms: exit.cold_start.map(whole_ms),
        error: exit.error.clone(),
    }
}

fn totals(counters: &Counters, snapshot: &Snapshot) -> Totals {
    let stats = counters.stats();
    Totals {
        streams_opened: stats.entered,
        streams_open: stats.open as u64,
        streams_failed: counters.failed(),
        streams_failed_by_error: counters.failed_by_error().map(|(error, count)| (error.token().to_owned(), count)).collect(),
        bytes_up: stats.bytes_up,
        bytes_down: stats.bytes_down,
        distinct_exit_ips: snapshot.distinct_addresses as u64,
    }
}

fn ms(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 10_000.0).round() / 10.0
}

fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
