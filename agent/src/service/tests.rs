//! What the systems are told; the real systemd has a say in the test of the command.

use std::sync::{Mutex, PoisonError};

use super::*;

/// Notes what it is asked, and says yes.
#[derive(Default)]
struct Noted(Mutex<Vec<String>>);

impl Noted {
    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect()
    }
}

impl Tools for Noted {
    fn run(&self, program: &str, arguments: &[&str]) -> Result<String, ToolError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push([&[program], arguments].concat().join(" "));
        Ok(match program {
            "id" => "501".to_owned(),
            "whoami" => r"desk\me".to_owned(),
            _ => "Status:   Running\n state = running".to_owned(),
        })
    }
}

fn service() -> Service {
    Service {
        program: "/home/me & you/50% $x/awslambdaproxy".into(),
        config: Some("/home/me/$c \"d\".toml".into()),
        profile: Some("a b".to_owned()),
    }
}

#[test]
fn a_unit_holds_any_path_and_starts_again_after_a_failure() {
    let home = tempfile::tempdir().expect("a directory");
    let (tools, systemd) = (Noted::default(), systemd::Systemd::new(home.path()));
    assert!(!systemd.uninstall(&tools).expect("asked"), "there was none");
    assert!(tools.lines().is_empty());
    systemd.install(&tools, &service()).expect("installed");
    let unit = std::fs::read_to_string(home.path().join("systemd/user/awslambdaproxy.service")).expect("a unit");
    let line =
        r#"ExecStart="/home/me & you/50%% $x/awslambdaproxy" "--config" "/home/me/$$c \"d\".toml" "--profile" "a b" "run""#;
    assert!(unit.lines().any(|it| it == line), "{unit}");
    assert!(unit.contains("Restart=on-failure"));
    let lines = tools.lines();
    assert_eq!(lines.last().map(String::as_str), Some("systemctl --user restart awslambdaproxy.service"));
    let condition = systemd.condition(&tools).expect("asked");
    assert!(condition.is_installed && condition.is_running);
    assert!(systemd.uninstall(&tools).expect("uninstalled"));
    assert!(!home.path().join("systemd/user/awslambdaproxy.service").exists());
}

#[test]
fn a_launchd_agent_holds_any_path_and_starts_again_after_a_failure() {
    let home = tempfile::tempdir().expect("a directory");
    let (tools, launchd) = (Noted::default(), launchd::Launchd::new(home.path()));
    launchd.install(&tools, &service()).expect("installed");
    let path = home.path().join("Library/LaunchAgents/io.github.awslambdaproxy.awslambdaproxy.plist");
    let plist = std::fs::read_to_string(&path).expect("a definition");
    assert!(plist.contains("<string>/home/me &amp; you/50% $x/awslambdaproxy</string>"), "{plist}");
    assert!(plist.contains("<string>/home/me/$c &quot;d&quot;.toml</string>"), "{plist}");
    assert!(plist.contains("<string>--profile</string>\n    <string>a b</string>\n    <string>run</string>"), "{plist}");
    assert_eq!(tools.lines().last().cloned(), Some(format!("launchctl bootstrap gui/501 {}", path.display())));
    assert!(launchd.condition(&tools).expect("asked").is_running);
    assert!(launchd.uninstall(&tools).expect("uninstalled") && !path.exists());
}

#[test]
fn a_windows_task_holds_any_path_and_starts_again_after_a_failure() {
    let tools = Noted::default();
    task::Task.install(&tools, &service()).expect("installed");
    assert_eq!(tools.lines().last().map(String::as_str), Some("schtasks /Run /TN awslambdaproxy"));
    let definition = task::Task::definition(&service(), r"desk\me").expect("a definition");
    assert!(definition.contains("<Command>/home/me &amp; you/50% $x/awslambdaproxy</Command>"), "{definition}");
    assert!(definition.contains("--profile &quot;a b&quot; run</Arguments>"), "{definition}");
    assert!(definition.contains("<RestartOnFailure>") && definition.contains(r"<UserId>desk\me</UserId>"));
    assert!(task::Task.condition(&tools).expect("asked").is_running);
}

#[test]
fn a_path_or_a_profile_of_two_lines_is_refused() {
    let home = tempfile::tempdir().expect("a directory");
    let lines = "/a\nExecStart=/b";
    for service in [
        Service { program: lines.into(), config: None, profile: None },
        Service { program: "/a".into(), config: None, profile: Some(lines.to_owned()) },
    ] {
        let refused = systemd::Systemd::new(home.path()).install(&Noted::default(), &service);
        assert!(matches!(refused, Err(ServiceError::Path(_))));
    }
}
