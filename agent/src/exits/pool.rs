//! The exits that take streams. The scheduler's side adds, marks and removes them; the data plane's side opens streams.
//!
//! Never: the pool starts no exit and ends none; it says what is wanted ([`Demand`]) and waits. No user reaches the control
//! stream.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};
use tunnel::control;
use tunnel::destination::{Destination, Host};
use tunnel::limits::STREAMS_PER_EXIT;
use tunnel::meter::Meter;
use tunnel::outcome::{ProxyError, Refusal};
use tunnel::session::client::{OpenError, Opener};
use tunnel::stream::TunnelStream;

use super::ExitId;
use super::choice::{Candidate, UNPAIRED_PATIENCE, Wish, choose};
use super::demand::{self, Demand, Publisher};
use super::streams::{Place, StreamStats, Streams};
use crate::cloud::printable;
use crate::routing::Policy;

/// How long an exit may take to answer: longer than the longest grace, in which a tunnel may be away, and than the exit's
/// own time-outs.
const OPEN_TIMEOUT: Duration = Duration::from_secs(120);

/// How many regions a refusal names: what fits into its details.
const REGIONS_SHOWN: usize = 6;
/// How much of a region that is not there a refusal repeats, characters.
const LONGEST_REGION: usize = 30;

/// How the pool chooses.
#[derive(Debug, Clone)]
pub struct Config {
    /// The regions that have exits, or will.
    pub regions: Vec<String>,
    /// How requests are spread over regions.
    pub policy: Policy,
    /// How long a request waits for an exit (`proxy.wait`).
    pub wait: Duration,
}

/// A ready exit, as the scheduler's side adds it.
#[derive(Debug)]
pub struct ExitEntry {
    /// Its name.
    pub id: ExitId,
    /// Its region.
    pub region: String,
    /// Opens streams in its tunnel.
    pub opener: Opener,
}

/// What the pool knows of an exit, for `status` and the scheduler.
#[derive(Debug, Clone)]
pub struct ExitView {
    /// Its name.
    pub id: ExitId,
    /// Its region.
    pub region: String,
    /// Whether it is chosen for new streams.
    pub active: bool,
    /// Its streams.
    pub streams: StreamStats,
}

/// A stream that an exit has opened.
pub struct Opened {
    /// The bytes.
    pub stream: TunnelStream,
    /// Keeps the exit's numbers right; lives as long as the stream.
    pub guard: StreamGuard,
}

/// Says who carries a stream, and counts it until dropped.
#[derive(Debug)]
pub struct StreamGuard {
    /// The exit that carries it.
    pub exit: ExitId,
    /// Counts its bytes.
    pub meter: Arc<Meter>,
    place: Place,
    _demand: demand::Open,
}

impl StreamGuard {
    /// The stream ends with its exit, not by an end of its own.
    pub fn mark_cut(&mut self) {
        self.place.mark_cut();
    }
}

/// The pool; cheap to clone.
#[derive(Clone)]
pub struct Pool(Arc<Inner>);

struct Inner {
    config: Config,
    exits: Mutex<Vec<Exit>>,
    changes: watch::Sender<u64>,
    added: AtomicU64,
    turn: AtomicU64,
    demand: Publisher,
}

struct Exit {
    id: ExitId,
    region: String,
    opener: Opener,
    serial: u64,
    active: bool,
    /// Said GOAWAY or was lost: it never opens a stream again, whatever the scheduler still thinks of it.
    spent: bool,
    unpaired_since: Option<Instant>,
    streams: Arc<Streams>,
}

/// What is needed of the chosen exit outside the lock.
struct Chosen {
    id: ExitId,
    opener: Opener,
    is_paired: bool,
    guard: StreamGuard,
}

/// The scheduler's side.
impl Pool {
    /// An empty pool.
    pub fn new(config: Config) -> Self {
        Self(Arc::new(Inner {
            config,
            exits: Mutex::default(),
            changes: watch::Sender::new(0),
            added: AtomicU64::new(0),
            turn: AtomicU64::new(0),
            demand: Publisher::new(),
        }))
    }

    /// Adds a ready exit. From now on it takes new streams, as its region's newest.
    pub fn add(&self, entry: ExitEntry) {
        let ExitEntry { id, region, opener } = entry;
        let serial = self.0.added.fetch_add(1, Ordering::Relaxed);
        let exit = Exit { id, region, opener, serial, active: true, spent: false, unpaired_since: None, streams: Arc::default() };
        self.lock().push(exit);
        self.changed();
    }

    /// Whether the exit takes new streams: `false` while it drains.
    pub fn set_active(&self, id: &ExitId, active: bool) {
        self.change(id, |exit| exit.active = active);
    }

