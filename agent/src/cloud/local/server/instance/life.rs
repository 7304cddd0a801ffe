//! The stages of an instance (see the picture above), driven by its program, its region and the clock.

use std::process::ExitStatus;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tracing::{debug, warn};

use super::logs::Logs;
use super::program::Running as Process;
use super::report::{self, Outcome, Usage};
use super::runtime_api::{Call, Delivery, Fault, Subject};
use super::{Completed, Launch, Report, Wires, Work};
use crate::cloud::local::billing::{Entry, seconds};
use crate::cloud::local::server::names;

/// How long a program may take until it asks for its first invocation (Lambda's init phase).
const INIT_LIMIT: Duration = Duration::from_secs(10);
/// How long after its answer a program may run on until it is frozen without having asked for the next invocation.
const SETTLE_LIMIT: Duration = Duration::from_secs(2);
/// How often a deadline is compared with the wall clock, since timers stand still while the machine sleeps.
const CLOCK_CHECK: Duration = Duration::from_secs(1);

type Poll = oneshot::Sender<Result<Delivery, Fault>>;
type Verdict = oneshot::Sender<Result<(), Fault>>;

/// An invocation that its instance has begun.
#[derive(Debug)]
struct Run {
    work: Work,
    since: Instant,
    deadline: SystemTime,
    init: Option<Duration>,
}

#[derive(Debug)]
enum Stage {
    Init {
        work: Work,
        since: Instant,
        until: SystemTime,
    },
    Running {
        run: Run,
        delivered: bool,
    },
    Settling {
        run: Run,
        outcome: Outcome,
        until: SystemTime,
    },
    Idle,
    /// The program is over; with an invocation that it never began.
    Ended(Option<Work>),
}

#[derive(Debug)]
enum Event {
    Call(Call),
    Exit(Option<ExitStatus>),
    Work(Work),
    Alarm,
    Kill,
}

struct Life<'a> {
    launch: Launch,
    process: Process,
    logs: Logs,
    /// The program's call that waits for an invocation.
    poll: Option<Poll>,
    reports: &'a mpsc::Sender<Report>,
}

/// Starts the program for `first` and returns when it is gone; with an invocation that it died too early to begin.
pub(super) async fn live(launch: Launch, first: Work, calls: &mut mpsc::Receiver<Call>, wires: &mut Wires) -> Option<Work> {
    let label = format!("{}/{}", launch.region, launch.instance);
    let started = launch.program.start().and_then(|(process, pipe)| Ok((process, Logs::new(pipe, label)?)));
    let (process, mut logs) = match started {
        Ok(started) => started,
        Err(error) => {
            not_started(&launch, first, &error, &wires.reports).await;
            return None;
        }
    };
    logs.say(&report::start_line(&first.request_id));
    let mut stage = Stage::Init { work: first, since: Instant::now(), until: SystemTime::now() + INIT_LIMIT };
    let mut life = Life { launch, process, logs, poll: None, reports: &wires.reports };
    let unbegun = loop {
        if let Stage::Ended(unbegun) = stage {
            break unbegun;
        }
        let event = tokio::select! {
            biased;
            () = wires.kill.cancelled() => Event::Kill,
            Some(call) = calls.recv() => Event::Call(call),
            status = life.process.ended() => Event::Exit(status.ok()),
            () = life.logs.pump() => continue,
            Some(work) = wires.work.recv(), if matches!(stage, Stage::Idle) => Event::Work(work),
            () = alarm(&stage) => Event::Alarm,
        };
        stage = life.step(stage, event).await;
    };
    life.process.kill().await;
    unbegun
}

async fn not_started(launch: &Launch, work: Work, error: &std::io::Error, reports: &mpsc::Sender<Report>) {
    warn!(region = launch.region, %error, "cannot start the function's program");
    let outcome = Outcome::not_started(&work.request_id, error);
    // The region outlives its instances.
    let _ = reports.send(Report::Spent(launch.instance)).await;
    reply(work, outcome, Vec::new());
}

