//! What the systems are told; the real systemd has a say in the test of the command.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

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
            "schtasks" => task("267009"),
            _ => " state = running".to_owned(),
        })
    }
}

/// What a German Windows says of a task: words are translated, and dates and durations have commas.
fn task(last_result: &str) -> String {
    format!(
        r#""DESK","\awslambdaproxy","Nicht zutreffend","Wird ausgeführt","Nur interaktiv","26.11.2026, 08:15:00","{last_result}","desk\me""#
    )
}

/// Answers as `schtasks` does: what was asked first, and then to `/Delete`.
struct Schtasks {
    query: Result<String, u32>,
    delete: Result<String, u32>,
}

impl Tools for Schtasks {
    fn run(&self, program: &str, arguments: &[&str]) -> Result<String, ToolError> {
        let answer = match arguments {
            ["/Query", "/HRESULT", ..] => &self.query,
            ["/Delete", ..] => &self.delete,
            _ => return Ok(String::new()),
        };
        answer.clone().map_err(|code| ToolError::Failed {
            line: [&[program], arguments].concat().join(" "),
            text: "FEHLER: Zugriff verweigert".to_owned(),
            code: Some(code.cast_signed()),
        })
    }
}

/// launchd, which goes on for some looks with what it was told to end, and for some tries with refusing what comes after it.
#[derive(Default)]
struct Launchctl {
    told: Noted,
    state: Mutex<State>,
    looks: u32,
    refusals: u32,
}

#[derive(Default)]
struct State {
    is_there: bool,
    /// The looks until it is gone, once it was told.
    ending: Option<u32>,
    refusals: u32,
}

impl Tools for Launchctl {
    fn run(&self, program: &str, arguments: &[&str]) -> Result<String, ToolError> {
        let yes = self.told.run(program, arguments)?;
        let no = |text: &str| ToolError::Failed { line: arguments.join(" "), text: text.to_owned(), code: Some(1) };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match arguments {
            ["-u"] => Ok(yes),
            ["print", _] => {
                state.ending = state.ending.map(|looks| looks.saturating_sub(1));
                if state.ending == Some(0) {
                    *state = State { refusals: self.refusals, ..State::default() };
                }
                if state.is_there { Ok(yes) } else { Err(no("Could not find service")) }
            }
            ["bootout", _] if state.is_there => {
                state.ending = Some(self.looks);
                Ok(String::new())
            }
            ["bootstrap", ..] if !state.is_there && state.refusals == 0 => {
                state.is_there = true;
                Ok(String::new())
            }
            _ => {
                state.refusals = state.refusals.saturating_sub(1);
                Err(no("Bootstrap failed: 5: Input/output error"))
            }
        }
    }
}

/// How often launchd was told that.
fn count(lines: &[String], word: &str) -> usize {
    lines.iter().filter(|line| line.starts_with(&format!("launchctl {word} "))).count()
}

fn launchd(home: &Path) -> launchd::Launchd {
    let mut launchd = launchd::Launchd::new(home);
    launchd.pause = Duration::ZERO;
    launchd
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
    let (tools, launchd) = (Launchctl { looks: 1, ..Launchctl::default() }, launchd(home.path()));
    launchd.install(&tools, &service()).expect("installed");
    let path = home.path().join("Library/LaunchAgents/io.github.awslambdaproxy.awslambdaproxy.plist");
    let plist = std::fs::read_to_string(&path).expect("a definition");
    assert!(plist.contains("<string>/home/me &amp; you/50% $x/awslambdaproxy</string>"), "{plist}");
    assert!(plist.contains("<string>/home/me/$c &quot;d&quot;.toml</string>"), "{plist}");
    assert!(plist.contains("<string>--profile</string>\n    <string>a b</string>\n    <string>run</string>"), "{plist}");
    assert_eq!(tools.told.lines().last().cloned(), Some(format!("launchctl bootstrap gui/501 {}", path.display())));
    assert!(launchd.condition(&tools).expect("asked").is_running);
    assert!(launchd.uninstall(&tools).expect("uninstalled") && !path.exists());
    assert!(!launchd.condition(&tools).expect("asked").is_running);
}

