//! A fixed status for tests: one of each state that looks different.

use super::model::{
    ExitState, ExitStatus, FreshState, Month, Overall, ProxyStatus, RegionState, RegionStatus, RelayState, RelayStatus,
    RenewalState, SCHEMA, Status, Totals, Versions,
};
use crate::health::{Problem, Severity};

/// A busy agent with a region in trouble.
pub(crate) fn busy() -> Status {
    Status {
        schema: SCHEMA,
        health: Overall::Degraded,
        versions: Versions { agent: "0.1.0".into(), function: Some("0.1.0".into()) },
        proxy: ProxyStatus { listen: vec!["127.0.0.1:8080".parse().expect("address")] },
        relays: vec![RelayStatus { url: "wss://relay.example.com".into(), state: RelayState::Up, rtt_ms: Some(12.3) }],
        regions: vec![
            RegionStatus { next_rotation_s: Some(211), function_version: Some("0.1.0".into()), ..region("us-west-2") },
            RegionStatus {
                state: RegionState::Backoff,
                retry_in_s: Some(7),
                renewal: RenewalState::Unknown,
                error: Some("throttled".into()),
                ..region("ap-southeast-2")
            },
        ],
        exits: vec![
            ExitStatus { exit_ip: Some("203.0.113.7".parse().expect("address")), remaining_s: Some(869), ..exit("us-west-2-4") },
            ExitStatus {
                state: ExitState::Closed,
                paired: false,
                ended_reason: Some("drained".into()),
                age_s: 4000,
                streams: 0,
                bytes_up: 0,
                bytes_down: 5_000_000_000,
                ..exit("us-west-2-3")
            },
        ],
        totals: Totals {
            streams_opened: 120,
            streams_open: 4,
            streams_failed: 2,
            streams_failed_by_error: [("dns_error".to_owned(), 2)].into(),
            bytes_up: 1536,
            bytes_down: 5_000_070_000,
            distinct_exit_ips: 3,
        },
        month: Month {
            gb_seconds: 120.5,
            requests: 31,
            bytes_out: 5_000_000_000,
            usd: 0.45,
            limit_usd: Some(5.0),
            tariff_date: Some("2026-11-01".into()),
        },
        problems: vec![Problem {
            code: "invoke_throttled".into(),
            severity: Severity::Warning,
            region: Some("ap-southeast-2".into()),
            phase: Some("invoke".into()),
            text: "AWS throttles the invocations".into(),
            hint: Some("ask for more concurrent executions".into()),
        }],
    }
}

fn region(name: &str) -> RegionStatus {
    RegionStatus {
        region: name.into(),
        state: RegionState::Active,
        next_rotation_s: None,
        retry_in_s: None,
        renewal: RenewalState::Works,
        fresh: FreshState::Ok,
        function_version: None,
        error: None,
    }
}

fn exit(id: &str) -> ExitStatus {
    ExitStatus {
        id: id.into(),
        region: "us-west-2".into(),
        state: ExitState::Active,
        exit_ip: None,
        age_s: 31,
        remaining_s: None,
        generation: Some(3),
        instance: Some("00112233445566778899aabbccddeeff".into()),
        paired: true,
        renewals: 0,
        resumes: 0,
        last_resume_ms: None,
        ended_reason: None,
        streams: 4,
        bytes_up: 1536,
        bytes_down: 70_000,
        rtt_ms: Some(41.0),
        cold_start_ms: Some(180),
        error: None,
    }
}
