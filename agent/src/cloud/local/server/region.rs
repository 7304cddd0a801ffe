//! One region: the task that owns its function's configuration, its pool of instances, and their seats.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::configuration::Configuration;
use super::instance::{self, Completed, Ended, Launch, Program, Report, Seat, Wires, Work};
use super::names::{self, Surroundings};
use super::pool::{Action, InstanceId, InvocationId, Limits, Pool};
use super::refusal::Refusal;
use super::{Stop, stopped};
use crate::cloud::local::api::{ConfigurationChange, FunctionConfiguration};
use crate::cloud::local::billing::Ledger;
use crate::cloud::local::options::Options;

/// Requests that wait for the region; each is handled in microseconds.
const REQUESTS: usize = 64;

/// What callers ask of a region.
#[derive(Debug)]
pub(super) enum Request {
    Invoke { payload: Bytes, reply: oneshot::Sender<Result<Completed, Refusal>> },
    Configure { change: ConfigurationChange, reply: oneshot::Sender<Result<FunctionConfiguration, Refusal>> },
    Describe { reply: oneshot::Sender<FunctionConfiguration> },
}

/// How an instance is reached.
#[derive(Debug)]
struct Line {
    work: mpsc::Sender<Work>,
    kill: CancellationToken,
}

/// A region's task.
pub(super) struct Region {
    label: String,
    /// The region's byte in the source addresses.
    octet: u8,
    command: Vec<String>,
    wrapper: Vec<String>,
    ledger: Arc<Ledger>,
    configuration: Configuration,
    pool: Pool,
    seats: HashMap<usize, Seat>,
    lines: HashMap<InstanceId, Line>,
    /// Accepted invocations that no instance has yet; the pool bounds them.
    pending: HashMap<InvocationId, Work>,
    last_invocation: InvocationId,
    instances: JoinSet<Ended>,
    reports: (mpsc::Sender<Report>, mpsc::Receiver<Report>),
    requests: mpsc::Receiver<Request>,
    order: Stop,
}

enum Event {
    Report(Report),
    Ended(Result<Ended, JoinError>),
    Request(Request),
    Tick,
    Stop(Stop),
}

impl Region {
    /// The region `label`, with the `octet` in its source addresses, and where to ask it.
    pub(super) fn new(
        label: String,
        octet: u8,
        options: &Options,
        seats: Vec<Seat>,
        ledger: Arc<Ledger>,
    ) -> (Self, mpsc::Sender<Request>) {
        let (sender, requests) = mpsc::channel(REQUESTS);
        let limits = Limits { concurrency: options.concurrency, idle_life: options.idle_life() };
        let region = Self {
            configuration: Configuration::new(options, names::arn(&label, &options.function_name)),
            label,
            octet,
            command: options.command.clone(),
            wrapper: options.wrapper.clone(),
            ledger,
            pool: Pool::new(limits),
            seats: seats.into_iter().map(|seat| (seat.number, seat)).collect(),
            lines: HashMap::new(),
            pending: HashMap::new(),
            last_invocation: 0,
            instances: JoinSet::new(),
            reports: mpsc::channel(options.concurrency),
            requests,
            order: Stop::Serve,
        };
        (region, sender)
    }

    /// Serves until told to stop and nothing is left.
    pub(super) async fn run(mut self, mut stop: watch::Receiver<Stop>) {
        while !self.pool.is_finished() {
            let due = self.pool.next_tick();
            let event = tokio::select! {
                biased;
                order = stopped(&mut stop, self.order) => Event::Stop(order),
                // Before requests: who was answered after a report finds its instance free.
                Some(report) = self.reports.1.recv() => Event::Report(report),
                Some(ended) = self.instances.join_next() => Event::Ended(ended),
                Some(request) = self.requests.recv() => Event::Request(request),
                () = tick(due) => Event::Tick,
            };
            self.handle(event);
        }
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Report(Report::Freed(instance)) => {
                let actions = self.pool.freed(Instant::now(), instance);
                self.act(actions);
            }
            Event::Report(Report::Spent(instance)) => self.pool.spent(instance),
            Event::Ended(Ok(ended)) => self.ended(ended),
            // A bug in an instance's task is one of this program.
            Event::Ended(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Event::Ended(Err(_cancelled)) => {}
            Event::Request(request) => self.request(request),
            Event::Tick => {
                let actions = self.pool.tick(Instant::now());
                self.act(actions);
            }
            Event::Stop(order) => self.stop(order),
        }
    }

