//! A simulated region for the planner's tests: exits that start, crash, lose their tunnels and carry streams.
//!
//! It does what a shell must do; `orders` checks every order against what must always hold.

mod orders;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::*;
use crate::scheduler::backoff::{FailureKind, Jitter};

/// How long an ordered end takes.
const END_TAKES: Duration = Duration::from_millis(300);
/// How long a changed generation takes.
const RAISE_TAKES: Duration = Duration::from_secs(2);
/// How long a function waits for an order after its question.
const ORDER_WAIT: Duration = Duration::from_secs(2);

/// What becomes of an invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Ready,
    Fails(FailureKind),
    Hangs,
}

/// What the region is like at present.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weather {
    pub(super) start_takes: Duration,
    pub(super) fate: Fate,
    pub(super) renewals_work: bool,
    /// A failed renewal leaves a frozen function behind.
    pub(super) failed_renewals_kill: bool,
    pub(super) raises_work: bool,
}

pub(super) const FAIR: Weather = Weather {
    start_takes: Duration::from_millis(700),
    fate: Fate::Ready,
    renewals_work: true,
    failed_renewals_kill: false,
    raises_work: true,
};

#[derive(Debug, Clone)]
pub(super) struct Stream {
    opened: Timestamp,
    last: Timestamp,
    pub(super) moving: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Exit {
    pub(super) view: ExitView,
    pub(super) streams: Vec<Stream>,
    started: Timestamp,
    fate: Option<(Timestamp, Fate)>,
    renewal: Option<(Timestamp, bool)>,
    unpaired: Option<(Timestamp, Timestamp)>,
    asked_at: Option<Timestamp>,
    gone_at: Option<Timestamp>,
}

/// The region, its clocks and its planner.
#[derive(Debug)]
pub(super) struct World {
    pub(super) now: Timestamp,
    /// The clock that stands still while the machine sleeps.
    awake: Timestamp,
    pub(super) settings: Settings,
    pub(super) state: RegionState,
    pub(super) exits: Vec<Exit>,
    pub(super) weather: Weather,
    pub(super) may_invoke: bool,
    pub(super) winding_down: bool,
    pub(super) plan: Plan,
    pub(super) log: Vec<(Timestamp, Action)>,
    pub(super) passes: usize,
    pub(super) generation: u64,
    /// When the raise under way was ordered.
    raise: Option<Timestamp>,
    last_raise: Option<Timestamp>,
    fresh_requested: bool,
    names: u64,
}

impl World {
    pub(super) fn new(settings: Settings) -> Self {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let mut state = RegionState::new(now);
        state.on_generation(1);
        let plan = plan(now, &settings, &mut state.clone(), &RegionView { may_invoke: false, ..RegionView::default() });
        let mut world = Self {
            now,
            awake: now,
            settings,
            state,
            exits: Vec::new(),
            weather: FAIR,
            may_invoke: true,
            winding_down: false,
            plan,
            log: Vec::new(),
            passes: 0,
            generation: 1,
            raise: None,
            last_raise: None,
            fresh_requested: false,
            names: 0,
        };
        world.replan();
        world
    }

    /// Lets time pass; everything that happens in it happens in order.
    pub(super) fn pass_time(&mut self, span: Duration) {
        self.pass_time_checking(span, |_| {});
    }

    /// The same, with a check after each plan.
    pub(super) fn pass_time_checking(&mut self, span: Duration, check: impl Fn(&Self)) {
        let target = self.now + span;
        while let Some(next) = self.next_event().filter(|at| *at <= target) {
            let next = next.max(self.now);
            self.awake = self.awake + next.since(self.now);
            self.now = next;
            self.let_happen();
            self.replan();
            check(self);
        }
        self.awake = self.awake + target.since(self.now);
        self.now = target;
        self.replan();
        check(self);
    }

    /// The machine sleeps: the wall clock goes on, nothing else does.
    pub(super) fn sleep(&mut self, span: Duration) {
        self.now = self.now + span;
        self.let_happen();
        self.replan();
    }

    pub(super) fn acceptor(&self) -> Option<&Exit> {
        let active = self.exits.iter().filter(|exit| exit.view.is_active() && exit.view.is_steady());
        active.max_by_key(|exit| exit.view.order())
    }

    pub(super) fn exit(&self, id: u64) -> Option<&Exit> {
        self.exits.iter().find(|exit| exit.view.id == ExitId(id))
    }

    pub(super) fn orders(&self, wanted: impl Fn(&Action) -> bool) -> usize {
        self.log.iter().filter(|(_, action)| wanted(action)).count()
    }

