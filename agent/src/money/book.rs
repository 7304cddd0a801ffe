//! The handle that exits and `status` hold; behind it a thread keeps the file.
//!
//! ```text
//!   Begin ── Invoke sent ──▶ Running ── answer ──▶ settled: Lambda's own figure, else the time it took
//!                               └── dropped without an answer ──▶ as long as it can still live
//! ```
//! Never: nobody waits for the disk for longer than a moment. What cannot be written is kept in memory, and counts.

use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use super::carried::Carried;
use super::entry::{Begin, Entry};
use super::keeper::{BEAT, Command, Keeper, Seen};
use super::report::billed;
use super::terms::Terms;
use super::usage::{Bill, Processor};
use crate::cloud::{Answer, CloudError};
use crate::health::Health;
use crate::process::wall_clock as now;

/// How long an Invoke waits for its line to be written: a disk takes milliseconds.
const WRITING: Duration = Duration::from_secs(1);
/// How long the last lines may take at the agent's end.
const CLOSING: Duration = Duration::from_millis(300);
/// What Lambda allows a function to start, beside its time limit.
const INIT: Duration = Duration::from_secs(10);
/// What a function needs to notice that its agent is gone: 10 s of silence, then grace, and some for a last dial.
const NOTICE: Duration = Duration::from_secs(15);

/// Counts invocations. A handle: clones share it.
#[derive(Debug, Clone)]
pub struct Book(Option<Arc<Shared>>);

#[derive(Debug)]
struct Shared {
    commands: SyncSender<Command>,
    seen: watch::Receiver<Seen>,
    carried: Arc<Carried>,
    terms: Terms,
    run: String,
    account: Mutex<Option<String>>,
}

/// An invocation that was begun. Dropped, it counts for as long as it can still live.
#[derive(Debug)]
pub struct Running {
    book: Option<Arc<Shared>>,
    begin: Begin,
    sent: Instant,
}

impl Book {
    /// Where nothing costs anything.
    pub fn free() -> Self {
        Self(None)
    }

    /// Opens the file, which need not exist, and starts to keep it. What is wrong with it shows in `health`.
    pub fn open(path: PathBuf, terms: Terms, health: Health) -> io::Result<Self> {
        let run = hex::encode(fastrand::u64(..).to_be_bytes());
        let carried = Arc::new(Carried::default());
        let (commands, seen) = Keeper::start(path, run.clone(), terms, health, carried.clone())?;
        Ok(Self(Some(Arc::new(Shared { commands, seen, carried, terms, run, account: Mutex::default() }))))
    }

    /// Notes that an Invoke is about to be sent; returns when that is written.
    pub async fn begin(&self, region: &str) -> Running {
        let begin = self.beginning(region);
        if let Some(shared) = &self.0 {
            let (told, written) = oneshot::channel();
            shared.send(Command::Begin(begin.clone(), told));
            let _in_time = timeout(WRITING, written).await;
        }
        Running { book: self.0.clone(), begin, sent: Instant::now() }
    }

    /// Notes bytes that left AWS in `region`.
    pub fn carried(&self, region: &str, bytes: u64) {
        let Some(shared) = &self.0 else { return };
        shared.carried.add((shared.account(), region.to_owned()), bytes);
    }

    /// Tells whose account it is. What was begun before counts for every account.
    pub fn set_account(&self, account: &str) {
        let Some(shared) = &self.0 else { return };
        *shared.account.lock().unwrap_or_else(PoisonError::into_inner) = Some(account.to_owned());
        shared.send(Command::Account(account.to_owned()));
    }

    /// The month so far; `None` where nothing costs anything.
    pub fn month(&self) -> Option<Bill> {
        self.0.as_ref().map(|shared| shared.seen.borrow().bill)
    }

    /// Whether the budget permits another invocation.
    pub fn may_invoke(&self) -> bool {
        self.0.as_ref().is_none_or(|shared| !shared.seen.borrow().is_spent)
    }

    /// Writes what is left, at the agent's end. What is still open then counts for as long as it can live.
    pub async fn close(&self) {
        let Some(shared) = &self.0 else { return };
        let (told, closed) = oneshot::channel();
        shared.send(Command::Close(told));
        let _in_time = timeout(CLOSING, closed).await;
    }

    fn beginning(&self, region: &str) -> Begin {
        let now = now().as_millis();
        let (run, account, terms) = match &self.0 {
            Some(shared) => (shared.run.clone(), shared.account(), Some(shared.terms)),
            None => (String::new(), None, None),
        };
        let (longest, linger) = terms.map_or((0, 0), |terms| (millis(terms.timeout + INIT), millis(terms.grace + BEAT + NOTICE)));
        Begin {
            id: hex::encode(fastrand::u64(..).to_be_bytes()),
            run,
            account,
            region: region.to_owned(),
            processor: terms.map_or(Processor::Arm64, |terms| terms.processor),
            memory_mb: terms.map_or(0, |terms| terms.memory_mb),
            at: now,
            until: now.saturating_add(longest),
            linger_ms: linger,
        }
    }
}

