//! The shell around the planner: one task that owns every region and every exit, learns what happens, asks
//! [`super::plan`] what to do, and does it.
//!
//! ```text
//!   reports of exits ┐
//!   users' demand    ├─▶ event ─▶ regions' memory ─▶ plan ─▶ actions ─▶ exits, pool, cloud
//!   requests, time   ┘
//! ```
//! Never: it makes no decision of its own, and never waits for the cloud or an exit.

mod exit;
mod fleet;
mod generation;
mod quota;
mod region;
mod renewal;
mod requests;
mod rotation;
mod snapshot;
mod trouble;
mod version;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tunnel::awake::Awake;

use self::exit::{Ended, Exit};
use self::fleet::Finding;
use self::region::Region;
pub use self::requests::Request;
pub use self::rotation::Rotated;
use self::rotation::Rotation;
pub use self::snapshot::{ExitSnapshot, RegionSnapshot, Snapshot, Totals};
use super::idle::{Idle, IdleChange, stagger};
use super::plan::{ExitId, Settings};
use super::time::Timestamp;
use crate::cloud::Cloud;
use crate::exits::actor::{Outfit, Told};
use crate::exits::address::{CheckUrl, Unknown};
use crate::exits::{Demand, Pool};
use crate::health::Health;
use crate::process::wall_clock as now;

/// Reports and findings that may wait: every exit has few at a time, and the task never blocks.
const QUEUE: usize = 256;
/// Requests of the control socket that may wait.
const REQUESTS: usize = 16;
/// Time is looked at this often at least: the wall clock may be set, and silent streams are judged by it.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// A burst of streams makes one plan, not hundreds.
const SHORTEST_WAIT: Duration = Duration::from_millis(10);
/// How often traffic is counted: a budget need not know it sooner.
const COUNT: Duration = Duration::from_secs(5);
/// How many ended exits `status` still shows.
const ENDED_SHOWN: usize = 20;

/// What the supervisor is made of.
pub struct Setup<C> {
    /// What every exit needs.
    pub outfit: Arc<Outfit<C>>,
    /// The regions to serve.
    pub regions: Vec<String>,
    /// How exits live.
    pub settings: Settings,
    /// After how long without use all exits end.
    pub idle: Option<Duration>,
    /// Whom to ask for an exit's address.
    pub check_url: Option<CheckUrl>,
    /// Where ready exits are offered.
    pub pool: Pool,
    /// Where problems are told.
    pub health: Health,
}

/// Asks and orders the running supervisor.
#[derive(Clone)]
pub struct SupervisorHandle {
    requests: mpsc::Sender<Request>,
}

/// The task.
pub struct Supervisor<C> {
    outfit: Arc<Outfit<C>>,
    settings: Settings,
    check_url: Option<CheckUrl>,
    /// Why addresses stayed unknown.
    unknown: Unknown,
    pool: Pool,
    health: Health,
    regions: Vec<Region>,
    exits: BTreeMap<ExitId, Exit>,
    ended: std::collections::VecDeque<Ended>,
    totals: Totals,
    idle: Idle,
    next_id: u64,
    rotations: Vec<Rotation>,
    /// No new connections come; running streams may finish.
    is_winding_down: bool,
    stopping: Option<Vec<oneshot::Sender<()>>>,
    reports: (mpsc::Sender<Told>, mpsc::Receiver<Told>),
    findings: (mpsc::Sender<Finding>, mpsc::Receiver<Finding>),
    requests: mpsc::Receiver<Request>,
    demand: watch::Receiver<Demand>,
    /// From when on demand may lead to the next plan.
    rested_at: Instant,
    /// When a stream was last asked for, as far as it was looked at.
    last_asked: Option<Instant>,
    /// The tasks beside exits: questions for an address, changes of a generation. They end with the supervisor.
    errands: JoinSet<()>,
    /// When traffic is counted again.
    count_at: Instant,
    /// Whether this process ran all the time: it looks every [`LONGEST_WAIT`].
    awake: Awake,
}

enum Event {
    Told(Told),
    Found(Finding),
    Asked(Request),
    Demand,
    Time,
}

impl<C: Cloud> Supervisor<C> {
    /// A supervisor that has not begun, and the handle to it.
    pub fn new(setup: Setup<C>) -> (Self, SupervisorHandle) {
        let now = now();
        let (requests, asked) = mpsc::channel(REQUESTS);
        let count = setup.regions.len();
        let region = |(index, name): (usize, String)| Region::new(name, now + stagger(index, count));
        let supervisor = Self {
            regions: setup.regions.into_iter().enumerate().map(region).collect(),
            outfit: setup.outfit,
            settings: setup.settings,
            check_url: setup.check_url,
            unknown: Unknown::default(),
            health: setup.health,
            demand: setup.pool.demand(),
            pool: setup.pool,
            exits: BTreeMap::new(),
            ended: std::collections::VecDeque::with_capacity(ENDED_SHOWN),
            totals: Totals::default(),
            idle: Idle::new(now, setup.idle),
            next_id: 1,
            rotations: Vec::new(),
            is_winding_down: false,
            stopping: None,
            reports: mpsc::channel(QUEUE),
            findings: mpsc::channel(QUEUE),
            requests: asked,
            rested_at: Instant::now(),
            last_asked: None,
            errands: JoinSet::new(),
            awake: Awake::since(Instant::now()),
            count_at: Instant::now(),
        };
        (supervisor, SupervisorHandle { requests })
    }

