//! The budget: once the month has cost that much nothing is invoked, and whoever asks is told why.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use super::desktop::Desktop;
use super::front::Account;
use super::program::{Program, Relay};
use super::tools::{curl, wait_for};

/// A desktop whose agents have used so many GB-seconds this month.
fn desktop(account: &Account, relay: &Relay, gb_seconds: u64) -> Desktop {
    let (address, token) = (relay.address, &relay.token);
    let text = format!(
        "regions = [\"us-east-1\"]\n[proxy]\nlisten = \"127.0.0.1:0\"\nwait = \"1s\"\n[relay]\nurl = \"ws://{address}\"\n\
         token = \"{token}\"\n[budget]\nmonthly_usd = 1.0\n"
    );
    let desktop = Desktop::new(&text).with(account.administrator.environment());
    fs::create_dir_all(desktop.state()).expect("state");
    let month = Command::new("date").args(["-u", "+%Y-%m"]).output().expect("date runs").stdout;
    let month = String::from_utf8(month).expect("text");
    let line = json!({"event": "sum", "account": account.id, "month": month.trim(), "region": "us-east-1", "processor": "arm64",
        "mb_ms": gb_seconds * 1024 * 1000, "requests": 1, "bytes_out": 0});
    fs::write(desktop.state().join("usage.jsonl"), format!("{line}\n")).expect("written");
    desktop
}

fn invocations(account: &Account) -> usize {
    account.calls_of("administrator").iter().filter(|call| call.action.contains("Invoke")).count()
}

fn problem(agent: &Program, code: &str) -> Value {
    wait_for(code, || {
        let status = agent.status()?;
        status["problems"].as_array()?.iter().find(|problem| problem["code"] == code).cloned()
    })
}

#[test]
fn a_spent_budget_invokes_nothing_and_says_so() {
    let (account, relay) = (Account::open(json!({})), Relay::start());
    // A hundred thousand beyond the free tier: 1.33 dollars.
    let agent = desktop(&account, &relay, 500_000).agent(&[]);
    let spent = problem(&agent, "budget_spent");
    assert!(spent["hint"].as_str().is_some_and(|hint| hint.contains("budget.monthly_usd")), "{spent:#}");
    let month = agent.status().expect("a status")["month"].clone();
    assert_eq!((&month["limit_usd"], &month["gb_seconds"]), (&json!(1.0), &json!(500_000.0)), "{month:#}");
    let refused = curl(&["-x", &agent.url(), "-o", "/dev/null", "-w", "%{http_code}", "http://192.0.2.1/"]);
    assert_eq!(String::from_utf8_lossy(&refused.stdout), "503");
    assert_eq!(invocations(&account), 0);
}

#[test]
fn a_budget_that_is_not_spent_invokes() {
    let (account, relay) = (Account::open(json!({})), Relay::start());
    let agent = desktop(&account, &relay, 100_000).agent(&[]);
    // Nothing is deployed, which only an Invoke can tell.
    problem(&agent, "function_missing");
    assert!(invocations(&account) > 0);
}