impl Shared {
    /// A thread that is gone or far behind needs no more: the file's own lines count the rest.
    fn send(&self, command: Command) {
        if let Err(TrySendError::Full(_)) = self.commands.try_send(command) {
            tracing::warn!("the ledger cannot keep up; an invocation counts for as long as it can have lasted");
        }
    }

    fn account(&self) -> Option<String> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Running {
    /// Notes what came of it. An answer that was lost or says nothing leaves it running: it is given back.
    pub fn settle(self, answer: &Result<Answer, CloudError>) -> Option<Self> {
        match answer {
            Ok(answer) => match billed(&answer.log_tail, &answer.request_id) {
                Some(billed) => self.end(Some(billed.ms), billed.memory_mb),
                None => self.over(),
            },
            // Lambda may have run it, and may run it still.
            Err(CloudError::Service(_) | CloudError::Lost(_)) => return Some(self),
            Err(_) => self.end(None, 0),
        }
        None
    }

    /// Notes that it has just ended.
    pub fn over(self) {
        let (ms, memory_mb) = (self.lasted(Duration::ZERO), self.begin.memory_mb);
        self.end(Some(ms), memory_mb);
    }

    fn end(mut self, billed_ms: Option<u64>, memory_mb: u32) {
        self.tell(billed_ms, memory_mb);
    }

    fn tell(&mut self, billed_ms: Option<u64>, memory_mb: u32) {
        let Some(book) = self.book.take() else { return };
        book.send(Command::End(Entry::End { id: self.begin.id.clone(), at: now().as_millis(), billed_ms, memory_mb }));
    }

    /// How long it has lasted, and some more, within what Lambda allows. One of the two clocks stands still while this machine
    /// sleeps, the other may be set.
    fn lasted(&self, more: Duration) -> u64 {
        let Begin { at, until, .. } = self.begin;
        let by_wall_clock = now().as_millis().saturating_sub(at);
        millis(self.sent.elapsed()).max(by_wall_clock).saturating_add(millis(more)).min(until.saturating_sub(at))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let ms = self.lasted(Duration::from_millis(self.begin.linger_ms));
        self.tell(Some(ms), self.begin.memory_mb);
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use bytes::Bytes;

    use super::*;
    use crate::cloud::Reply;
    use crate::money::keeper::UNWRITTEN;

    fn terms(limit_usd: Option<f64>) -> Terms {
        let (timeout, grace) = (Duration::from_secs(900), Duration::from_secs(90));
        Terms { processor: Processor::Arm64, memory_mb: 1024, timeout, grace, limit_usd }
    }

    fn answer(log_tail: &str) -> Result<Answer, CloudError> {
        Ok(Answer { payload: Bytes::new(), function_error: None, log_tail: log_tail.to_owned(), request_id: "r".to_owned() })
    }

    fn billed_answer(ms: u64) -> Result<Answer, CloudError> {
        answer(&format!("REPORT RequestId: r\tDuration: 1.00 ms\tBilled Duration: {ms} ms\tMemory Size: 1024 MB\n"))
    }

    fn lost() -> Result<Answer, CloudError> {
        Err(CloudError::Lost(io::ErrorKind::ConnectionReset.into()))
    }

    /// What the month shows once everything told so far has been taken in.
    async fn settled(book: &Book) -> Bill {
        let (told, closed) = oneshot::channel();
        book.0.as_ref().expect("it counts").send(Command::Close(told));
        timeout(Duration::from_secs(20), closed).await.expect("in time").expect("closed");
        book.month().expect("something costs")
    }

    fn open(path: &Path, limit_usd: Option<f64>) -> (Book, Health) {
        let health = Health::default();
        (Book::open(path.to_owned(), terms(limit_usd), health.clone()).expect("a thread"), health)
    }

    #[tokio::test]
    async fn lambda_s_own_figure_is_what_counts_and_stays() {
        let directory = tempfile::tempdir().expect("tempdir");
        let path = directory.path().join("usage.jsonl");
        for restart in 1..=3u32 {
            let (book, health) = open(&path, None);
            assert!(book.begin("us-east-1").await.settle(&billed_answer(2000)).is_none());
            book.carried("us-east-1", 500);
            let bill = settled(&book).await;
            assert_eq!((bill.gb_seconds, bill.requests), (f64::from(restart) * 2.0, restart.into()));
            assert_eq!(bill.bytes_out, u64::from(restart) * 500);
            assert!(health.list().is_empty());
        }
    }

    #[tokio::test]
    async fn what_was_refused_costs_nothing_and_what_may_have_run_counts() {
        let directory = tempfile::tempdir().expect("tempdir");
        let (book, _health) = open(&directory.path().join("usage.jsonl"), None);
        let reply = |code| Reply::new("lambda:InvokeFunction in us-east-1", code, "", None);
        for error in [CloudError::NotFound(reply("ResourceNotFoundException")), CloudError::Throttled { reason: String::new() }] {
            assert!(book.begin("us-east-1").await.settle(&Err(error)).is_none());
        }
        let failed = Err(CloudError::Service(reply("ServiceException")));
        book.begin("us-east-1").await.settle(&failed).expect("perhaps running").over();
        book.begin("us-east-1").await.settle(&answer("no report"));
        assert_eq!(settled(&book).await.requests, 2);
    }

    #[tokio::test]
    async fn an_answer_that_was_lost_counts_as_long_as_the_function_can_live_unless_its_end_is_seen() {
        let directory = tempfile::tempdir().expect("tempdir");
        let (book, _health) = open(&directory.path().join("usage.jsonl"), None);
        book.begin("us-east-1").await.settle(&lost()).expect("still running").over();
        drop(book.begin("us-east-1").await.settle(&lost()).expect("still running"));
        let bill = settled(&book).await;
        let linger = terms(None).grace + BEAT + NOTICE;
        let seconds = linger.as_secs_f64()..linger.as_secs_f64() + 5.0;
        assert!(bill.requests == 2 && seconds.contains(&bill.gb_seconds), "{bill:?}");
    }

    #[tokio::test]
    async fn what_runs_when_the_agent_is_gone_counts_for_the_next_one() {
        let directory = tempfile::tempdir().expect("tempdir");
        let path = directory.path().join("usage.jsonl");
        let (killed, _health) = open(&path, None);
        let running = killed.begin("us-east-1").await;
        let (next, _health) = open(&path, None);
        assert_eq!(next.month().map(|bill| bill.requests), Some(1));
        drop(running);
    }

    #[tokio::test]
    async fn a_spent_budget_permits_nothing_and_says_so() {
        let directory = tempfile::tempdir().expect("tempdir");
        let path = directory.path().join("usage.jsonl");
        let (book, health) = open(&path, Some(1.0));
        assert!(book.may_invoke());
        // 400,000 s are free; 100,000 s more cost 1.33 dollars.
        book.begin("us-east-1").await.settle(&billed_answer(500_000_000));
        settled(&book).await;
        assert!(!book.may_invoke());
        assert_eq!(health.list().first().map(|problem| problem.code.clone()), Some("budget_spent".to_owned()));
        let (next, _health) = open(&path, Some(1.0));
        assert!(!next.may_invoke(), "the limit holds over a restart");
        assert!(open(&path, Some(2.0)).0.may_invoke());
    }

    #[tokio::test]
    async fn what_cannot_be_written_counts_and_shows() {
        let directory = tempfile::tempdir().expect("tempdir");
        let (book, health) = open(&directory.path().join("absent").join("usage.jsonl"), None);
        for _ in 0..UNWRITTEN {
            book.begin("us-east-1").await.settle(&billed_answer(1000));
        }
        let bill = settled(&book).await;
        assert_eq!((bill.gb_seconds, bill.requests), (1000.0, 1000));
        assert_eq!(health.list().first().map(|problem| problem.code.clone()), Some("ledger_unwritable".to_owned()));
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_not_taken_for_nothing() {
        let directory = tempfile::tempdir().expect("tempdir");
        // A directory in the file's place: nobody can read that as a file, root neither.
        let path = directory.path().join("usage.jsonl");
        std::fs::create_dir(&path).expect("made");
        for (limit, may_invoke) in [(None, true), (Some(5.0), false)] {
            let (book, health) = open(&path, limit);
            assert_eq!(book.may_invoke(), may_invoke, "{limit:?}");
            assert_eq!(health.list().first().map(|problem| problem.code.clone()), Some("ledger_unreadable".to_owned()));
        }
        std::fs::remove_dir(&path).expect("removed");
        let (book, _health) = open(&path, Some(5.0));
        assert!(book.may_invoke());
    }

    #[tokio::test]
    async fn where_nothing_costs_nothing_is_counted() {
        let book = Book::free();
        book.begin("local-1").await.settle(&billed_answer(1000));
        book.close().await;
        assert!(book.month().is_none() && book.may_invoke());
    }
}