    /// Runs until it was asked to stop and every exit has ended, or every handle is gone.
    pub async fn run(mut self) {
        let mut wake = Instant::now();
        loop {
            let Some(event) = self.next_event(wake).await else { break };
            self.credit_time_not_run();
            self.learn(event);
            while self.learn_more() {}
            wake = self.plan_all();
            if self.stopping.is_some() && self.exits.is_empty() {
                break;
            }
        }
        for told in self.stopping.take().unwrap_or_default() {
            let _gone = told.send(());
        }
    }

    async fn next_event(&mut self, wake: Instant) -> Option<Event> {
        tokio::select! {
            told = self.reports.1.recv() => told.map(Event::Told),
            found = self.findings.1.recv() => found.map(Event::Found),
            asked = self.requests.recv() => asked.map(Event::Asked),
            Ok(()) = burst(self.rested_at, &mut self.demand) => Some(Event::Demand),
            () = sleep_until(wake) => Some(Event::Time),
        }
    }

    /// Takes what else is there, so that one plan answers it all.
    fn learn_more(&mut self) -> bool {
        let next = self.reports.1.try_recv().map(Event::Told).or_else(|_| self.findings.1.try_recv().map(Event::Found));
        next.map(|event| self.learn(event)).is_ok()
    }

    /// What waits was not kept waiting by time in which this process did not run.
    fn credit_time_not_run(&mut self) {
        let missed = self.awake.missed(Instant::now());
        if !missed.is_zero() {
            self.exits.values_mut().for_each(|exit| exit.credit(missed));
        }
    }

    fn learn(&mut self, event: Event) {
        match event {
            Event::Told(told) => self.on_report(told),
            Event::Found(finding) => self.on_finding(&finding),
            Event::Asked(request) => self.on_request(request),
            Event::Demand | Event::Time => {}
        }
        self.follow_demand();
    }

    /// Users' streams and waiting requests; wakes the regions, or lets them lapse.
    fn follow_demand(&mut self) {
        let (now, demand) = (now(), *self.demand.borrow_and_update());
        // A stream may have come and gone since the last look.
        let asked = demand.last_asked != self.last_asked;
        self.last_asked = demand.last_asked;
        let change = self.idle.follow(now, demand.open, asked || demand.waiting > 0).or_else(|| self.idle.check(now));
        match change {
            Some(IdleChange::Lapse) => {
                tracing::info!("nobody uses the proxy: all exits end until somebody does");
                for index in 0..self.regions.len() {
                    self.regions[index].memory.lapse();
                    // What failed before is not what keeps a region that rests from anything.
                    self.forget_failure(index);
                }
            }
            Some(IdleChange::Wake) => self.wake_regions(now),
            None => {}
        }
    }

    fn wake_regions(&mut self, now: Timestamp) {
        let count = self.regions.len();
        for (index, region) in self.regions.iter_mut().enumerate() {
            region.memory.wake(now + stagger(index, count));
        }
    }

    /// Plans every region and carries the plans out. Returns when to plan again at the latest.
    fn plan_all(&mut self) -> Instant {
        let now = now();
        let (mut wait, pooled) = (LONGEST_WAIT, self.pool.exits());
        for index in 0..self.regions.len() {
            if let Some(at) = self.plan_region(index, now, &pooled) {
                wait = wait.min(now.until(at));
            }
        }
        // A try that was begun is planned at once.
        if self.answer_rotations() {
            wait = Duration::ZERO;
        }
        self.ask_for_limits();
        self.count_traffic();
        while self.errands.try_join_next().is_some() {}
        self.rested_at = Instant::now() + SHORTEST_WAIT;
        Instant::now() + wait.max(SHORTEST_WAIT)
    }

    /// Tells the book what left the cloud since the last time.
    fn count_traffic(&mut self) {
        if Instant::now() < self.count_at {
            return;
        }
        self.count_at = Instant::now() + COUNT;
        let pooled = self.pool.exits();
        for exit in self.exits.values_mut() {
            let bytes = exit.carried(&fleet::streams_of(&pooled, exit));
            if bytes > 0 {
                self.outfit.book.carried(&self.regions[exit.region].name, bytes);
            }
        }
    }
}

/// Demand that changed, gathered until `rested_at`.
async fn burst(rested_at: Instant, demand: &mut watch::Receiver<Demand>) -> Result<(), watch::error::RecvError> {
    sleep_until(rested_at).await;
    demand.changed().await
}

impl SupervisorHandle {
    /// The state of everything; `None` when the supervisor has ended.
    pub async fn snapshot(&self) -> Option<Snapshot> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(Request::Snapshot(reply)).await.ok()?;
        answer.await.ok()
    }

    /// Asks for new exits in `regions`, or in all of them if none is named. Answers when each is there or has failed.
    pub async fn rotate(&self, regions: Vec<String>, fresh: bool) -> Vec<Rotated> {
        let (reply, answer) = oneshot::channel();
        match self.requests.send(Request::Rotate { regions, fresh, reply }).await {
            Ok(()) => answer.await.unwrap_or_default(),
            Err(_) => Vec::new(),
        }
    }

    /// No new connections come from now on: the exits only carry what runs.
    pub async fn wind_down(&self) {
        let _over = self.requests.send(Request::WindDown).await;
    }

    /// Ends every exit and waits until all have ended.
    pub async fn stop(&self) {
        let (reply, answer) = oneshot::channel();
        if self.requests.send(Request::Stop(reply)).await.is_ok() {
            let _over = answer.await;
        }
    }
}
