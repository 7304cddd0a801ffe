//! The status for people: aligned columns, legible without colour.

use std::fmt::Write as _;

use super::model::{ENDING, ExitState, ExitStatus, Month, Overall, RegionState, RegionStatus, RelayState, Status};
use crate::columns::table;
use crate::health::Problem;
use crate::money::FREE_TIER;

/// What stands for the unknown.
const UNKNOWN: &str = "-";

/// The whole status as text, ending with a newline.
pub fn render(status: &Status) -> String {
    let mut out = head(status);
    out.push_str(&table(&REGION_HEAD, status.regions.iter().map(region_row).collect()));
    if !status.exits.is_empty() {
        out.push('\n');
        out.push_str(&table(&EXIT_HEAD, status.exits.iter().map(exit_row).collect()));
    }
    out.push('\n');
    out.push_str(&totals(status));
    status.problems.iter().for_each(|problem| out.push_str(&problem_lines(problem)));
    out
}

fn head(status: &Status) -> String {
    let listen: Vec<String> = status.proxy.listen.iter().map(ToString::to_string).collect();
    let word = if status.has_problem(ENDING) { ENDING } else { overall(status.health) };
    let mut out = format!("{word}   proxy on {}\n", listen.join(", "));
    for relay in &status.relays {
        let rtt = relay.rtt_ms.map(|ms| format!(", {ms:.0} ms")).unwrap_or_default();
        let _ = writeln!(out, "relay {}: {}{rtt}", relay.url, relay_state(relay.state));
    }
    out.push('\n');
    out
}

const REGION_HEAD: [&str; 6] = ["REGION", "STATE", "NEXT", "RENEWAL", "FRESH", "ERROR"];

fn region_row(region: &RegionStatus) -> Vec<String> {
    let next = match (region.retry_in_s, region.next_rotation_s) {
        (Some(seconds), _) => format!("retry in {}", time(seconds)),
        (None, Some(seconds)) => format!("in {}", time(seconds)),
        (None, None) => UNKNOWN.to_owned(),
    };
    vec![
        region.region.clone(),
        region_state(region.state).to_owned(),
        next,
        word(&region.renewal),
        word(&region.fresh),
        region.error.clone().unwrap_or_default(),
    ]
}

const EXIT_HEAD: [&str; 9] = ["EXIT", "REGION", "ADDRESS", "STATE", "AGE", "LEFT", "STREAMS", "UP", "DOWN"];

fn exit_row(exit: &ExitStatus) -> Vec<String> {
    vec![
        exit.id.clone(),
        exit.region.clone(),
        exit.exit_ip.map_or_else(|| UNKNOWN.to_owned(), |ip| ip.to_string()),
        exit_state(exit),
        time(exit.age_s),
        exit.remaining_s.map_or_else(|| UNKNOWN.to_owned(), time),
        exit.streams.to_string(),
        bytes(exit.bytes_up),
        bytes(exit.bytes_down),
    ]
}

/// The state, and why: an ended exit's reason, a live one's broken tunnel.
fn exit_state(exit: &ExitStatus) -> String {
    let state = word(&exit.state);
    match (exit.state, &exit.ended_reason) {
        (ExitState::Closed | ExitState::Failed, Some(reason)) => format!("{state} ({reason})"),
        (ExitState::Active | ExitState::Draining, _) if !exit.paired => format!("{state} (unpaired)"),
        _ => state,
    }
}

fn totals(status: &Status) -> String {
    let totals = &status.totals;
    let month = &status.month;
    let limit = month.limit_usd.map(|usd| format!(" of ${usd:.2}")).unwrap_or_default();
    let free = free_share(month);
    format!(
        "streams  {} open, {} opened, {} failed\n\
         bytes    {} up, {} down\n\
         exits    {} distinct addresses\n\
         month    ${:.2}{limit}: {:.0} GB-seconds, {} requests, {} out{free}\n",
        totals.streams_open,
        totals.streams_opened,
        totals.streams_failed,
        bytes(totals.bytes_up),
        bytes(totals.bytes_down),
        totals.distinct_exit_ips,
        month.usd,
        month.gb_seconds,
        month.requests,
        bytes(month.bytes_out),
    )
}

