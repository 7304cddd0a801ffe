//! A deployment or a removal that is killed at any of its calls, and then run again.

use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};

use super::desktop::Desktop;
use super::drift::writes;
use super::front::Account;
use super::world::{World, ZIP, nothing};

const REGIONS: [&str; 2] = ["us-west-2", "eu-central-1"];
/// How many of them at a time: this machine has more of them to wait for than to compute.
const AT_ONCE: usize = 4;
/// So that waiting for AWS's changes is part of it, and short.
fn laws() -> Value {
    json!({"pending_s": 0.1, "update_s": 0.1, "role_delay_s": 0.2})
}

/// One command on one desktop of one account.
struct Trial {
    account: Account,
    desktop: Desktop,
    arguments: Vec<String>,
}

impl Trial {
    fn deploy(world: &World, more: &str) -> Self {
        Self::new(world, more, &["deploy", "--function-zip", &ZIP.display().to_string()])
    }

    fn destroy(world: &World, more: &str) -> Self {
        let deployed = Self::deploy(world, more);
        deployed.finish();
        Self { arguments: ["destroy", "--yes"].map(str::to_owned).into(), ..deployed }
    }

    fn new(world: &World, more: &str, arguments: &[&str]) -> Self {
        let account = Account::open(laws());
        let desktop = Desktop::new(&world.configuration(&REGIONS, more)).with(account.administrator.environment());
        Self { account, desktop, arguments: arguments.iter().map(|&argument| argument.to_owned()).collect() }
    }

    fn arguments(&self) -> Vec<&str> {
        self.arguments.iter().map(String::as_str).collect()
    }

    /// Runs it to its end, undisturbed.
    fn finish(&self) {
        let ended = self.desktop.run(&self.arguments());
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }

    /// Kills it when it waits for the answer of this call, which was done or was not. `None` when there are fewer calls.
    fn killed_at(&self, number: usize, after: bool) -> Option<()> {
        self.account.forget();
        self.account.fault(json!({"kind": "hang", "number": number, "after": after}));
        let mut command = self.desktop.command(&self.arguments());
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the command runs");
        let is_held = self.account.wait_until_held_or(|| process.try_wait().expect("a status").is_some());
        process.kill().expect("killed");
        process.wait().expect("its end");
        self.account.forget();
        is_held.then_some(())
    }
}

/// Tries an interruption at every call, several at a time; each trial has an account of its own.
fn at_every_call(begin: impl Fn() -> Trial + Sync, check: impl Fn(&Trial, &str) + Sync) -> usize {
    let (next, over) = (AtomicUsize::new(0), Mutex::new(usize::MAX));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let trial = next.fetch_add(1, Ordering::Relaxed);
                    let (number, after) = (trial / 2 + 1, trial % 2 == 1);
                    if number >= *over.lock().expect("a number") {
                        return;
                    }
                    let begun = begin();
                    if begun.killed_at(number, after).is_none() {
                        let mut over = over.lock().expect("a number");
                        *over = (*over).min(number);
                        return;
                    }
                    check(&begun, &format!("killed at call {number}, {}", if after { "done" } else { "not done" }));
                }
            });
        }
    });
    over.into_inner().expect("a number") - 1
}

#[test]
fn a_deployment_killed_at_any_call_is_completed_by_the_next() {
    let world = World::new(laws());
    let begin = || Trial::deploy(&world, "logs = true");
    let whole = begin();
    whole.finish();
    let wanted = in_common(&whole.account);
    let calls = at_every_call(begin, |trial, when| {
        trial.finish();
        assert_eq!(in_common(&trial.account), wanted, "{when}");
        trial.account.forget();
        trial.finish();
        assert_eq!(writes(&trial.account), [], "{when}: nothing is left to do");
    });
    assert!(calls >= 8, "{calls} calls");
}

#[test]
fn a_removal_killed_at_any_call_is_completed_by_the_next() {
    let world = World::new(laws());
    let calls = at_every_call(
        || Trial::destroy(&world, "logs = true"),
        |trial, when| {
            trial.finish();
            assert_eq!(trial.account.holdings(), nothing(), "{when}");
        },
    );
    assert!(calls >= 6, "{calls} calls");
}

/// What two accounts and two desktops have in common: not their numbers, nor their owners' ids.
fn in_common(account: &Account) -> Value {
    let text = account.holdings().to_string().replace(&account.id, "ACCOUNT");
    let mut holdings = serde_json::from_str(&text).expect("JSON");
    forget_owners(&mut holdings);
    holdings
}

fn forget_owners(value: &mut Value) {
    let Value::Object(fields) = value else { return };
    fields.remove("awslambdaproxy:owner");
    fields.values_mut().for_each(forget_owners);
}
