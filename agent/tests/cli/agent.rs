//! Commands that ask a running agent. Here the test itself is that agent.

use std::path::Path;
use std::sync::Arc;

use agent::control_socket::{Agent, ControlSocket, Place, RotateOrder, RotateReport, RotatedRegion};
use agent::status::model::Status;
use serde_json::json;

use super::home::{Ended, Home};

/// An agent with one region that works and one that does not.
struct Fake;

impl Agent for Fake {
    async fn status(&self) -> Status {
        let status = json!({
            "schema": 1, "health": "degraded", "versions": {"agent": "0.1.0", "function": null},
            "proxy": {"listen": ["127.0.0.1:8080"]}, "relays": [], "regions": [], "exits": [],
            "totals": {"streams_opened": 1, "streams_open": 1, "streams_failed": 0, "bytes_up": 1, "bytes_down": 2,
                       "distinct_exit_ips": 1},
            "month": {"gb_seconds": 1.0, "requests": 1, "bytes_out": 1, "usd": 0.0, "limit_usd": null, "tariff_date": null},
            "problems": []
        });
        serde_json::from_value(status).expect("a status")
    }

    async fn rotate(&self, order: RotateOrder) -> Result<RotateReport, String> {
        let address = |text: &str| Some(text.parse().expect("address"));
        let works = RotatedRegion {
            region: "us-west-2".into(),
            old: address("203.0.113.7"),
            new: address("203.0.113.9"),
            error: None,
            refuser: None,
            note: None,
        };
        let fails = RotatedRegion {
            region: "nowhere".into(),
            old: None,
            new: None,
            error: Some("no such region".into()),
            refuser: None,
            note: None,
        };
        Ok(RotateReport { regions: if order.regions.is_empty() { vec![works] } else { vec![works, fails] } })
    }

    fn stop(&self) {}
}

/// Where the program looks for the agent of this configuration, in this home.
fn place(home: &Home, config: &Path) -> Place {
    let state = home.path().join(".state/awslambdaproxy");
    Place::within(config, &state, &state)
}

/// Runs the program while the test answers as the agent.
async fn asked(home: Home, arguments: &'static [&'static str]) -> Ended {
    let socket = ControlSocket::open(&place(&home, &home.config())).expect("open");
    let program = tokio::task::spawn_blocking(move || home.run(arguments));
    tokio::select! {
        () = socket.serve(Arc::new(Fake)) => unreachable!("serves for ever"),
        ended = program => ended.expect("ran"),
    }
}

#[test]
fn without_an_agent_status_and_rotate_say_how_to_start_one() {
    for arguments in [&["status"][..], &["status", "--json"], &["status", "--watch"], &["rotate"]] {
        let ended = Home::new().run(arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(6), ""), "{ended:?}");
        assert!(ended.stderr.contains("not running; start it with `awslambdaproxy run`"), "{ended:?}");
    }
}

#[test]
fn a_configuration_that_was_named_is_named_in_the_hint() {
    for (name, shown) in [("other.toml", "other.toml"), ("my own.toml", "'my own.toml'")] {
        let ended = Home::new().run(&["status", "--config", name]);
        assert_eq!(ended.code, Some(6), "{ended:?}");
        let hint = format!("not running; start it with `awslambdaproxy run --config {shown}`");
        assert!(ended.stderr.contains(&hint), "{ended:?}");
    }
}

#[tokio::test]
async fn status_is_asked_of_the_running_agent() {
    let ended = asked(Home::new(), &["status", "--json"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let status: serde_json::Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!((&status["schema"], &status["health"]), (&json!(1), &json!("degraded")));
    let ended = asked(Home::new(), &["status"]).await;
    assert!(ended.stdout.starts_with("degraded   proxy on 127.0.0.1:8080\n"), "{ended:?}");
}

#[tokio::test]
async fn rotate_prints_old_and_new_address_and_some_failed_regions_are_seven() {
    let ended = asked(Home::new(), &["rotate"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "us-west-2  203.0.113.7 → 203.0.113.9\n"));
    let ended = asked(Home::new(), &["rotate", "--fresh", "us-west-2", "nowhere"]).await;
    assert_eq!(ended.code, Some(7));
    assert!(ended.stderr.contains("nowhere: no such region"), "{ended:?}");
}

#[tokio::test]
async fn a_second_run_names_the_firsts_pid() {
    let home = Home::new();
    let _first = ControlSocket::open(&place(&home, &home.config())).expect("open");
    let ended = home.run(&["run", "--local"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains(&format!("already running on this configuration, as process {}", std::process::id())));
    let other = home.path().join("other.toml");
    let _elsewhere = ControlSocket::open(&place(&home, &other)).expect("another configuration is another agent");
}