    /// Whether the exit's tunnel is paired.
    pub fn set_paired(&self, id: &ExitId, paired: bool) {
        self.change(id, |exit| {
            exit.unpaired_since = (!paired).then(|| exit.unpaired_since.unwrap_or_else(Instant::now));
        });
    }

    /// Forgets an exit that has ended, and says what it carried.
    pub fn remove(&self, id: &ExitId) -> Option<StreamStats> {
        let removed = {
            let mut exits = self.lock();
            exits.iter().position(|exit| exit.id == *id).map(|at| exits.remove(at))
        };
        self.changed();
        removed.map(|exit| exit.streams.stats())
    }

    /// Follows what users want.
    pub fn demand(&self) -> watch::Receiver<Demand> {
        self.0.demand.watch()
    }

    /// Every exit that was added and not removed.
    pub fn exits(&self) -> Vec<ExitView> {
        let view = |exit: &Exit| ExitView {
            id: exit.id.clone(),
            region: exit.region.clone(),
            active: exit.accepts(),
            streams: exit.streams.stats(),
        };
        self.lock().iter().map(view).collect()
    }

    fn change(&self, id: &ExitId, change: impl FnOnce(&mut Exit)) {
        if let Some(exit) = self.lock().iter_mut().find(|exit| exit.id == *id) {
            change(exit);
        }
        self.changed();
    }

