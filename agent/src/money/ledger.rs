//! What the lines of the file come to: the use of each account and month, and the invocations whose end is still open.
//!
//! An invocation without an end is counted up to now, but no longer than it can live: to Lambda's limit, or until it must
//! have noticed that its agent is gone. So an agent that was killed loses nothing, whoever reads the file later.
//!
//! Never: no clock and no file here.

use std::collections::BTreeMap;

use super::calendar::Month;
use super::entry::{Begin, Entry, Sum};
use super::usage::{Amount, Processor, Usage};
use crate::scheduler::time::Timestamp;

/// Months that are kept beside the present one: a year to look back on.
const MONTHS_KEPT: u32 = 12;

/// The ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    sums: BTreeMap<Key, Amount>,
    open: BTreeMap<String, Begin>,
    /// When each agent with an open invocation was last alive.
    alive: BTreeMap<String, u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    account: Option<String>,
    month: Month,
    region: String,
    processor: Processor,
}

impl Ledger {
    /// Takes one line. A line that does not fit the others changes nothing.
    pub fn apply(&mut self, entry: Entry) {
        match entry {
            Entry::Begin(begin) => {
                self.heard_of(&begin.run, begin.at);
                self.open.insert(begin.id.clone(), begin);
            }
            Entry::Alive { run, at } => self.heard_of(&run, at),
            Entry::End { id, at, billed_ms, memory_mb } => {
                if let (Some(begin), Some(ms)) = (self.open.remove(&id), billed_ms) {
                    self.count(&begin, at, one(ms, memory_mb));
                }
            }
            Entry::Sum(sum) => {
                let amount = sum.amount();
                let key = Key { account: sum.account, month: sum.month, region: sum.region, processor: sum.processor };
                self.sums.entry(key).or_default().add(amount);
            }
        }
    }

    /// The use of a month, by `account`; by all of them while it is not known which one it is.
    pub fn usage(&self, account: Option<&str>, month: Month, now: Timestamp) -> Usage {
        let counts = |whose: Option<&str>| account.is_none() || whose.is_none() || whose == account;
        let mut usage = Usage::default();
        for (key, amount) in self.sums.iter().filter(|(key, _)| key.month == month && counts(key.account.as_deref())) {
            usage.add(&key.region, key.processor, *amount);
        }
        for begin in self.open.values().filter(|begin| counts(begin.account.as_deref())) {
            let end = now.as_millis().min(self.end_of(begin));
            if Month::of(Timestamp::from_millis(end)) == month {
                usage.add(&begin.region, begin.processor, one(end.saturating_sub(begin.at), begin.memory_mb));
            }
        }
        usage
    }

    /// The same in as few lines as can be: what cannot run any more is over, what is long past is forgotten.
    pub fn compact(&mut self, now: Timestamp) -> Vec<Entry> {
        let over: Vec<String> =
            self.open.values().filter(|begin| self.end_of(begin) < now.as_millis()).map(|it| it.id.clone()).collect();
        for id in over {
            let Some(begin) = self.open.remove(&id) else { continue };
            let end = self.end_of(&begin);
            self.count(&begin, end, one(end.saturating_sub(begin.at), begin.memory_mb));
        }
        let present = Month::of(now);
        self.sums.retain(|key, _| present.since(key.month) <= MONTHS_KEPT);
        self.alive.retain(|run, _| self.open.values().any(|begin| begin.run == *run));
        let sums = self.sums.iter().map(|(key, amount)| Entry::Sum(line(key, *amount)));
        let open = self.open.values().cloned().map(Entry::Begin);
        let alive = self.alive.iter().map(|(run, at)| Entry::Alive { run: run.clone(), at: *at });
        sums.chain(open).chain(alive).collect()
    }

    fn heard_of(&mut self, run: &str, at: u64) {
        match self.alive.get_mut(run) {
            Some(last) => *last = at.max(*last),
            None => drop(self.alive.insert(run.to_owned(), at)),
        }
    }

    fn count(&mut self, begin: &Begin, at: u64, amount: Amount) {
        let month = Month::of(Timestamp::from_millis(at));
        let (account, region) = (begin.account.clone(), begin.region.clone());
        self.sums.entry(Key { account, month, region, processor: begin.processor }).or_default().add(amount);
    }

    /// When an invocation without a written end is over at the latest.
    fn end_of(&self, begin: &Begin) -> u64 {
        let alive = self.alive.get(&begin.run).copied().unwrap_or(begin.at);
        begin.until.min(alive.saturating_add(begin.linger_ms))
    }
}

/// One invocation.
fn one(ms: u64, memory_mb: u32) -> Amount {
    Amount { mb_ms: ms.saturating_mul(memory_mb.into()), requests: 1, bytes_out: 0 }
}