impl Life<'_> {
    async fn step(&mut self, stage: Stage, event: Event) -> Stage {
        match event {
            Event::Call(Call::Next(poll)) => self.next(stage, poll).await,
            Event::Call(Call::Report { subject, body, reply }) => self.report(stage, &subject, body, reply).await,
            Event::Exit(status) => self.exited(stage, status).await,
            Event::Work(work) => self.begin(work),
            Event::Alarm => self.alarm(stage).await,
            Event::Kill => self.killed(&stage),
        }
    }

    /// The program asks for an invocation.
    async fn next(&mut self, stage: Stage, poll: Poll) -> Stage {
        match stage {
            Stage::Init { work, since, .. } => {
                let init = since.elapsed();
                self.deliver(self.run(work, Some(init)), poll)
            }
            Stage::Running { run, delivered: false } => self.deliver(run, poll),
            Stage::Settling { run, outcome, .. } => {
                self.poll = Some(poll);
                self.settle(run, outcome).await
            }
            // One that was on its way when the program was frozen.
            Stage::Idle => {
                self.poll = Some(poll);
                Stage::Idle
            }
            stage @ (Stage::Running { delivered: true, .. } | Stage::Ended(_)) => {
                answer(poll, Err(Fault::InvalidState));
                stage
            }
        }
    }

    /// The program answers or fails.
    async fn report(&mut self, stage: Stage, subject: &Subject, body: Option<Bytes>, verdict: Verdict) -> Stage {
        match (stage, subject) {
            (Stage::Init { work, since, .. }, Subject::InitError) => {
                answer(verdict, Ok(()));
                let init = since.elapsed();
                let run = self.run(work, Some(init));
                self.spend(run, Outcome::failed(body.unwrap_or_default())).await
            }
            (Stage::Running { run, delivered: true }, Subject::Response(id) | Subject::Error(id))
                if *id == run.work.request_id =>
            {
                answer(verdict, if body.is_some() { Ok(()) } else { Err(Fault::TooLarge) });
                let outcome = match (subject, body) {
                    (_, None) => Outcome::too_large(),
                    (Subject::Response(_), Some(body)) => Outcome::answered(body),
                    (_, Some(body)) => Outcome::failed(body),
                };
                Stage::Settling { run, outcome, until: SystemTime::now() + SETTLE_LIMIT }
            }
            (stage, subject) => {
                answer(verdict, Err(fault_of(&stage, subject)));
                stage
            }
        }
    }

    /// The program ended by itself.
    async fn exited(&mut self, stage: Stage, status: Option<ExitStatus>) -> Stage {
        let exited = |run: &Run| Outcome::exited(&run.work.request_id, status.unwrap_or_default());
        match stage {
            Stage::Init { work, since, .. } => {
                let init = since.elapsed();
                let run = self.run(work, Some(init));
                let outcome = exited(&run);
                self.spend(run, outcome).await
            }
            Stage::Running { run, .. } => {
                let outcome = exited(&run);
                self.spend(run, outcome).await
            }
            Stage::Settling { run, outcome, .. } => self.spend(run, outcome).await,
            Stage::Idle => Stage::Ended(None),
            Stage::Ended(unbegun) => Stage::Ended(unbegun),
        }
    }

    /// The idle instance gets an invocation.
    fn begin(&mut self, work: Work) -> Stage {
        if self.process.has_ended() {
            return Stage::Ended(Some(work));
        }
        self.logs.say(&report::start_line(&work.request_id));
        let run = self.run(work, None);
        self.process.thaw();
        match self.poll.take() {
            Some(poll) => self.deliver(run, poll),
            None => Stage::Running { run, delivered: false },
        }
    }

    /// The time of the stage is over.
    async fn alarm(&mut self, stage: Stage) -> Stage {
        match stage {
            Stage::Init { work, since, .. } => {
                self.process.kill().await;
                let init = since.elapsed();
                let outcome = Outcome::timed_out(&work.request_id, INIT_LIMIT);
                let run = self.run(work, Some(init));
                self.spend(run, outcome).await
            }
            Stage::Running { run, .. } => {
                self.process.kill().await;
                let outcome = Outcome::timed_out(&run.work.request_id, self.launch.timeout);
                self.spend(run, outcome).await
            }
            Stage::Settling { run, outcome, .. } => self.settle(run, outcome).await,
            stage @ (Stage::Idle | Stage::Ended(_)) => stage,
        }
    }

    /// The region retires the idle instance, or the whole local Lambda is told to go; then nobody is answered any more.
    fn killed(&self, stage: &Stage) -> Stage {
        if let Stage::Running { run, .. } | Stage::Settling { run, .. } = stage {
            self.bill(&run.work.request_id, &self.usage(run));
        }
        debug!(region = self.launch.region, instance = self.launch.instance, "instance retired");
        Stage::Ended(None)
    }

    /// An invocation that begins now.
    fn run(&self, work: Work, init: Option<Duration>) -> Run {
        Run { work, since: Instant::now(), deadline: SystemTime::now() + self.launch.timeout, init }
    }

    fn deliver(&self, run: Run, poll: Poll) -> Stage {
        let deadline = run.deadline.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let delivery = Delivery {
            request_id: run.work.request_id.clone(),
            deadline_ms: u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX),
            arn: self.launch.arn.clone(),
            trace_id: names::trace_id(),
            payload: run.work.payload.clone(),
        };
        // A program that has closed its connection gets the invocation at its next poll.
        let delivered = poll.send(Ok(delivery)).is_ok();
        Stage::Running { run, delivered }
    }

    /// The invocation is over and the instance is kept: frozen first, so that nothing runs that nobody pays for.
    async fn settle(&mut self, run: Run, outcome: Outcome) -> Stage {
        self.process.freeze();
        self.finish(run, outcome, Report::Freed(self.launch.instance)).await;
        Stage::Idle
    }

    /// The invocation is over, and the instance with it.
    async fn spend(&mut self, run: Run, outcome: Outcome) -> Stage {
        self.process.kill().await;
        self.finish(run, outcome, Report::Spent(self.launch.instance)).await;
        Stage::Ended(None)
    }

    /// Tells the books, the region and last the caller, who may rely on the other two.
    async fn finish(&mut self, run: Run, outcome: Outcome, report: Report) {
        let usage = self.usage(&run);
        self.bill(&run.work.request_id, &usage);
        self.logs.drain();
        self.logs.say(&report::end_lines(&run.work.request_id, &usage));
        // The region outlives its instances.
        let _ = self.reports.send(report).await;
        reply(run.work, outcome, self.logs.take_tail());
    }

    fn usage(&self, run: &Run) -> Usage {
        Usage { duration: run.since.elapsed().min(self.launch.timeout), init: run.init, memory_mb: self.launch.memory_mb }
    }

    fn bill(&self, request_id: &str, usage: &Usage) {
        let entry = Entry {
            region: self.launch.region.clone(),
            request_id: request_id.to_owned(),
            invocations: 1,
            billed_ms: usage.billed_ms(),
            memory_mb: usage.memory_mb,
            ended_at: seconds(SystemTime::now()),
        };
        if let Err(error) = self.launch.ledger.append(&entry) {
            warn!(%error, "cannot write down what an invocation cost");
        }
    }
}