    pub(super) fn invocations(&self) -> usize {
        self.orders(|action| matches!(action, Action::Invoke { .. }))
    }

    pub(super) fn ended(&self, id: u64) -> Option<Reason> {
        self.log.iter().find_map(|(_, action)| match action {
            Action::End(ended, reason) if *ended == ExitId(id) => Some(*reason),
            _ => None,
        })
    }

    /// Opens a stream where the pool would.
    pub(super) fn open_stream(&mut self, moving: bool) {
        let (awake, id) = (self.awake, self.acceptor().map(|exit| exit.view.id));
        if let Some(exit) = self.exits.iter_mut().find(|exit| Some(exit.view.id) == id) {
            exit.streams.push(Stream { opened: awake, last: awake, moving });
        }
        self.replan();
    }

    pub(super) fn streams(&self) -> usize {
        self.exits.iter().map(|exit| exit.streams.len()).sum()
    }

    pub(super) fn change_stream(&mut self, pick: usize, close: bool) {
        let awake = self.awake;
        let Some(mut at) = pick.checked_rem(self.streams()) else { return };
        for exit in &mut self.exits {
            if at < exit.streams.len() {
                if close {
                    exit.streams.remove(at);
                } else {
                    exit.streams[at].moving ^= true;
                    exit.streams[at].last = awake;
                }
                break;
            }
            at -= exit.streams.len();
        }
        self.replan();
    }

    pub(super) fn crash(&mut self, pick: usize) {
        if let Some(at) = pick.checked_rem(self.exits.len()) {
            self.remove(at, true);
            self.replan();
        }
    }

    pub(super) fn unpair(&mut self, pick: usize, span: Duration) {
        let (awake, count) = (self.awake, self.exits.len());
        let Some(at) = pick.checked_rem(count) else { return };
        if !self.exits[at].view.state.is_starting() {
            self.exits[at].unpaired.get_or_insert((awake, awake + span));
            self.replan();
        }
    }

    pub(super) fn rotate(&mut self, fresh: bool) {
        self.fresh_requested |= fresh;
        self.state.on_rotate_requested(self.now, fresh);
        self.replan();
    }

