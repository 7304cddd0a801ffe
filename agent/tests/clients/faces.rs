//! `status` and `rotate` on the real agent.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use super::nginx::Nginx;
use super::program::{BASE, Program, send_signal};
use super::tools::{curl_text, wait_for};

/// A configuration of one region whose exits ask the server for their address.
fn with_addresses(nginx: &Nginx) -> String {
    let check = format!("check_url = \"http://localhost:{}/address\"", nginx.http);
    format!("regions = [\"only\"]\n{}", BASE.replace("check_url = \"\"", &check))
}

#[test]
fn status_tells_people_what_listens_what_runs_and_what_was_carried() {
    let nginx = Nginx::start();
    let agent = Program::start(&with_addresses(&nginx));
    let address = wait_for("the exit's address", || Some(agent.status()?["exits"][0]["exit_ip"].as_str()?.to_owned()));
    curl_text(&["-x", &agent.url(), &format!("http://localhost:{}/", nginx.http)]);
    wait_for("the end of the stream", || (agent.status()?["totals"]["streams_open"] == 0).then_some(()));
    let output = agent.command(&["status"]);
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(output.status.success() && text.starts_with(&format!("healthy   proxy on {}\n", agent.proxy())), "{text}");
    for part in ["REGION", "only", "active", &address, "0 open, 1 opened, 0 failed", "1 distinct address"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains('\x1b'), "a pipe gets no colours: {text}");
}

#[test]
fn a_configuration_that_was_changed_is_told_until_it_is_changed_back() {
    let configuration = format!("regions = [\"only\"]\n{BASE}");
    let agent = Program::start(&configuration);
    let problems = || agent.status().expect("a status")["problems"].as_array().expect("a list").clone();
    let check = || agent.desktop.run(&["config", "check", "--local"]);
    assert_eq!((problems(), check().stderr.as_str()), (vec![], ""));
    agent.desktop.configure(&configuration.replace("only", "other"));
    let told = problems();
    assert_eq!((told.len(), &told[0]["code"], &told[0]["severity"]), (1, &"config_changed".into(), &"warning".into()));
    assert_eq!(told[0]["hint"], "restart the agent to follow it");
    wait_for("a word in the log", || agent.log().contains("config.toml was changed since the agent started").then_some(()));
    let checked = check();
    assert_eq!((checked.code, checked.stdout.as_str()), (Some(0), "ok\n"));
    assert!(checked.stderr.contains("was started with another version"), "{checked:?}");
    agent.desktop.configure(&configuration);
    assert_eq!((problems(), check().stderr.as_str()), (vec![], ""));
}

#[test]
fn a_watched_status_follows_the_agent_and_ends_with_it() {
    let mut agent = Program::start(&format!("regions = [\"only\"]\n{BASE}"));
    for arguments in [&["status", "--watch", "--json"][..], &["status", "--watch"]] {
        let mut watching = agent.prepare(arguments).stdout(Stdio::piped()).spawn().expect("status runs");
        let mut lines = BufReader::new(watching.stdout.take().expect("stdout")).lines();
        let begins = |line: &String| line.starts_with("{\"schema\":1,") || line.starts_with("healthy   proxy on ");
        for _ in 0..2 {
            assert!(lines.by_ref().any(|line| begins(&line.expect("line"))), "a status, and another");
        }
        send_signal(watching.id(), "INT");
        assert_eq!(watching.wait().expect("it ends").code(), Some(130));
    }
    let mut watching =
        agent.prepare(&["status", "--watch"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("status runs");
    agent.signal("TERM");
    agent.wait();
    assert_eq!(watching.wait().expect("it ends").code(), Some(6));
}

#[test]
fn rotate_prints_old_and_new_address_and_the_site_sees_the_new_one() {
    let nginx = Nginx::start();
    let agent = Program::start(&with_addresses(&nginx));
    let page = format!("http://localhost:{}/address", nginx.http);
    let seen = || curl_text(&["-x", &agent.url(), &page]).trim().to_owned();
    let mut before = seen();
    wait_for("the exit's address", || agent.status()?["exits"][0]["exit_ip"].as_str().map(str::to_owned));
    for _ in 0..3 {
        let output = agent.command(&["rotate", "--fresh"]);
        let line = String::from_utf8(output.stdout).expect("text");
        let after = seen();
        assert!(output.status.success(), "{line} {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(line, format!("only  {before} → {after}\n"));
        assert_ne!(before, after);
        before = after;
    }
    let output = agent.command(&["rotate", "nowhere"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("nowhere"));
}

#[test]
fn who_asks_for_a_rotation_while_one_is_under_way_is_content_with_that() {
    let agent = Program::start(&format!("regions = [\"only\"]\nfrequency = \"never\"\n{BASE}"));
    let ask = || agent.prepare(&["rotate"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("rotate runs");
    let asking: Vec<_> = (0..4).map(|_| ask()).collect();
    for rotating in asking {
        let output = rotating.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