/// How much of the free tier is used up; nothing where nothing costs.
fn free_share(month: &Month) -> String {
    if month.tariff_date.is_none() {
        return String::new();
    }
    let percent = |used: f64, free: f64| match used / free * 100.0 {
        some if some > 0.0 && some < 1.0 => "under 1 %".to_owned(),
        share => format!("{:.0} %", share.ceil()),
    };
    format!(
        " ({} of the free time, {} of the free requests, {} of the free traffic)",
        percent(month.gb_seconds, FREE_TIER.gb_seconds),
        percent(month.requests as f64, FREE_TIER.requests as f64),
        percent(month.bytes_out as f64, FREE_TIER.bytes_out as f64),
    )
}

fn problem_lines(problem: &Problem) -> String {
    let region = problem.region.as_ref().map(|region| format!(" {region}")).unwrap_or_default();
    let mut lines = format!("\n{}{region}: {}\n", problem.severity.word(), problem.text);
    if let Some(hint) = &problem.hint {
        let _ = writeln!(lines, "  hint: {hint}");
    }
    lines
}

fn overall(health: Overall) -> &'static str {
    match health {
        Overall::Healthy => "healthy",
        Overall::Degraded => "degraded",
        Overall::Down => "down",
    }
}

fn relay_state(state: RelayState) -> &'static str {
    match state {
        RelayState::Up => "up",
        RelayState::Connecting => "connecting",
        RelayState::Down => "down",
    }
}

fn region_state(state: RegionState) -> &'static str {
    match state {
        RegionState::Active => "active",
        RegionState::RotationWaiting => "rotation waiting",
        RegionState::Starting => "starting",
        RegionState::Lapsed => "lapsed",
        RegionState::Backoff => "backoff",
        RegionState::Failed => "failed",
    }
}

/// The contract's word of a state.
fn word(state: &impl serde::Serialize) -> String {
    match serde_json::to_value(state) {
        Ok(serde_json::Value::String(word)) => word,
        _ => UNKNOWN.to_owned(),
    }
}

/// Two units at most: `31s`, `14m 29s`, `2h 5m`.
fn time(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {}s", seconds / 60, seconds % 60),
        _ => format!("{}h {}m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// Three digits and a unit of 1000.
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
fn bytes(count: u64) -> String {
    let mut rest = count as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if rest < 999.5 {
            let digits = usize::from(unit != "B" && rest < 99.95);
            return format!("{rest:.digits$} {unit}");
        }
        rest /= 1000.0;
    }
    format!("{rest:.1} TB")
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn people_read_an_aligned_table() {
        let expected = "\
degraded   proxy on 127.0.0.1:8080
relay wss://relay.example.com: up, 12 ms

REGION          STATE    NEXT         RENEWAL  FRESH  ERROR
us-west-2       active   in 3m 31s    works    ok
ap-southeast-2  backoff  retry in 7s  unknown  ok     throttled

EXIT         REGION     ADDRESS      STATE             AGE    LEFT     STREAMS  UP      DOWN
us-west-2-4  us-west-2  203.0.113.7  active            31s    14m 29s  4        1.5 kB  70.0 kB
us-west-2-3  us-west-2  -            closed (drained)  1h 6m  -        0        0 B     5.0 GB

streams  4 open, 120 opened, 2 failed
bytes    1.5 kB up, 5.0 GB down
exits    3 distinct addresses
month    $0.45 of $5.00: 120 GB-seconds, 31 requests, 5.0 GB out (under 1 % of the free time, under 1 % of the free requests, 5 % of the free traffic)

warning ap-southeast-2: AWS throttles the invocations
  hint: ask for more concurrent executions
";
        assert_eq!(render(&sample::busy()), expected);
    }

    #[test]
    fn an_agent_that_ends_is_not_called_healthy() {
        let mut status = sample::busy();
        status.problems[0].code = ENDING.to_owned();
        assert!(render(&status).starts_with("ending   proxy on 127.0.0.1:8080\n"));
    }

    #[test]
    fn amounts_have_three_digits() {
        for (count, shown) in [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_999, "1.0 MB"), (123_456, "123 kB")] {
            assert_eq!(bytes(count), shown);
        }
        assert!(bytes(u64::MAX).ends_with(" TB"));
    }
}