fn fault_of(stage: &Stage, subject: &Subject) -> Fault {
    let known = match stage {
        Stage::Running { run, .. } | Stage::Settling { run, .. } => Some(&run.work.request_id),
        Stage::Init { .. } | Stage::Idle | Stage::Ended(_) => None,
    };
    match subject {
        Subject::Response(id) | Subject::Error(id) if Some(id) != known => Fault::InvalidRequestId,
        _ => Fault::InvalidState,
    }
}

fn reply(work: Work, outcome: Outcome, log_tail: Vec<u8>) {
    let Outcome { payload, function_error } = outcome;
    // A caller that went away misses its answer, as in AWS.
    let _ = work.reply.send(Ok(Completed { request_id: work.request_id, payload, function_error, log_tail }));
}

/// Answers a call whose connection may be gone.
fn answer<T>(reply: oneshot::Sender<T>, value: T) {
    let _ = reply.send(value);
}

/// Resolves when the stage has taken as long as it may, by the wall clock.
async fn alarm(stage: &Stage) {
    let (Stage::Init { until, .. } | Stage::Running { run: Run { deadline: until, .. }, .. } | Stage::Settling { until, .. }) =
        stage
    else {
        return std::future::pending().await;
    };
    while let Ok(left) = until.duration_since(SystemTime::now()) {
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(CLOCK_CHECK)).await;
    }
}