#[test]
fn a_launchd_agent_that_takes_its_time_to_end_is_followed_by_the_new_one() {
    let home = tempfile::tempdir().expect("a directory");
    let (tools, launchd) = (Launchctl { looks: 20, refusals: 5, ..Launchctl::default() }, launchd(home.path()));
    launchd.install(&tools, &service()).expect("installed");
    assert_eq!(count(&tools.told.lines(), "bootout"), 0, "there was none");
    launchd.install(&tools, &service()).expect("installed over one that runs");
    let lines = tools.told.lines();
    assert_eq!((count(&lines, "bootout"), count(&lines, "bootstrap")), (1, 6), "{lines:?}");
    assert!(launchd.condition(&tools).expect("asked").is_running);
}

#[test]
fn a_launchd_agent_that_does_not_end_or_start_is_an_error() {
    let home = tempfile::tempdir().expect("a directory");
    let launchd = launchd(home.path());
    let tools = Launchctl { looks: u32::MAX, ..Launchctl::default() };
    launchd.install(&tools, &service()).expect("installed");
    for refused in [launchd.install(&tools, &service()), launchd.uninstall(&tools).map(drop)] {
        assert!(matches!(&refused, Err(ServiceError::Lasting(name)) if name.starts_with("gui/501/")), "{refused:?}");
    }
    assert!(launchd.condition(&tools).expect("asked").is_installed, "it is still defined");
    // Where none was there is nothing to wait for.
    let tools = Launchctl { state: Mutex::new(State { refusals: 5, ..State::default() }), ..Launchctl::default() };
    let refused = launchd.install(&tools, &service()).expect_err("refused").to_string();
    assert!(refused.contains("Bootstrap failed: 5"), "{refused}");
    assert_eq!(count(&tools.told.lines(), "bootstrap"), 1);
}

#[test]
fn a_windows_task_holds_any_path_and_starts_again_after_a_failure() {
    let tools = Noted::default();
    task::Task.install(&tools, &service()).expect("installed");
    let told = tools.lines();
    let verbs: Vec<&str> = told.iter().filter_map(|line| line.strip_prefix("schtasks ")?.split(' ').next()).collect();
    assert_eq!(verbs, ["/Query", "/End", "/Create", "/Run"], "one that runs would not be run again: {told:?}");
    let definition = task::Task::definition(&service(), r"desk\me").expect("a definition");
    assert!(definition.contains("<Command>/home/me &amp; you/50% $x/awslambdaproxy</Command>"), "{definition}");
    assert!(definition.contains("--profile &quot;a b&quot; run</Arguments>"), "{definition}");
    assert!(definition.contains("<RestartOnFailure>") && definition.contains(r"<UserId>desk\me</UserId>"));
    assert!(task::Task.condition(&tools).expect("asked").is_running);
}

#[test]
fn a_windows_task_is_told_by_numbers_and_a_failure_is_not_called_none() {
    const NONE: u32 = 0x8007_0002;
    const DENIED: u32 = 0x8007_0005;
    let done = || Ok(String::new());
    let condition = |query| {
        let condition = task::Task.condition(&Schtasks { query, delete: done() });
        condition.map(|it| (it.is_installed, it.is_running)).map_err(|error| error.to_string())
    };
    assert_eq!(condition(Ok(task("267009"))), Ok((true, true)));
    assert_eq!(condition(Ok(task("1"))), Ok((true, false)));
    assert_eq!(condition(Err(NONE)), Ok((false, false)));
    assert!(condition(Err(DENIED)).is_err_and(|error| error.contains("schtasks /Query")));
    let uninstall = |query, delete| task::Task.uninstall(&Schtasks { query, delete }).map_err(|error| error.to_string());
    assert_eq!(uninstall(Ok(task("267009")), done()), Ok(true));
    assert_eq!(uninstall(Err(NONE), Err(NONE)), Ok(false));
    for refused in [uninstall(Ok(task("0")), Err(DENIED)), uninstall(Err(DENIED), done())] {
        let error = refused.expect_err("refused");
        assert!(error.contains("`schtasks /") && error.contains("Zugriff verweigert"), "{error}");
    }
    assert!(uninstall(Ok(task("0")), Err(1)).is_err_and(|error| error.contains("schtasks /Delete")));
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
