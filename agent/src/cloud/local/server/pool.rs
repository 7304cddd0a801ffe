//! Which instance of a region runs which invocation: the rules, without processes or sockets.
//!
//! Never: more than `concurrency` invocations at once, two invocations in one instance, or an invocation in an instance of
//! an older configuration than the function had when it was placed.

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

/// Last bytes that an instance's source address can have.
const HOSTS: std::ops::RangeInclusive<u8> = 1..=254;

/// Names an instance within its region; never used twice.
pub(super) type InstanceId = u64;
/// Names an invocation within its region; never used twice.
pub(super) type InvocationId = u64;

/// The bounds of a region.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// How many invocations may run at once, which is also the number of seats.
    pub(super) concurrency: usize,
    /// How long an instance stays idle before it is retired.
    pub(super) idle_life: Duration,
}

/// What is to be done after an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Start an instance in this seat, with this last byte of its source address, for this invocation.
    Start { instance: InstanceId, seat: usize, host: u8, invocation: InvocationId },
    /// Run the invocation in this idle instance.
    Run { instance: InstanceId, invocation: InvocationId },
    /// Kill this idle instance.
    Retire { instance: InstanceId },
    /// Answer the invocation that too many run.
    Throttle { invocation: InvocationId },
    /// Answer the invocation that the region is closing.
    Refuse { invocation: InvocationId },
}

/// `busy ⇄ idle → dying → gone`, and `busy → dying`. A dying instance keeps its seat until it is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Busy,
    Idle { since: Instant },
    Dying,
}

#[derive(Debug)]
struct Member {
    id: InstanceId,
    seat: usize,
    host: u8,
    revision: u64,
    state: State,
}

/// The instances of one region and the invocations that wait for a dying one's seat.
#[derive(Debug)]
pub(super) struct Pool {
    limits: Limits,
    revision: u64,
    closing: bool,
    members: Vec<Member>,
    seats: BTreeSet<usize>,
    waiting: VecDeque<InvocationId>,
    last_instance: InstanceId,
    last_host: u8,
}

impl Pool {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            revision: 0,
            closing: false,
            members: Vec::new(),
            seats: (0..limits.concurrency).collect(),
            waiting: VecDeque::new(),
            last_instance: 0,
            last_host: 0,
        }
    }

    /// An invocation came in.
    pub(super) fn invoke(&mut self, invocation: InvocationId) -> Vec<Action> {
        if self.closing {
            return vec![Action::Refuse { invocation }];
        }
        if self.running() >= self.limits.concurrency {
            return vec![Action::Throttle { invocation }];
        }
        self.waiting.push_back(invocation);
        self.serve_waiting()
    }

    /// An invocation that its instance never began, because it died first, is placed anew, also while closing.
    pub(super) fn replace(&mut self, invocation: InvocationId) -> Vec<Action> {
        self.waiting.push_front(invocation);
        self.serve_waiting()
    }

    /// The instance has answered and is ready for another invocation.
    pub(super) fn freed(&mut self, now: Instant, instance: InstanceId) -> Vec<Action> {
        let revision = self.revision;
        let Some(member) = self.member(instance).filter(|member| member.state == State::Busy) else {
            return Vec::new();
        };
        if member.revision != revision {
            member.state = State::Dying;
            return vec![Action::Retire { instance }];
        }
        member.state = State::Idle { since: now };
        let mut actions = self.serve_waiting();
        if self.closing {
            actions.extend(self.retire_where(|_| true));
        }
        actions
    }

    /// The instance will not run another invocation, and ends by itself.
    pub(super) fn spent(&mut self, instance: InstanceId) {
        if let Some(member) = self.member(instance) {
            member.state = State::Dying;
        }
    }

    /// The instance has ended, and its seat is free.
    pub(super) fn gone(&mut self, instance: InstanceId) -> Vec<Action> {
        if let Some(at) = self.members.iter().position(|member| member.id == instance) {
            self.seats.insert(self.members.swap_remove(at).seat);
        }
        self.serve_waiting()
    }

    /// The function's configuration or code changed: what is idle ends now, what runs ends after its invocation.
    pub(super) fn reconfigure(&mut self) -> Vec<Action> {
        self.revision += 1;
        self.retire_where(|_| true)
    }

    /// Time passed.
    pub(super) fn tick(&mut self, now: Instant) -> Vec<Action> {
        let life = self.limits.idle_life;
        self.retire_where(|since| now.saturating_duration_since(since) >= life)
    }

    /// When `tick` has something to do.
    pub(super) fn next_tick(&self) -> Option<Instant> {
        let first = self.members.iter().filter_map(Member::idle_since).min()?;
        first.checked_add(self.limits.idle_life)
    }

    /// The invocations that wait are given up by their region, which is being killed.
    pub(super) fn forget_waiting(&mut self) {
        self.waiting.clear();
    }

    /// No more invocations: what is idle ends now, what runs ends after its invocation.
    pub(super) fn close(&mut self) -> Vec<Action> {
        self.closing = true;
        self.retire_where(|_| true)
    }

    /// Whether the region is closing and nothing is left.
    pub(super) fn is_finished(&self) -> bool {
        self.closing && self.members.is_empty() && self.waiting.is_empty()
    }

    /// How many invocations were accepted and have not ended.
    fn running(&self) -> usize {
        let busy = self.members.iter().filter(|member| member.state == State::Busy).count();
        busy + self.waiting.len()
    }

    /// Places as many waiting invocations as can be. The others wait for the seats of dying instances.
    fn serve_waiting(&mut self) -> Vec<Action> {
        let mut actions = Vec::new();
        while let Some(&invocation) = self.waiting.front() {
            let Some(action) = self.reuse(invocation).or_else(|| self.start(invocation)) else { break };
            self.waiting.pop_front();
            actions.push(action);
        }
        actions
    }

    /// The most recently used idle instance, as Lambda does: the others reach the end of their idle life.
    fn reuse(&mut self, invocation: InvocationId) -> Option<Action> {
        let member = self.members.iter_mut().filter(|member| member.idle_since().is_some()).max_by_key(|m| m.idle_since())?;
        member.state = State::Busy;
        Some(Action::Run { instance: member.id, invocation })
    }

    fn start(&mut self, invocation: InvocationId) -> Option<Action> {
        let seat = self.seats.pop_first()?;
        let (instance, host) = (self.last_instance + 1, self.next_host());
        (self.last_instance, self.last_host) = (instance, host);
        self.members.push(Member { id: instance, seat, host, revision: self.revision, state: State::Busy });
        Some(Action::Start { instance, seat, host, invocation })
    }

    /// The next host byte in a circle that no living instance has; there are fewer seats than bytes.
    fn next_host(&self) -> u8 {
        let after = HOSTS.skip(self.last_host.into()).chain(HOSTS);
        let mut free = after.filter(|host| self.members.iter().all(|member| member.host != *host));
        free.next().unwrap_or(*HOSTS.start())
    }

    fn retire_where(&mut self, which: impl Fn(Instant) -> bool) -> Vec<Action> {
        let mut actions = Vec::new();
        for member in &mut self.members {
            if member.idle_since().is_some_and(&which) {
                member.state = State::Dying;
                actions.push(Action::Retire { instance: member.id });
            }
        }
        actions
    }

    fn member(&mut self, instance: InstanceId) -> Option<&mut Member> {
        self.members.iter_mut().find(|member| member.id == instance)
    }
}

impl Member {
    fn idle_since(&self) -> Option<Instant> {
        match self.state {
            State::Idle { since } => Some(since),
            State::Busy | State::Dying => None,
        }
    }
}

#[cfg(test)]
mod tests;
