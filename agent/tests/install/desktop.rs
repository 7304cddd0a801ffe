//! The desktop's proxy with the real `gsettings`, which keeps its settings in a file of the test's home.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::support::desktop::Desktop;
use super::support::program::{BASE, MINDS_HANGUPS, Program, send_signal};
use super::support::tools::{wait_for, write_program};

/// A session of GNOME without a bus: settings are in `glib-2.0/settings/keyfile` of the configuration directory.
const SESSION: [(&str, &str); 2] = [("GSETTINGS_BACKEND", "keyfile"), ("XDG_CURRENT_DESKTOP", "GNOME")];
const SCHEMA: &str = "org.gnome.system.proxy";

struct Session(Program);

impl Session {
    /// A running agent in a session that has a company's proxy, switched off.
    fn start() -> Self {
        let session = Self::with(&[]);
        session.set("http host", "'proxy.corp.example'");
        session
    }

    /// A running agent in a session with other variables, too.
    fn with(more: &[(&'static str, String)]) -> Self {
        let desktop = Desktop::new(&format!("regions = [\"local-1\"]\n{BASE}"));
        let desktop = desktop.with(SESSION.map(|(name, value)| (name, value.to_owned()))).with(more.to_vec());
        let session = Self(Program::on(desktop, &MINDS_HANGUPS, &["--local"]));
        session.0.wait_until_healthy();
        session
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let output = self.0.command(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output
    }

    /// `gsettings`, in the same surroundings as the agent.
    fn gsettings(&self, arguments: &[&str]) -> String {
        let agent = self.0.prepare(&[]);
        let mut command = Command::new("gsettings");
        command.env_clear().args(arguments).envs(agent.get_envs().filter_map(|(name, value)| Some((name, value?))));
        super::release::run(&mut command).trim().to_owned()
    }

    /// What the desktop says of a key below the schema, such as `http host`.
    fn get(&self, key: &str) -> String {
        let (schema, key) = parts(key);
        self.gsettings(&["get", &schema, key])
    }

    fn set(&self, key: &str, value: &str) {
        let (schema, key) = parts(key);
        self.gsettings(&["set", &schema, key, value]);
    }

    /// The mode, and the host of the HTTP proxy.
    fn setting(&self) -> (String, String) {
        (self.get("mode"), self.get("http host"))
    }
}

fn parts(key: &str) -> (String, &str) {
    key.split_once(' ').map_or((SCHEMA.to_owned(), key), |(kind, key)| (format!("{SCHEMA}.{kind}"), key))
}

fn before() -> (String, String) {
    ("'none'".to_owned(), "'proxy.corp.example'".to_owned())
}

fn ours() -> (String, String) {
    ("'manual'".to_owned(), "'127.0.0.1'".to_owned())
}

#[test]
fn it_is_set_while_the_agent_runs_and_as_before_after_its_end() {
    let mut session = Session::start();
    session.run(&["proxy", "on"]);
    assert_eq!(session.setting(), ours());
    assert_eq!(session.get("https port"), session.0.proxy().port().to_string());
    let status = session.run(&["proxy", "status"]);
    assert_eq!((String::from_utf8_lossy(&status.stdout).as_ref(), status.stderr.is_empty()), ("on  GNOME\n", true), "{status:?}");
    session.0.signal("TERM");
    assert!(session.0.wait().success());
    assert_eq!(session.setting(), before());
    let on = session.0.prepare(&["proxy", "on"]).output().expect("it runs");
    assert_eq!(on.status.code(), Some(6), "a proxy that does not run is not set");
    assert_eq!(session.setting(), before());
}

#[test]
fn it_is_as_before_when_the_terminal_has_closed() {
    let mut session = Session::start();
    session.run(&["proxy", "on"]);
    session.0.signal("HUP");
    assert!(session.0.wait().success());
    assert_eq!(session.setting(), before());
}

#[test]
fn after_a_crash_the_next_start_puts_it_back() {
    let mut session = Session::start();
    session.run(&["proxy", "on"]);
    session.0.process.kill().expect("killed");
    session.0.wait();
    assert_eq!(session.setting(), ours());
    let status = session.run(&["proxy", "status"]);
    assert_eq!(String::from_utf8_lossy(&status.stdout), "on  GNOME\n");
    assert!(String::from_utf8_lossy(&status.stderr).contains("no agent runs: nothing answers there"), "{status:?}");
    let mut next = session.0.prepare(&["run", "--local"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
    wait_for("the setting of before", || (session.setting() == before()).then_some(()));
    wait_for("the next agent", || session.0.status());
    send_signal(next.id(), "TERM");
    assert!(next.wait().expect("its end").success());
    assert_eq!(String::from_utf8_lossy(&session.run(&["proxy", "status"]).stdout), "off\n");
}

#[test]
fn what_the_user_changed_in_between_is_kept() {
    let session = Session::start();
    session.run(&["proxy", "on"]);
    session.set("http host", "'other.example'");
    let off = session.run(&["proxy", "off"]);
    assert!(String::from_utf8_lossy(&off.stderr).contains("org.gnome.system.proxy.http host"), "{off:?}");
    assert_eq!(session.setting(), ("'none'".to_owned(), "'other.example'".to_owned()));
    session.run(&["proxy", "off"]);
}

#[test]
fn a_session_that_keeps_nothing_is_not_said_to_be_on() {
    let session = Session::with(&[("GSETTINGS_BACKEND", "memory".to_owned())]);
    let on = session.0.command(&["proxy", "on"]);
    assert_eq!(on.status.code(), Some(1), "{on:?}");
    assert!(String::from_utf8_lossy(&on.stderr).contains("what was set there is not there"), "{on:?}");
    assert_eq!(String::from_utf8_lossy(&session.run(&["proxy", "status"]).stdout), "off\n");
}

#[test]
fn a_session_that_hangs_does_not_hold_the_agents_end_up_and_loses_nothing() {
    let tools = tempfile::tempdir().expect("a directory");
    let stuck = tools.path().join("stuck");
    let tool = format!("#!/bin/sh\n[ ! -e {} ] || exec sleep 60\nexec /usr/bin/gsettings \"$@\"\n", stuck.display());
    write_program(&tools.path().join("gsettings"), &tool);
    let path = format!("{}:{}", tools.path().display(), std::env::var("PATH").expect("a PATH"));
    let mut session = Session::with(&[("PATH", path)]);
    let before = session.setting();
    session.run(&["proxy", "on"]);
    std::fs::write(&stuck, "").expect("written");
    let asked = Instant::now();
    session.0.signal("TERM");
    assert!(session.0.wait().success());
    // Each of the seven settings alone would be waited for 10 s.
    assert!(asked.elapsed() < Duration::from_secs(30), "{:?}", asked.elapsed());
    assert!(session.0.log().contains("`awslambdaproxy proxy off` tries again"), "{}", session.0.log());
    std::fs::remove_file(&stuck).expect("removed");
    assert_eq!(session.setting(), ("'manual'".to_owned(), "'127.0.0.1'".to_owned()));
    session.run(&["proxy", "off"]);
    assert_eq!(session.setting(), before);
}