fn line(key: &Key, amount: Amount) -> Sum {
    Sum {
        account: key.account.clone(),
        month: key.month,
        region: key.region.clone(),
        processor: key.processor,
        mb_ms: amount.mb_ms,
        requests: amount.requests,
        bytes_out: amount.bytes_out,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2026-11-25T00:00:00Z.
    const START: u64 = 1_795_564_800_000;
    const SECOND: u64 = 1000;
    const MINUTE: u64 = 60 * SECOND;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn begin(id: &str, run: &str, account: Option<&str>, when: u64) -> Entry {
        Entry::Begin(Begin {
            id: id.into(),
            run: run.into(),
            account: account.map(str::to_owned),
            region: "us-east-1".into(),
            processor: Processor::Arm64,
            memory_mb: 1024,
            at: when,
            until: when + 15 * MINUTE,
            linger_ms: 2 * MINUTE,
        })
    }

    fn end(id: &str, when: u64, billed_ms: Option<u64>) -> Entry {
        Entry::End { id: id.into(), at: when, billed_ms, memory_mb: 1024 }
    }

    fn ledger(lines: impl IntoIterator<Item = Entry>) -> Ledger {
        lines.into_iter().fold(Ledger::default(), |mut ledger, line| {
            ledger.apply(line);
            ledger
        })
    }

    /// GB-seconds and requests of this month at `now`.
    fn so_far(ledger: &Ledger, account: Option<&str>, now: u64) -> (f64, u64) {
        let bill = ledger.usage(account, Month::of(at(now)), at(now)).bill();
        (bill.gb_seconds, bill.requests)
    }

    #[test]
    fn what_lambda_billed_is_what_counts() {
        let ledger = ledger([begin("a", "r", None, START), end("a", START + MINUTE, Some(1500))]);
        assert_eq!(so_far(&ledger, None, START + 2 * MINUTE), (1.5, 1));
    }

    #[test]
    fn what_never_ran_is_not_counted() {
        let ledger = ledger([begin("a", "r", None, START), end("a", START + SECOND, None)]);
        assert_eq!(so_far(&ledger, None, START + MINUTE), (0.0, 0));
    }

    #[test]
    fn a_running_invocation_counts_up_to_now() {
        let ledger = ledger([begin("a", "r", None, START), Entry::Alive { run: "r".into(), at: START + MINUTE }]);
        assert_eq!(so_far(&ledger, None, START + 90 * SECOND), (90.0, 1));
    }

    #[test]
    fn a_killed_agent_s_invocation_counts_as_long_as_it_can_have_lived() {
        let lines = [begin("a", "r", None, START), Entry::Alive { run: "r".into(), at: START + MINUTE }];
        assert_eq!(so_far(&ledger(lines), None, START + 60 * MINUTE), (180.0, 1), "a minute alive and two of lingering");
        let alive = (0..60).map(|minute| Entry::Alive { run: "r".into(), at: START + minute * MINUTE });
        let lines = std::iter::once(begin("a", "r", None, START)).chain(alive);
        assert_eq!(so_far(&ledger(lines), None, START + 60 * MINUTE), (900.0, 1), "Lambda's limit");
    }

    #[test]
    fn a_new_month_begins_at_nothing_and_the_old_one_stays() {
        let december = START + 30 * 24 * 60 * MINUTE;
        let ledger = ledger([begin("a", "r", None, START), end("a", START + MINUTE, Some(1000))]);
        assert_eq!(so_far(&ledger, None, december), (0.0, 0));
        assert_eq!(ledger.usage(None, Month::of(at(START)), at(december)).bill().requests, 1);
    }

    #[test]
    fn accounts_are_apart_and_what_is_of_unknown_account_counts_for_each() {
        let lines = [("a", Some("1")), ("b", Some("2")), ("c", None)];
        let ledger =
            ledger(lines.into_iter().flat_map(|(id, account)| [begin(id, "r", account, START), end(id, START, Some(1000))]));
        assert_eq!(so_far(&ledger, Some("1"), START).1, 2);
        assert_eq!(so_far(&ledger, Some("3"), START).1, 1);
        assert_eq!(so_far(&ledger, None, START).1, 3);
    }

    #[test]
    fn what_is_past_a_year_is_forgotten() {
        let mut ledger = ledger([begin("a", "r", None, START), end("a", START, Some(1000))]);
        assert_eq!(ledger.compact(at(START + 300 * 24 * 60 * MINUTE)).len(), 1);
        assert_eq!(ledger.compact(at(START + 500 * 24 * 60 * MINUTE)).len(), 0);
    }

    fn lines() -> impl Strategy<Value = Vec<Entry>> {
        let line = (0u8..4, 0u8..6, 0u8..3, 0u64..40 * MINUTE).prop_map(|(kind, id, run, when)| match kind {
            0 => begin(&id.to_string(), &run.to_string(), (run > 0).then_some("1"), START + when),
            1 => Entry::Alive { run: run.to_string(), at: START + when },
            2 => end(&id.to_string(), START + when, (id > 1).then_some(when)),
            _ => end("nobody", START + when, Some(when)),
        });
        prop::collection::vec(line, 0..40)
    }

    proptest! {
        #[test]
        fn compacting_changes_no_sum_now_or_later(lines in lines(), now in 0u64..60 * MINUTE, later in 0u64..60 * MINUTE) {
            let (now, later) = (START + now, START + now + later);
            let whole = ledger(lines);
            let mut copy = whole.clone();
            let short = ledger(copy.compact(at(now)));
            for account in [None, Some("1"), Some("2")] {
                prop_assert_eq!(so_far(&short, account, now), so_far(&whole, account, now));
                prop_assert_eq!(so_far(&short, account, later), so_far(&whole, account, later));
            }
        }

        #[test]
        fn time_alone_never_lowers_a_sum(lines in lines(), now in 0u64..60 * MINUTE, later in 0u64..60 * MINUTE) {
            let ledger = ledger(lines);
            prop_assert!(so_far(&ledger, None, START + now) <= so_far(&ledger, None, START + now + later));
        }
    }
}
