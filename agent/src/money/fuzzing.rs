//! Entries for the fuzz targets.

use super::calendar::Month;
use super::ledger::Ledger;
use super::report::billed;
use super::store::for_each;
use crate::scheduler::time::Timestamp;

/// Reads a ledger's file, and sums it up at `now` before and after it was made short.
pub fn ledger(file: &[u8], now: Timestamp) -> [(f64, u64); 2] {
    let mut ledger = Ledger::default();
    let _in_memory = for_each(file, |line| line.into_iter().for_each(|line| ledger.apply(line)));
    let whole = ledger.clone();
    let mut short = Ledger::default();
    ledger.compact(now).into_iter().for_each(|line| short.apply(line));
    [whole, short].map(|ledger| {
        let bill = ledger.usage(None, Month::of(now), now).bill();
        (bill.gb_seconds, bill.requests)
    })
}

/// Reads a log's tail.
pub fn report(tail: &str, request_id: &str) -> Option<u64> {
    billed(tail, request_id).map(|billed| billed.ms)
}
