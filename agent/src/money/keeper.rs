//! The thread that keeps the file: what it is told, what it writes, and what it tells of the month.
//!
//! Never: it waits for nobody. What the disk does not take stays in memory, bounded, and counts.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};

use super::budget::{self, Standing};
use super::calendar::Month;
use super::carried::Carried;
use super::entry::{Begin, Entry, Sum};
use super::ledger::Ledger;
use super::store::Store;
use super::terms::Terms;
use super::usage::Bill;
use crate::health::{Health, Problem, ProblemKey, Severity};
use crate::process::wall_clock as now;

/// How often it is written that the agent is alive, and what others wrote is read. A killed agent's invocations count this
/// much longer at most.
pub(super) const BEAT: Duration = Duration::from_secs(15);
/// Commands that may wait for the thread: regions have few invocations at a time.
const QUEUE: usize = 1024;
/// Lines that may wait for a disk that takes none; beyond, they are summed up.
pub(super) const UNWRITTEN: usize = 1000;

/// What the thread tells.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Seen {
    pub bill: Bill,
    pub is_spent: bool,
}

/// What the thread is told.
#[derive(Debug)]
pub(super) enum Command {
    Begin(Begin, oneshot::Sender<()>),
    End(Entry),
    Account(String),
    Close(oneshot::Sender<()>),
}

/// The thread that owns the file.
pub(super) struct Keeper {
    store: Store,
    /// Lines that the disk has not taken yet.
    unwritten: Vec<Entry>,
    /// This agent's invocations that have not ended.
    open: BTreeSet<String>,
    /// Bytes since the last beat.
    carried: Arc<Carried>,
    account: Option<String>,
    run: String,
    terms: Terms,
    health: Health,
    tell: watch::Sender<Seen>,
}

impl Keeper {
    /// Opens the file and starts the thread. Returns what it is told by, and what it tells; the month so far stands already.
    pub(super) fn start(
        path: PathBuf,
        run: String,
        terms: Terms,
        health: Health,
        carried: Arc<Carried>,
    ) -> io::Result<(SyncSender<Command>, watch::Receiver<Seen>)> {
        let (commands, given) = mpsc::sync_channel(QUEUE);
        let (tell, seen) = watch::channel(Seen { bill: Bill::default(), is_spent: false });
        let mut keeper = Self {
            store: Store::new(path),
            unwritten: Vec::new(),
            open: BTreeSet::new(),
            carried,
            account: None,
            run,
            terms,
            health,
            tell,
        };
        keeper.write();
        std::thread::Builder::new().name("ledger".into()).spawn(move || keeper.run(&given))?;
        Ok((commands, seen))
    }

    fn run(mut self, given: &mpsc::Receiver<Command>) {
        let mut beat = Instant::now() + BEAT;
        loop {
            match given.recv_timeout(beat.saturating_duration_since(Instant::now())) {
                Ok(Command::Begin(begin, written)) => {
                    self.open.insert(begin.id.clone());
                    self.unwritten.push(Entry::Begin(begin));
                    self.write();
                    let _not_waited_for = written.send(());
                }
                Ok(Command::End(end)) => self.end(end),
                Ok(Command::Account(account)) => {
                    self.account = Some(account);
                    self.publish();
                }
                Ok(Command::Close(closed)) => {
                    // Invocations that are still open are left so: they count until their function has noticed.
                    self.beat();
                    let _not_waited_for = closed.send(());
                    return;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return self.beat(),
            }
            if beat <= Instant::now() {
                beat = Instant::now() + BEAT;
                self.beat();
            }
        }
    }

    fn end(&mut self, end: Entry) {
        if let Entry::End { id, .. } = &end {
            self.open.remove(id);
        }
        self.unwritten.push(end);
        self.write();
    }

    /// An agent without invocations writes nothing, and still reads what others spend.
    fn beat(&mut self) {
        if !self.open.is_empty() {
            self.unwritten.push(Entry::Alive { run: self.run.clone(), at: now().as_millis() });
        }
        self.sum_traffic();
        self.write();
    }

    fn sum_traffic(&mut self) {
        let (month, processor) = (Month::of(now()), self.terms.processor);
        self.unwritten.extend(self.carried.take().into_iter().map(|((account, region), bytes_out)| {
            Entry::Sum(Sum { account, month, region, processor, mb_ms: 0, requests: 0, bytes_out })
        }));
    }

    fn write(&mut self) {
        let key = ProblemKey::agent("ledger");
        match self.store.exchange(&self.unwritten, now()) {
            Ok(()) => {
                self.unwritten.clear();
                self.health.clear(&key);
            }
            Err(error) => {
                let problem = if self.store.is_unknown() { unreadable } else { unwritable };
                self.health.set(key, problem(self.store.path(), &error));
                self.bound_unwritten();
            }
        }
        self.publish();
    }

    /// Beginnings and ends that were both not written become sums.
    fn bound_unwritten(&mut self) {
        if self.unwritten.len() > UNWRITTEN {
            let lines = std::mem::take(&mut self.unwritten);
            let begun: BTreeSet<String> = lines.iter().filter_map(begins).map(str::to_owned).collect();
            // The file holds the beginning of the others.
            let (others, own): (Vec<Entry>, Vec<Entry>) =
                lines.into_iter().partition(|line| matches!(line, Entry::End { id, .. } if !begun.contains(id)));
            let mut short = Ledger::default();
            own.into_iter().for_each(|line| short.apply(line));
            self.unwritten = short.compact(now());
            self.unwritten.extend(others);
        }
    }

    fn publish(&self) {
        let now = now();
        let usage = |ledger: &Ledger| ledger.usage(self.account.as_deref(), Month::of(now), now);
        let bill = if self.unwritten.is_empty() {
            usage(self.store.ledger()).bill()
        } else {
            let mut ledger = self.store.ledger().clone();
            self.unwritten.iter().cloned().for_each(|line| ledger.apply(line));
            usage(&ledger).bill()
        };
        let standing = budget::standing(bill.usd, self.terms.limit_usd);
        let limit = self.terms.limit_usd.unwrap_or_default();
        match budget::problem(standing, bill.usd, limit) {
            Some(problem) => self.health.set(budget::key(), problem),
            None => drop(self.health.clear(&budget::key())),
        }
        // What was spent already is not known to be nothing.
        let is_unknown = self.terms.limit_usd.is_some() && self.store.is_unknown();
        self.tell.send_replace(Seen { bill, is_spent: standing == Standing::Spent || is_unknown });
    }
}

/// The name of the invocation that a line begins.
fn begins(line: &Entry) -> Option<&str> {
    match line {
        Entry::Begin(begin) => Some(&begin.id),
        _ => None,
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Problem {
    Problem {
        code: "ledger_unreadable".to_owned(),
        severity: Severity::Error,
        region: None,
        phase: None,
        text: format!("what the functions have cost cannot be read from {}: {error}", path.display()),
        hint: Some(
            "with budget.monthly_usd nothing is invoked until it can be; mend the rights of the file and of the one beside it that \
             ends in .lock, or move both away"
                .to_owned(),
        ),
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Problem {
    Problem {
        code: "ledger_unwritable".to_owned(),
        severity: Severity::Warning,
        region: None,
        phase: None,
        text: format!("what the functions cost cannot be written to {}: {error}", path.display()),
        hint: Some(
            "it is counted in memory until it can be, and lost if the agent ends before; mend the disk or its rights".to_owned(),
        ),
    }
}