    fn changed(&self) {
        self.0.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// No change of the list can be left half done, so that a poisoned lock hides nothing.
    fn lock(&self) -> MutexGuard<'_, Vec<Exit>> {
        self.0.exits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The data plane's side.
impl Pool {
    /// Opens a stream to `destination`, in `region` if a rule names one. Waits for an exit at most `wait`. One retry on
    /// another exit, where the first had not begun with the stream, or its tunnel is interrupted and another's is not.
    pub async fn open(&self, destination: &Destination, region: Option<&str>) -> Result<Opened, Refusal> {
        if matches!(&destination.host, Host::Name(name) if name == control::HOST) {
            return Err(Refusal::new(ProxyError::DestinationIpProhibited, "a reserved name"));
        }
        if let Some(stranger) = region.filter(|name| !self.0.config.regions.iter().any(|it| it == name)) {
            return Err(no_such_region(stranger, &self.0.config.regions));
        }
        let ask = Ask { destination, region, deadline: Instant::now() + self.0.config.wait };
        let first = self.exit_for(&ask, None).await?;
        let first_id = first.id.clone();
        let outcome = tokio::select! {
            biased;
            outcome = self.open_on(first, &ask) => outcome,
            better = self.better_than(&first_id, &ask) => {
                tracing::debug!(exit = %first_id, other = %better.id, %destination, "its tunnel is interrupted; another exit takes it");
                return self.open_on(better, &ask).await.map_err(Refusal::from);
            }
        };
        match outcome {
            Ok(opened) => Ok(opened),
            Err(error) if error.is_worth_another_exit() => {
                tracing::debug!(exit = %first_id, %destination, %error, "trying another exit");
                self.open_on_another(&ask, &first_id, error).await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whether an idle stream through this exit may carry another request, rather than one through a newer exit.
    pub fn is_reusable(&self, id: &ExitId, region: Option<&str>) -> bool {
        let is_it = |exit: &Exit| exit.id == *id && exit.accepts() && !exit.candidate().is_unpaired_for_long();
        self.lock().iter().any(|exit| is_it(exit) && region.is_none_or(|name| name == exit.region))
    }

    /// Follows changes of the exits: something came, went, or was marked.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// Waits until the exit's tunnel has been interrupted for longer than a blink while another's is not; for ever otherwise.
    async fn better_than(&self, id: &ExitId, ask: &Ask<'_>) -> Chosen {
        let mut changes = self.changes();
        loop {
            // Time makes an interruption a long one without a change.
            let _changed_or_later = timeout(UNPAIRED_PATIENCE, changes.changed()).await;
            let is_interrupted = |exit: &Exit| exit.id == *id && exit.candidate().is_unpaired_for_long();
            if !self.lock().iter().any(is_interrupted) {
                continue;
            }
            if let Some(better) = self.choose(ask, Some(id)).filter(|chosen| chosen.is_paired) {
                return better;
            }
        }
    }

    /// A full exit is left only for one that is there now; a lost one is waited for.
    async fn open_on_another(&self, ask: &Ask<'_>, not: &ExitId, error: OpenError) -> Result<Opened, Refusal> {
        let second = match error {
            OpenError::Refused(refusal) => self.choose(ask, Some(not)).ok_or(refusal)?,
            _ => self.exit_for(ask, Some(not)).await?,
        };
        self.open_on(second, ask).await.map_err(Refusal::from)
    }

    async fn exit_for(&self, ask: &Ask<'_>, not: Option<&ExitId>) -> Result<Chosen, Refusal> {
        if let Some(chosen) = self.choose(ask, not) {
            return Ok(chosen);
        }
        let _waiting = self.0.demand.wait();
        let mut changes = self.changes();
        loop {
            if let Some(chosen) = self.choose(ask, not) {
                return Ok(chosen);
            }
            match timeout_at(ask.deadline, changes.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return Err(unavailable(ask.region)),
            }
        }
    }

    fn choose(&self, ask: &Ask<'_>, not: Option<&ExitId>) -> Option<Chosen> {
        let exits = self.lock();
        let allowed: Vec<&Exit> = exits.iter().filter(|exit| exit.accepts() && Some(&exit.id) != not).collect();
        let candidates: Vec<_> = allowed.iter().map(|exit| exit.candidate()).collect();
        let turn = self.0.turn.load(Ordering::Relaxed);
        let wish = Wish { region: ask.region, host: &ask.destination.host, turn, draw: fastrand::u64(..) };
        let exit = allowed[choose(self.0.config.policy, &candidates, &wish)?];
        self.0.turn.store(turn.wrapping_add(1), Ordering::Relaxed);
        let meter = Arc::new(Meter::new());
        let guard =
            StreamGuard { exit: exit.id.clone(), place: exit.streams.enter(&meter), _demand: self.0.demand.open(), meter };
        let is_paired = exit.unpaired_since.is_none();
        Some(Chosen { id: exit.id.clone(), opener: exit.opener.clone(), is_paired, guard })
    }

    /// An exit whose tunnel is interrupted is none yet: it may come back within the request's wait, and no later.
    async fn open_on(&self, chosen: Chosen, ask: &Ask<'_>) -> Result<Opened, OpenError> {
        let Chosen { id, opener, is_paired, guard } = chosen;
        let deadline = if is_paired { Instant::now() + OPEN_TIMEOUT } else { ask.deadline };
        match timeout_at(deadline, opener.open(&ask.destination.to_string())).await {
            Ok(Ok(stream)) => Ok(Opened { stream, guard }),
            Ok(Err(error)) => {
                if matches!(error, OpenError::GoingAway | OpenError::Lost(_)) {
                    self.change(&id, |exit| exit.spent = true);
                }
                Err(error)
            }
            Err(_) if is_paired => Err(Refusal::new(ProxyError::ConnectionTimeout, "the exit did not answer").into()),
            Err(_) => Err(unavailable(ask.region).into()),
        }
    }
}

/// One request, while it looks for an exit.
struct Ask<'a> {
    destination: &'a Destination,
    region: Option<&'a str>,
    deadline: Instant,
}

fn unavailable(region: Option<&str>) -> Refusal {
    let details = match region {
        Some(region) => format!("no exit in {region} is ready"),
        None => "no exit is ready".to_owned(),
    };
    Refusal::new(ProxyError::DestinationUnavailable, details)
}

/// No time brings an exit of a region that is not configured.
fn no_such_region(region: &str, regions: &[String]) -> Refusal {
    let mut known = regions.iter().take(REGIONS_SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    if let more @ 1.. = regions.len().saturating_sub(REGIONS_SHOWN) {
        known.push_str(&format!(" and {more} more"));
    }
    let region = printable(region, LONGEST_REGION);
    let details = format!("{region} is not one of this proxy's regions ({known})");
    Refusal::new(ProxyError::DestinationUnavailable, details)
}

impl Exit {
    fn accepts(&self) -> bool {
        self.active && !self.spent
    }

    fn candidate(&self) -> Candidate<'_> {
        Candidate {
            region: &self.region,
            serial: self.serial,
            unpaired_for: self.unpaired_since.map(|since| since.elapsed()),
            is_full: self.streams.open() >= STREAMS_PER_EXIT,
            rtt: self.opener.rtt(),
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("exits", &self.lock().len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_that_is_not_there_is_told_beside_those_that_are() {
        let regions: Vec<String> = (1..=30).map(|number| format!("us-gov-southeast-{number}")).collect();
        let details = |region: &str, count: usize| no_such_region(region, &regions[..count]).details;
        assert_eq!(details("mars", 2), "mars is not one of this proxy's regions (us-gov-southeast-1, us-gov-southeast-2)");
        let many = details(&"x".repeat(300), 30);
        assert!(many.ends_with("us-gov-southeast-6 and 24 more)"), "{many}");
    }
}
