//! A thing that behaves as Lambda does on its slow and bad days, and a clock that does not wait.

use std::cell::{Cell, RefCell};

use super::*;
use crate::cloud::Reply;
use crate::deploy::plan::Action;

#[derive(Debug, Clone, PartialEq)]
struct Set(u32);

impl Step for Set {
    fn action(&self) -> Action {
        Action::Update
    }

    fn text(&self) -> String {
        format!("to {}", self.0)
    }
}

/// A number that is to become 3, one step at a time. Each change takes a while; `answers` are given before it does what it is told.
#[derive(Default)]
struct Slow {
    value: Cell<u32>,
    changing_until: Cell<Option<Instant>>,
    takes: Duration,
    answers: RefCell<Vec<CloudError>>,
    always: Option<fn() -> CloudError>,
    forgets: bool,
    fails: bool,
}

impl Thing for Slow {
    type Seen = u32;
    type Step = Set;
    const SETTLES: bool = true;

    async fn look(&self) -> Result<u32, CloudError> {
        Ok(self.value.get())
    }

    fn is_changing(&self, _: &u32) -> bool {
        self.changing_until.get().is_some_and(|until| until > Instant::now())
    }

    fn failure(&self, _: &u32) -> Option<String> {
        self.fails.then(|| "no such subnet".to_owned())
    }

    fn plan(&self, seen: &u32) -> Planned<Set> {
        Ok((*seen..3).map(|value| Set(value + 1)).collect())
    }

    async fn take(&self, step: Set) -> Result<(), CloudError> {
        if let Some(error) = self.always.map(|error| error()).or_else(|| self.answers.borrow_mut().pop()) {
            return Err(error);
        }
        assert!(!self.is_changing(&0), "a step was taken while another was under way");
        self.changing_until.set(Some(Instant::now() + self.takes));
        self.value.set(if self.forgets { 0 } else { step.0 });
        Ok(())
    }
}

fn conflict() -> CloudError {
    CloudError::Conflict(Reply::new("x", "ResourceConflictException", "an update is in progress", None))
}

fn not_assumable() -> CloudError {
    refused("The role defined for the function cannot be assumed by Lambda.")
}

fn refused(text: &str) -> CloudError {
    CloudError::Refused(Reply::new("x", "InvalidParameterValueException", text, None))
}

async fn run(thing: &Slow) -> Result<(), Trouble> {
    reconcile(thing, &|_| {}).await
}

#[tokio::test(start_paused = true)]
async fn each_step_waits_for_the_one_before() {
    let thing = Slow { takes: Duration::from_secs(20), ..Slow::default() };
    run(&thing).await.expect("done");
    assert_eq!(thing.value.get(), 3);
    assert!(!thing.is_changing(&3), "it is over when the last change is");
}

#[tokio::test(start_paused = true)]
async fn a_conflict_and_a_role_that_is_new_are_waited_for() {
    let thing =
        Slow { answers: RefCell::new(vec![not_assumable(), conflict(), not_assumable(), not_assumable()]), ..Slow::default() };
    run(&thing).await.expect("done");
    assert_eq!(thing.value.get(), 3);
}

#[tokio::test(start_paused = true)]
async fn every_wait_has_an_end() {
    let begun = Instant::now();
    let role = run(&Slow { always: Some(not_assumable), ..Slow::default() }).await.expect_err("never");
    assert!(matches!(role, Trouble::RoleNotReady { .. }) && begun.elapsed() < ROLE_LIMIT + LONGEST_PAUSE, "{role}");
    let busy = run(&Slow { always: Some(conflict), ..Slow::default() }).await.expect_err("never");
    assert!(matches!(busy, Trouble::TooLong { .. }), "{busy}");
    let endless = run(&Slow { takes: Duration::from_secs(3600), ..Slow::default() }).await.expect_err("never");
    assert!(matches!(endless, Trouble::TooLong { .. }), "{endless}");
    let forgetful = run(&Slow { forgets: true, ..Slow::default() }).await.expect_err("never");
    assert!(matches!(forgetful, Trouble::Restless(_)), "{forgetful}");
}

#[tokio::test(start_paused = true)]
async fn another_mistake_of_the_same_code_is_told_at_once() {
    let begun = Instant::now();
    let thing = Slow { answers: RefCell::new(vec![refused("MemorySize is too large")]), ..Slow::default() };
    let error = run(&thing).await.expect_err("refused");
    assert!(error.to_string().contains("MemorySize") && begun.elapsed() == Duration::ZERO, "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_change_that_fails_is_told_with_its_reason() {
    let error = run(&Slow { fails: true, ..Slow::default() }).await.expect_err("failed");
    assert!(error.to_string().contains("no such subnet"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_already_is_removed() {
    let left = RefCell::new(vec![CloudError::NotFound(Reply::new("x", "NoSuchEntity", "", None)), conflict(), conflict()]);
    remove(async || left.borrow_mut().pop().map_or(Ok(()), Err)).await.expect("gone");
    assert!(left.borrow().is_empty());
    let endless = remove(async || Err(conflict())).await.expect_err("never");
    assert!(matches!(endless, Trouble::TooLong { .. }), "{endless}");
}
