//! `service`, with the real systemd's judgement of the unit. None runs for a user of this machine, so `systemctl` is one that
//! agrees to everything, or to nothing.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use super::support::desktop::{Desktop, Ended};
use super::support::program::EXE;

/// A user with a configuration, and a `systemctl` that is this program of the system.
fn user(systemctl: &str) -> Desktop {
    let desktop = Desktop::new("[relay]\nurl = \"wss://relay.example.com\"\ntoken = \"x\"\n");
    let tools = desktop.path().join("tools");
    fs::create_dir(&tools).expect("made");
    std::os::unix::fs::symlink(systemctl, tools.join("systemctl")).expect("linked");
    let path = format!("{}:/usr/bin:/bin", tools.display());
    desktop.with([("PATH", path)])
}

fn unit(user: &Desktop) -> PathBuf {
    user.path().join("systemd/user/awslambdaproxy.service")
}

fn service(user: &Desktop, action: &str) -> Ended {
    user.run(&["service", action])
}

#[test]
fn systemd_finds_nothing_wrong_with_the_unit_and_it_goes_as_it_came() {
    let user = user("/bin/true");
    // A package manager's link, at a place of an odd name.
    let link = user.path().join("50% $HOME/awslambdaproxy");
    fs::create_dir(link.parent().expect("a parent")).expect("made");
    std::os::unix::fs::symlink(EXE, &link).expect("linked");
    let user = user.of(link.to_str().expect("text"));
    let before = service(&user, "status");
    assert_eq!((before.code, before.stdout.as_str()), (Some(6), "not installed\n"), "{before:?}");
    let installed = service(&user, "install");
    assert_eq!((installed.code, installed.stdout.as_str()), (Some(0), "installed\n"), "{installed:?}");
    assert!(installed.stderr.contains("journalctl --user -u awslambdaproxy.service"), "{installed:?}");
    let text = fs::read_to_string(unit(&user)).expect("a unit");
    assert!(text.contains(&format!("\"--config\" \"{}\" \"run\"", user.path().join("config.toml").display())), "{text}");
    assert!(text.contains(&format!("ExecStart=\"{}\"", link.display().to_string().replace('%', "%%"))), "{text}");
    assert_eq!(verdict(&user), "");
    assert!(service(&user, "status").stdout.starts_with("runs  "));
    assert_eq!(service(&user, "uninstall").stdout, "uninstalled\n");
    assert!(!unit(&user).exists());
    assert_eq!(service(&user, "uninstall").stdout, "not installed\n");
}

#[test]
fn the_service_has_the_profile_of_the_command_line() {
    let user = user("/bin/true");
    let installed = user.run(&["--profile", "work", "service", "install"]);
    assert_eq!(installed.code, Some(0), "{installed:?}");
    let text = fs::read_to_string(unit(&user)).expect("a unit");
    assert!(text.contains("\"--profile\" \"work\" \"run\"\n"), "{text}");
}

#[test]
fn what_only_this_shell_knows_is_carried_along_or_said() {
    let user = user("/bin/true");
    let way = "http://proxy.example:3128".to_owned();
    let shell = user.clone().with([("AWS_PROFILE", "work".to_owned()), ("https_proxy", way), ("AWS_PAGER", String::new())]);
    let installed = service(&shell, "install");
    assert_eq!(installed.code, Some(0), "{installed:?}");
    assert!(installed.stderr.contains("it runs without https_proxy\n"), "{installed:?}");
    let text = fs::read_to_string(unit(&user)).expect("a unit");
    assert!(text.contains("\"--profile\" \"work\" \"run\"\n"), "{text}");

    // Keys go before a profile, and are no text for a unit.
    let keys = shell.with([("AWS_ACCESS_KEY_ID", "AKIA".to_owned()), ("AWS_SECRET_ACCESS_KEY", "hunter2".to_owned())]);
    let installed = service(&keys, "install");
    assert!(installed.stderr.contains("runs without AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, https_proxy\n"), "{installed:?}");
    let text = fs::read_to_string(unit(&user)).expect("a unit");
    assert!(!text.contains("--profile") && !text.contains("hunter2"), "{text}");
}

#[test]
fn settings_of_the_shell_are_not_lost_in_a_service() {
    let user = user("/bin/true").with([("AWSLAMBDAPROXY_FREQUENCY", "10m".to_owned())]);
    let refused = service(&user, "install");
    assert_eq!(refused.code, Some(3), "{refused:?}");
    let settings = "config.toml what they set: frequency (AWSLAMBDAPROXY_FREQUENCY)";
    assert!(refused.stderr.contains(settings) && !unit(&user).exists(), "{refused:?}");
}

/// What `systemd-analyze` has to say of the unit, and of no other.
fn verdict(user: &Desktop) -> String {
    let mut command = Command::new("systemd-analyze");
    let Output { stdout, stderr, .. } = command.args(["verify", "--user", "--man=no"]).arg(unit(user)).output().expect("it runs");
    let said = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    said.lines().filter(|line| line.contains("awslambdaproxy")).collect()
}

#[test]
fn where_no_systemd_answers_nothing_stays() {
    let user = user("/bin/false");
    let refused = service(&user, "install");
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("systemctl --user daemon-reload"), "{refused:?}");
    assert!(!unit(&user).exists());
}

#[test]
fn what_cannot_run_is_not_made_a_service() {
    let user = user("/bin/true");
    user.configure("frequency = \"often\"\n");
    assert_eq!(service(&user, "install").code, Some(3));
    user.configure("");
    let refused = service(&user, "install");
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert!(refused.stderr.contains("has no [relay]") && !unit(&user).exists(), "{refused:?}");
}
