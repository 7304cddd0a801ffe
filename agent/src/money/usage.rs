//! What was used in a month, and what it costs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::tariff::{FREE_TIER, GIGABYTE, WIRE, rates};

/// The processor of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Processor {
    /// Graviton.
    Arm64,
    /// Intel and AMD.
    X86_64,
}

/// How much of what is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amount {
    /// Memory times time, MB and milliseconds: whole numbers, so that no sum loses anything.
    pub mb_ms: u64,
    /// Invocations.
    pub requests: u64,
    /// Bytes that left AWS.
    pub bytes_out: u64,
}

impl Amount {
    /// Adds another amount.
    pub fn add(&mut self, other: Self) {
        self.mb_ms = self.mb_ms.saturating_add(other.mb_ms);
        self.requests = self.requests.saturating_add(other.requests);
        self.bytes_out = self.bytes_out.saturating_add(other.bytes_out);
    }

    /// Memory times time as AWS counts it: a GB is 1024 MB.
    pub fn gb_seconds(&self) -> f64 {
        self.mb_ms as f64 / 1024.0 / 1000.0
    }
}

/// Where and on what it was used.
type Place = (String, Processor);

/// The use of each region and processor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage(pub(super) BTreeMap<Place, Amount>);

/// What a month's use comes to.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bill {
    /// All regions together.
    pub gb_seconds: f64,
    /// Invocations.
    pub requests: u64,
    /// Bytes that left AWS.
    pub bytes_out: u64,
    /// What is to be paid, the free tier taken off.
    pub usd: f64,
}

impl Usage {
    /// Adds an amount used in `region`.
    pub fn add(&mut self, region: &str, processor: Processor, amount: Amount) {
        self.0.entry((region.to_owned(), processor)).or_default().add(amount);
    }

    /// What it costs if nothing else of the account uses its free tier. What is free is free in proportion everywhere.
    pub fn bill(&self) -> Bill {
        let mut total = Amount::default();
        self.0.values().for_each(|amount| total.add(*amount));
        let traffic = |bytes: u64| bytes as f64 * WIRE;
        let time = charged(total.gb_seconds(), FREE_TIER.gb_seconds);
        let requests = charged(total.requests as f64, FREE_TIER.requests as f64);
        let out = charged(traffic(total.bytes_out), FREE_TIER.bytes_out as f64);
        let cost = |((region, processor), amount): (&Place, &Amount)| {
            let rates = rates(region, *processor);
            amount.gb_seconds() * rates.gb_second * time
                + amount.requests as f64 * rates.request * requests
                + traffic(amount.bytes_out) / GIGABYTE as f64 * rates.gigabyte_out * out
        };
        let usd = self.0.iter().map(cost).sum();
        Bill { gb_seconds: total.gb_seconds(), requests: total.requests, bytes_out: total.bytes_out, usd }
    }
}

/// The part of `used` that is beyond what is free.
fn charged(used: f64, free: f64) -> f64 {
    if used <= free { 0.0 } else { 1.0 - free / used }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONTH_MS: u64 = 730 * 3600 * 1000;

    fn exits(region: &str, processor: Processor, count: u64) -> Usage {
        let mut usage = Usage::default();
        usage.add(region, processor, Amount { mb_ms: 128 * MONTH_MS * count, requests: 2920 * count, bytes_out: 0 });
        usage
    }

    #[test]
    fn one_small_exit_around_the_clock_is_free() {
        let bill = exits("us-east-1", Processor::Arm64, 1).bill();
        assert!((bill.gb_seconds - 328_500.0).abs() < 1e-6);
        assert!(bill.usd.abs() < 1e-12);
    }

    #[test]
    fn what_is_beyond_the_free_tier_costs_the_published_price() {
        let bill = exits("us-east-1", Processor::X86_64, 4).bill();
        let expected = (4.0 * 328_500.0 - 400_000.0) * 0.000_016_666_7;
        assert!((bill.usd - expected).abs() < 1e-6, "{} instead of {expected}", bill.usd);
    }

    #[test]
    fn traffic_is_free_up_to_a_hundred_gigabytes_on_the_wire() {
        let with = |bytes_out| {
            let mut usage = Usage::default();
            usage.add("us-east-1", Processor::Arm64, Amount { bytes_out, ..Amount::default() });
            usage.bill().usd
        };
        assert!(with(95 * GIGABYTE).abs() < 1e-12);
        let expected = (200.0 * WIRE - 100.0) * 0.09;
        assert!((with(200 * GIGABYTE) - expected).abs() < 1e-9);
    }

    #[test]
    fn a_dear_and_a_cheap_region_share_what_is_free() {
        let both = |a: &str, b: &str| {
            let mut usage = exits(a, Processor::Arm64, 1);
            usage.0.extend(exits(b, Processor::Arm64, 1).0);
            usage.bill().usd
        };
        let beyond = 2.0 * 328_500.0 - 400_000.0;
        let expected = beyond / 2.0 * (13.3334 + 18.3) / 1e6;
        assert!((both("us-east-1", "ap-east-1") - expected).abs() < 1e-9);
    }
}