    fn request(&mut self, request: Request) {
        match request {
            Request::Invoke { payload, reply } => {
                let invocation = self.last_invocation + 1;
                self.last_invocation = invocation;
                self.pending.insert(invocation, Work { invocation, request_id: names::request_id(), payload, reply });
                let actions = self.pool.invoke(invocation);
                self.act(actions);
            }
            Request::Configure { change, reply } => {
                let changed = self.configuration.change(change);
                if changed.is_ok() {
                    let actions = self.pool.reconfigure();
                    self.act(actions);
                }
                // A caller that went away is not answered; what it ordered is done.
                let _ = reply.send(changed.map(|()| self.configuration.describe()));
            }
            Request::Describe { reply } => {
                let _ = reply.send(self.configuration.describe());
            }
        }
    }

    fn ended(&mut self, mut ended: Ended) {
        let unbegun = ended.take_unbegun();
        self.lines.remove(&ended.instance);
        self.seats.insert(ended.seat.number, ended.seat);
        let mut actions = self.pool.gone(ended.instance);
        // Nothing waits any more then, and what the instance never began goes with it.
        if self.order == Stop::Kill {
            return;
        }
        if let Some(work) = unbegun {
            let invocation = work.invocation;
            self.pending.insert(invocation, work);
            actions.extend(self.pool.replace(invocation));
        }
        self.act(actions);
    }

    fn stop(&mut self, order: Stop) {
        self.order = order;
        let actions = self.pool.close();
        self.act(actions);
        if order == Stop::Kill {
            self.pending.clear();
            self.pool.forget_waiting();
            self.lines.values().for_each(|line| line.kill.cancel());
        }
    }

    fn act(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Start { instance, seat, host, invocation } => self.start(instance, seat, host, invocation),
                Action::Run { instance, invocation } => self.assign(instance, invocation),
                Action::Retire { instance } => {
                    if let Some(line) = self.lines.get(&instance) {
                        line.kill.cancel();
                    }
                }
                Action::Throttle { invocation } => self.refuse(invocation, Refusal::TooManyRequests),
                Action::Refuse { invocation } => self.refuse(invocation, Refusal::Closing),
            }
        }
    }

    fn start(&mut self, instance: InstanceId, seat: usize, host: u8, invocation: InvocationId) {
        let work = self.pending.remove(&invocation).expect("the pool starts an instance for a pending invocation");
        let seat = self.seats.remove(&seat).expect("the pool gives a free seat");
        let launch = self.launch(instance, &seat, host);
        let (sender, receiver) = mpsc::channel(1);
        let kill = CancellationToken::new();
        self.lines.insert(instance, Line { work: sender, kill: kill.clone() });
        let wires = Wires { work: receiver, kill, reports: self.reports.0.clone() };
        self.instances.spawn(instance::run(launch, seat, work, wires));
    }

    fn launch(&self, instance: InstanceId, seat: &Seat, host: u8) -> Launch {
        let configuration = &self.configuration;
        let surroundings = Surroundings {
            region: &self.label,
            function: configuration.function(),
            command: &self.command,
            variables: configuration.variables(),
            memory_mb: configuration.memory_mb(),
            runtime_api: seat.address,
            source: cfg!(target_os = "linux").then(|| Ipv4Addr::new(127, 64, self.octet, host)),
        };
        let program =
            Program { command: self.command.clone(), wrapper: self.wrapper.clone(), environment: surroundings.environment() };
        Launch {
            instance,
            region: self.label.clone(),
            arn: configuration.arn().to_owned(),
            program,
            timeout: configuration.timeout(),
            memory_mb: configuration.memory_mb(),
            ledger: self.ledger.clone(),
        }
    }

    fn assign(&mut self, instance: InstanceId, invocation: InvocationId) {
        let work = self.pending.remove(&invocation).expect("the pool assigns a pending invocation");
        let line = self.lines.get(&instance).expect("the pool assigns to an instance that has not ended");
        // The receiver lives until this task takes it back, and an idle instance's channel is empty.
        line.work.try_send(work).expect("an idle instance has room for an invocation");
    }

    fn refuse(&mut self, invocation: InvocationId, refusal: Refusal) {
        if let Some(work) = self.pending.remove(&invocation) {
            // A caller that went away misses the refusal.
            let _ = work.reply.send(Err(refusal));
        }
    }
}

async fn tick(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}
