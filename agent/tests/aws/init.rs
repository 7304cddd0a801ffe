//! `init`: each answer is tested as it is given, secrets are not shown, and what is written works.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::{Value, json};

use super::desktop::{Desktop, Ended};
use super::front::{Account, endpoint};
use super::program::Relay;
use super::terminal;

/// A desktop without a configuration, whose owner has an account and a relay.
struct Newcomer {
    _account: Account,
    relay: Relay,
    desktop: Desktop,
}

impl Newcomer {
    fn new(laws: Value) -> Self {
        let (account, relay) = (Account::open(laws), Relay::start());
        let desktop = Desktop::new("").with(account.administrator.environment());
        fs::remove_file(config(&desktop)).expect("no configuration yet");
        Self { _account: account, relay, desktop }
    }

    fn code(&self) -> String {
        code(&self.relay, &self.relay.token)
    }

    /// `init` with the code in a file.
    fn init(&self, code: &str, more: &[&str]) -> Ended {
        let file = self.desktop.write("code", code);
        self.desktop.run(&[&["init", "--relay-file", &file.display().to_string()], more].concat())
    }
}

fn config(desktop: &Desktop) -> PathBuf {
    desktop.path().join("config.toml")
}

fn code(relay: &Relay, token: &str) -> String {
    format!("ws://laptop:{token}@{}", relay.address)
}

#[test]
fn what_is_written_is_tested_private_and_sound() {
    let newcomer = Newcomer::new(json!({}));
    let ended = newcomer.init(&newcomer.code(), &["-r", "us-east-1,eu-west-1", "-f", "10m", "--budget", "3"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for told in ["it knows the token", "AWS account ", "traffic is traceable", "around the clock that is $", "WebRTC"] {
        assert!(ended.stderr.contains(told), "{told} is missing: {ended:?}");
    }
    let file = config(&newcomer.desktop);
    assert_eq!(fs::metadata(&file).expect("written").permissions().mode() & 0o777, 0o600);
    let shown = newcomer.desktop.run(&["config", "show"]);
    assert_eq!(shown.code, Some(0), "{shown:?}");
    assert!(shown.stdout.contains("frequency = \"10m\"") && shown.stdout.contains("monthly_usd = 3"), "{shown:?}");
    for text in [&ended.stdout, &ended.stderr, &shown.stdout] {
        assert!(!text.contains(&newcomer.relay.token), "a secret is shown: {text}");
    }
}

#[test]
fn the_code_comes_from_standard_input_and_never_from_the_command_line() {
    let newcomer = Newcomer::new(json!({}));
    let ended = newcomer.desktop.run(&["init", "--relay", &newcomer.code()]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("--relay-file PATH") && !ended.stderr.contains(&newcomer.relay.token), "{ended:?}");
    let mut command = newcomer.desktop.command(&["init", "--relay", "-", "-r", "us-east-1"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
    writeln!(child.stdin.take().expect("stdin"), "{}", newcomer.code()).expect("written");
    let ended: Ended = child.wait_with_output().expect("ended").into();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(config(&newcomer.desktop).exists());
}

#[test]
fn an_answer_that_does_not_work_is_refused_and_nothing_is_written() {
    let newcomer = Newcomer::new(json!({}));
    let unknown = newcomer.init(&code(&newcomer.relay, &"f".repeat(64)), &[]);
    assert_eq!(unknown.code, Some(5), "{unknown:?}");
    assert!(unknown.stderr.contains("agent add"), "{unknown:?}");
    let broken = newcomer.init("wss://relay.example.com", &[]);
    assert_eq!(broken.code, Some(2), "{broken:?}");
    let stranger = newcomer.desktop.clone().with([("AWS_ACCESS_KEY_ID", "AKIAUNKNOWN".to_owned())]);
    let file = stranger.write("code", &newcomer.code());
    let refused = stranger.run(&["init", "--relay-file", &file.display().to_string()]);
    assert_eq!(refused.code, Some(4), "{refused:?}");
    let nobody = Desktop::new("").with(endpoint());
    let alone = nobody.run(&["init", "--overwrite", "--relay-file", &file.display().to_string()]);
    assert_eq!(alone.code, Some(4), "{alone:?}");
    assert!(alone.stderr.contains("sign in with the AWS CLI"), "{alone:?}");
    assert!(!config(&newcomer.desktop).exists());
}

#[test]
fn a_wrong_flag_is_said_before_the_first_question() {
    let newcomer = Newcomer::new(json!({}));
    for flag in [["--frequency", "abc"], ["--budget", "abc"], ["--regions", "nowhere"]] {
        let ended = terminal::run(&newcomer.desktop, &[&["init"][..], &flag].concat(), &json!([]));
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stdout.contains(flag[0]) && !ended.stdout.contains("(not shown)"), "{ended:?}");
    }
}

#[test]
fn who_ends_the_input_is_told_that_nothing_was_written() {
    let newcomer = Newcomer::new(json!({}));
    let ended = terminal::run(&newcomer.desktop, &["init"], &json!([["(not shown)", "^D", true]]));
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stdout.contains("nothing was written") && !config(&newcomer.desktop).exists(), "{ended:?}");
}

#[test]
fn a_region_that_is_not_enabled_is_named() {
    let newcomer = Newcomer::new(json!({"closed_regions": ["me-south-1"]}));
    let ended = newcomer.init(&newcomer.code(), &["-r", "us-east-1,me-south-1"]);
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(ended.stderr.contains("me-south-1 is not enabled"), "{ended:?}");
    assert!(!config(&newcomer.desktop).exists());
}

#[test]
fn a_configuration_that_is_there_stays_unless_it_is_said() {
    let newcomer = Newcomer::new(json!({}));
    newcomer.desktop.configure("# mine\n");
    let kept = newcomer.init(&newcomer.code(), &["-r", "us-east-1"]);
    assert_eq!(kept.code, Some(1), "{kept:?}");
    assert_eq!(fs::read_to_string(config(&newcomer.desktop)).expect("there"), "# mine\n");
    let replaced = newcomer.init(&newcomer.code(), &["-r", "us-east-1", "--overwrite"]);
    assert_eq!(replaced.code, Some(0), "{replaced:?}");
    assert!(fs::read_to_string(config(&newcomer.desktop)).expect("there").contains("[relay]"));
}

#[test]
fn at_a_terminal_wrong_answers_are_asked_again_and_the_code_is_not_echoed() {
    let newcomer = Newcomer::new(json!({}));
    newcomer.desktop.configure("# mine\n");
    let answers = json!([
        ["Replace it?", "yes", false],
        ["(not shown)", "hello", true],
        ["(not shown)", code(&newcomer.relay, &"f".repeat(64)), true],
        ["(not shown)", newcomer.code(), true],
        ["AWS profile", "no-such-profile", false],
        ["AWS profile", "", false],
        ["Regions", "us-east-1", false],
        ["a month may cost", "5", false],
    ]);
    let ended = terminal::run(&newcomer.desktop, &["init"], &answers);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!ended.stdout.contains(&newcomer.relay.token) && !ended.stdout.contains("ffffffff"), "echoed: {ended:?}");
    assert!(
        ended.stdout.contains("a pairing code is wss://NAME:TOKEN@HOST:PORT") && ended.stdout.contains("401 Unauthorized"),
        "{ended:?}"
    );
    let text = fs::read_to_string(config(&newcomer.desktop)).expect("there");
    assert!(text.contains(&newcomer.relay.token) && text.contains("monthly_usd = 5.0"), "the answers are not in it");
}