    pub(super) fn tell_address(&mut self, last: u8) {
        self.state.on_address(IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)));
        self.replan();
    }

    pub(super) fn lapse(&mut self) {
        self.state.lapse();
        self.replan();
    }

    pub(super) fn stop(&mut self) {
        self.state.stop();
        self.winding_down = false;
        self.replan();
    }

    pub(super) fn wake(&mut self) {
        self.state.wake(self.now);
        self.replan();
    }

    /// Plans until nothing more is ordered, as a shell does after every event.
    pub(super) fn replan(&mut self) {
        self.plan_once();
        let view = self.view();
        let again = plan(self.now, &self.settings, &mut self.state.clone(), &view);
        assert!(again.actions.is_empty(), "ordered again without a change: {:?}, then {:?}", self.plan.actions, again.actions);
        self.plan = Plan { actions: std::mem::take(&mut self.plan.actions), ..again };
    }

    fn plan_once(&mut self) {
        self.passes += 1;
        let view = self.view();
        self.plan = plan(self.now, &self.settings, &mut self.state, &view);
        if let Some(at) = self.plan.wake_at {
            assert!(at > self.now, "asks to be woken in the past");
        }
        for action in self.plan.actions.clone() {
            self.carry_out(action);
        }
    }

    fn view(&mut self) -> RegionView {
        for exit in &mut self.exits {
            exit.refresh(self.awake);
        }
        let exits = self.exits.iter().map(|exit| exit.view.clone()).collect();
        RegionView { exits, invoke_in_start_phase: false, may_invoke: self.may_invoke, winding_down: self.winding_down }
    }

    fn is_busy(&self) -> bool {
        self.exits.iter().any(|exit| exit.view.state.is_starting() || exit.view.renewal == RenewalProgress::UnderWay)
    }

    fn find(&mut self, id: ExitId) -> &mut Exit {
        self.exits.iter_mut().find(|exit| exit.view.id == id).expect("an exit that was shown")
    }

    fn next_event(&self) -> Option<Timestamp> {
        let question = self.settings.question_lead();
        // What runs by the clock that stands still while asleep, as a time of the other one.
        let lag = self.now.since(self.awake);
        let exits = self.exits.iter().flat_map(|exit| {
            let asks = exit.view.deadline.before(question);
            let fate = exit.fate.map(|(at, _)| at);
            let paired = exit.unpaired.map(|(since, until)| until.min(since + self.settings.grace) + lag);
            let silent = exit.asked_at.map(|at| at + ORDER_WAIT);
            [fate, exit.renewal.map(|(at, _)| at), paired, exit.gone_at, silent, Some(asks), Some(exit.view.deadline)]
        });
        exits.flatten().chain(self.raise.map(|at| at + RAISE_TAKES)).chain(self.plan.wake_at).filter(|at| *at > self.now).min()
    }

    fn let_happen(&mut self) {
        if let Some(ordered) = self.raise.take_if(|at| *at + RAISE_TAKES <= self.now) {
            self.generation += u64::from(self.weather.raises_work);
            let raised = self.weather.raises_work.then_some(self.generation);
            self.last_raise = raised.map(|_| ordered).or(self.last_raise);
            self.state.on_generation_raised(self.now, raised);
        }
        let mut at = 0;
        while at < self.exits.len() {
            at += usize::from(!self.exit_happens(at));
        }
    }

    /// Lets one exit's events happen; true if it is gone.
    fn exit_happens(&mut self, at: usize) -> bool {
        let (now, awake, question, grace) = (self.now, self.awake, self.settings.question_lead(), self.settings.grace);
        let exit = &mut self.exits[at];
        if exit.gone_at.is_some_and(|gone| gone <= now) {
            let failed = exit.view.state.is_starting();
            self.remove(at, failed);
            return true;
        }
        if exit.unpaired.is_some_and(|(since, until)| until > awake && since + grace <= awake) {
            self.remove(at, true);
            return true;
        }
        exit.unpaired.take_if(|(_, until)| *until <= awake);
        match exit.fate.take_if(|(due, _)| *due <= now) {
            Some((_, Fate::Ready)) => self.become_ready(at),
            Some((_, Fate::Fails(kind))) => {
                self.exits.remove(at);
                self.state.on_start_failed(now, kind, Jitter::new(1.0));
                return true;
            }
            _ => {}
        }
        self.decide_renewal(at);
        let exit = &mut self.exits[at];
        let waits = !exit.view.ending && exit.view.renewal != RenewalProgress::UnderWay;
        let over = exit.view.deadline <= now || exit.asked_at.is_some_and(|asked| asked + ORDER_WAIT <= now);
        if waits && over {
            self.remove(at, false);
            return true;
        }
        let paired = exit.unpaired.is_none() && !exit.view.state.is_starting();
        if waits && paired && exit.asked_at.is_none() && exit.view.deadline.before(question) <= now {
            exit.view.asked = true;
            exit.asked_at = Some(now);
        }
        false
    }

    fn become_ready(&mut self, at: usize) {
        let (now, generation) = (self.now, self.generation);
        let view = &mut self.exits[at].view;
        view.state.paired().and_then(|()| view.state.ready()).expect("it was starting");
        view.ready_at = Some(now);
        view.generation = Some(generation);
        self.state.on_ready();
    }

    fn decide_renewal(&mut self, at: usize) {
        let (now, awake) = (self.now, self.awake);
        let Some((_, worked)) = self.exits[at].renewal.take_if(|(due, _)| *due <= now) else { return };
        let exit = &mut self.exits[at];
        if worked {
            exit.view.renewal = RenewalProgress::None;
            exit.view.deadline = now + self.settings.timeout;
        } else {
            exit.view.renewal = RenewalProgress::Failed;
            if self.weather.failed_renewals_kill {
                exit.unpaired = Some((awake, awake + Duration::from_secs(3600)));
            }
        }
        self.state.on_renewal(now, worked);
    }

    fn remove(&mut self, at: usize, by_a_fault: bool) {
        let exit = self.exits.remove(at);
        match exit.view.ready_at {
            _ if !by_a_fault => {}
            Some(ready) => self.state.on_exit_lost(self.now, self.now.since(ready), Jitter::new(1.0)),
            None => self.state.on_start_failed(self.now, FailureKind::Retryable, Jitter::new(1.0)),
        }
    }
}

impl Exit {
    fn refresh(&mut self, awake: Timestamp) {
        let paired = self.unpaired.is_none();
        for stream in self.streams.iter_mut().filter(|stream| stream.moving && paired) {
            stream.last = awake;
        }
        let silent_for = self.streams.iter().map(|stream| awake.since(stream.last)).min().unwrap_or_default();
        let oldest = self.streams.iter().map(|stream| awake.since(stream.opened)).max().unwrap_or_default();
        self.view.streams = Streams { open: self.streams.len(), silent_for, oldest };
        self.view.unpaired_for = self.unpaired.map(|(since, _)| awake.since(since));
        self.view.starting_for = awake.since(self.started);
    }
}
