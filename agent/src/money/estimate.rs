//! What a month with given settings would cost, in a number and in plain words.

use std::time::Duration;

use super::tariff::{FREE_TIER, TARIFF_DATE, rates};
use super::usage::{Amount, Processor, Usage};

/// Hours of an average month, as AWS counts them.
const MONTH_HOURS: f64 = 730.0;
/// How long two exits of a region run side by side at a rotation whose streams are short.
const OVERLAP: Duration = Duration::from_secs(2);

/// What is to be priced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// One exit runs in each.
    pub regions: Vec<String>,
    /// The functions' processor.
    pub processor: Processor,
    /// Their memory.
    pub memory_mb: u32,
    /// Their time limit.
    pub timeout: Duration,
    /// How often each region gets a new exit; `None` at the time limit only.
    pub frequency: Option<Duration>,
    /// After how long without use all exits end; `None` for never.
    pub idle: Option<Duration>,
    /// Most exits of a region at a time.
    pub max_per_region: u32,
}

/// What it comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// GB-seconds of an hour in which the proxy is used.
    pub gb_seconds_per_hour: f64,
    /// Hours of use in a month that the free tier covers.
    pub free_hours: f64,
    /// An hour beyond these, USD.
    pub usd_per_hour: f64,
    /// A month of use around the clock, USD, without traffic.
    pub usd_around_the_clock: f64,
    /// A GB of traffic beyond the free tier, USD: in the cheapest region, and in the dearest.
    pub usd_per_gb: (f64, f64),
    /// The prices' day.
    pub tariff_date: &'static str,
    plan: Plan,
}

/// Prices a plan.
pub fn estimate(plan: Plan) -> Estimate {
    let hour = hours(&plan, 1.0);
    let gb_seconds_per_hour = hour.bill().gb_seconds;
    let free_hours = if gb_seconds_per_hour > 0.0 { FREE_TIER.gb_seconds / gb_seconds_per_hour } else { MONTH_HOURS };
    let prices = || plan.regions.iter().map(|region| rates(region, plan.processor));
    let traffic = || prices().map(|rates| rates.gigabyte_out);
    Estimate {
        gb_seconds_per_hour,
        free_hours: free_hours.min(MONTH_HOURS),
        usd_per_hour: hour.0.iter().map(|((region, processor), it)| it.gb_seconds() * rates(region, *processor).gb_second).sum(),
        usd_around_the_clock: hours(&plan, MONTH_HOURS).bill().usd,
        usd_per_gb: (traffic().fold(f64::INFINITY, f64::min), traffic().fold(0.0, f64::max)),
        tariff_date: TARIFF_DATE,
        plan,
    }
}

/// So many hours in which one exit of each region runs.
fn hours(plan: &Plan, hours: f64) -> Usage {
    let life = plan.frequency.map_or(plan.timeout, |frequency| frequency.min(plan.timeout)).max(OVERLAP);
    let seconds = hours * 3600.0 * (1.0 + OVERLAP.as_secs_f64() / life.as_secs_f64());
    let requests = (hours * 3600.0 / life.as_secs_f64()).ceil() as u64;
    let amount = Amount { mb_ms: (seconds * 1000.0) as u64 * u64::from(plan.memory_mb), requests, bytes_out: 0 };
    let mut usage = Usage::default();
    plan.regions.iter().for_each(|region| usage.add(region, plan.processor, amount));
    usage
}

impl Estimate {
    /// In plain words, a few short lines.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![self.time(), self.clock(), self.traffic()];
        if let Some(frequency) = self.plan.frequency {
            let (every, most) = (humantime::format_duration(frequency), self.plan.max_per_region);
            lines.push(format!(
                "streams longer than {every} keep their old exits running beside the new one, at most {most} exits a region"
            ));
        }
        let date = self.tariff_date;
        lines.push(format!(
            "prices of {date} without tax, if nothing else of the account uses its free tier; budget.monthly_usd sets a limit"
        ));
        lines
    }

    fn time(&self) -> String {
        let (count, memory) = (self.plan.regions.len(), self.plan.memory_mb);
        let exits = match count {
            1 => format!("1 exit of {memory} MB uses"),
            _ => format!("{count} exits of {memory} MB, one in each region, use"),
        };
        let free = if self.free_hours < MONTH_HOURS {
            format!(
                "AWS's free tier covers {:.0} hours of use a month, then an hour costs ${:.4}",
                self.free_hours.floor(),
                self.usd_per_hour
            )
        } else {
            "AWS's free tier covers a whole month of it".to_owned()
        };
        format!("{exits} {:.0} GB-seconds in an hour; {free}", self.gb_seconds_per_hour)
    }

    fn clock(&self) -> String {
        let sum = format!("around the clock that is ${:.2} a month", self.usd_around_the_clock);
        match self.plan.idle {
            Some(idle) => {
                format!("{sum}; after {} without use all exits end, and nothing is charged", humantime::format_duration(idle))
            }
            None => format!("{sum}, and with exits.idle = \"never\" they do run around the clock"),
        }
    }

    fn traffic(&self) -> String {
        let (low, high) = self.usd_per_gb;
        let price = if high > low { format!("${low:.3} to ${high:.3}") } else { format!("${high:.3}") };
        let free = FREE_TIER.bytes_out / super::tariff::GIGABYTE;
        format!("traffic: {free} GB a month are free, then {price} per GB; every byte to or from a site counts once")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(regions: &[&str]) -> Plan {
        Plan {
            regions: regions.iter().map(ToString::to_string).collect(),
            processor: Processor::Arm64,
            memory_mb: 128,
            timeout: Duration::from_secs(900),
            frequency: Some(Duration::from_secs(300)),
            idle: Some(Duration::from_secs(900)),
            max_per_region: 3,
        }
    }

    #[test]
    fn one_small_exit_is_free_and_four_are_not() {
        let one = estimate(plan(&["us-east-1"]));
        assert!((one.free_hours - MONTH_HOURS).abs() < 1e-9 && one.usd_around_the_clock < 1e-9);
        assert!((450.0..455.0).contains(&one.gb_seconds_per_hour), "{}", one.gb_seconds_per_hour);
        let four = estimate(plan(&["us-east-1", "us-east-2", "us-west-1", "us-west-2"]));
        assert!((12.0..13.0).contains(&four.usd_around_the_clock), "{}", four.usd_around_the_clock);
        assert!((215.0..225.0).contains(&four.free_hours), "{}", four.free_hours);
    }

    #[test]
    fn the_words_name_the_sum_the_date_and_what_is_free() {
        let text = estimate(plan(&["us-east-1", "sa-east-1"])).lines().join("\n");
        for word in ["2 exits", "$0.090 to $0.150", "100 GB", TARIFF_DATE, "15m", "at most 3"] {
            assert!(text.contains(word), "{word} is not in\n{text}");
        }
        let always = estimate(Plan { idle: None, frequency: None, ..plan(&["us-east-1"]) }).lines().join("\n");
        assert!(always.contains("exits.idle = \"never\"") && !always.contains("at most"), "{always}");
    }

    #[test]
    fn no_region_costs_nothing() {
        assert!(estimate(plan(&[])).usd_around_the_clock.abs() < 1e-12);
    }
}
