//! AWS's prices: what a GB-second, an invocation and a byte out cost in each region, and what is free.
//!
//! On-demand prices of the first tier, in US dollars without tax, from AWS's price lists of Lambda and of data transfer.
//! A region that is not listed is priced as the dearest one: an estimate may be too high, not too low.

use super::usage::Processor;

/// The day of the price lists.
pub const TARIFF_DATE: &str = "2026-09-19";

/// What every account gets each month before anything is charged, all regions together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FreeTier {
    /// Memory times time, both processors together.
    pub gb_seconds: f64,
    /// Invocations.
    pub requests: u64,
    /// Bytes out of AWS, all its services together.
    pub bytes_out: u64,
}

/// Lambda's free tier has no end, nor has that of traffic.
pub const FREE_TIER: FreeTier = FreeTier { gb_seconds: 400_000.0, requests: 1_000_000, bytes_out: 100 * GIGABYTE };

/// Bytes of a GB of traffic. AWS's own is 7 % larger; this errs upwards.
pub(super) const GIGABYTE: u64 = 1_000_000_000;

/// What TLS, WebSocket, TCP and IP add to users' bytes: 3.5 % in full packets, more in small ones.
pub(super) const WIRE: f64 = 1.05;

/// The prices of one region, USD.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rates {
    pub(super) gb_second: f64,
    pub(super) request: f64,
    pub(super) gigabyte_out: f64,
}

/// Lambda's prices: x86_64 and arm64 per million GB-seconds, and per million requests.
struct Compute {
    x86_64: f64,
    arm64: f64,
    requests: f64,
}

const fn compute(x86_64: f64, arm64: f64, requests: f64) -> Compute {
    Compute { x86_64, arm64, requests }
}

const USUAL: Compute = compute(16.6667, 13.3334, 0.20);
const DEAREST: Compute = compute(22.92, 18.3, 0.28);

/// A GB out of Cape Town, the dearest place.
const DEAREST_TRAFFIC: f64 = 0.154;

/// What one invocation and its traffic cost in `region`.
pub(super) fn rates(region: &str, processor: Processor) -> Rates {
    let compute = compute_of(region);
    let per_million = match processor {
        Processor::Arm64 => compute.arm64,
        Processor::X86_64 => compute.x86_64,
    };
    Rates { gb_second: per_million / 1e6, request: compute.requests / 1e6, gigabyte_out: traffic_of(region) }
}

fn compute_of(region: &str) -> Compute {
    match region {
        "af-south-1" => compute(22.1, 17.68, 0.27),
        "ap-east-1" => DEAREST,
        "eu-central-2" => compute(18.3334, 14.6667, 0.22),
        "eu-south-1" => compute(19.5172, 15.6138, 0.23),
        "il-central-1" => compute(17.5, 14.0, 0.21),
        "me-central-1" | "me-south-1" => compute(20.6667, 16.5334, 0.25),
        _ if is_listed(region) => USUAL,
        _ => DEAREST,
    }
}

/// The regions at the usual price.
fn is_listed(region: &str) -> bool {
    const LISTED: [&str; 22] = [
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-northeast-3",
        "ap-south-1",
        "ap-south-2",
        "ap-southeast-1",
        "ap-southeast-2",
        "ap-southeast-3",
        "ap-southeast-4",
        "ca-central-1",
        "ca-west-1",
        "eu-central-1",
        "eu-north-1",
        "eu-south-2",
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
        "sa-east-1",
        "us-east-1",
        "us-east-2",
        "us-west-1",
        "us-west-2",
    ];
    LISTED.contains(&region)
}

/// A GB from a region to the internet.
fn traffic_of(region: &str) -> f64 {
    match region {
        "ap-northeast-1" | "ap-northeast-3" | "ap-southeast-2" | "ap-southeast-4" => 0.114,
        "ap-northeast-2" => 0.126,
        "ap-south-1" | "ap-south-2" => 0.1093,
        "ap-east-1" | "ap-southeast-1" => 0.12,
        "ap-southeast-3" => 0.132,
        "il-central-1" | "me-central-1" => 0.11,
        "me-south-1" => 0.117,
        "sa-east-1" => 0.15,
        _ if ["us-", "ca-", "eu-"].iter().any(|area| region.starts_with(area)) => 0.09,
        _ => DEAREST_TRAFFIC,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_regions_have_the_published_price() {
        let rates = rates("us-east-1", Processor::X86_64);
        assert!((rates.gb_second - 0.000_016_666_7).abs() < 1e-12);
        assert!((rates.request - 0.000_000_2).abs() < 1e-15);
        assert!((rates.gigabyte_out - 0.09).abs() < 1e-9);
    }

    #[test]
    fn no_price_is_above_that_of_an_unknown_region() {
        for processor in [Processor::Arm64, Processor::X86_64] {
            let unknown = rates("xx-moon-1", processor);
            for region in ["us-east-1", "af-south-1", "ap-east-1", "eu-south-1", "me-south-1", "sa-east-1", "ap-southeast-3"] {
                let known = rates(region, processor);
                assert!(known.gb_second <= unknown.gb_second && known.request <= unknown.request, "{region}");
                assert!(known.gigabyte_out <= unknown.gigabyte_out, "{region}");
            }
        }
    }

    #[test]
    fn arm_is_cheaper_everywhere() {
        for region in ["us-east-1", "af-south-1", "ap-east-1", "eu-central-2", "eu-south-1", "il-central-1", "me-south-1"] {
            let ratio = rates(region, Processor::Arm64).gb_second / rates(region, Processor::X86_64).gb_second;
            assert!((0.79..0.81).contains(&ratio), "{region}: {ratio}");
        }
    }
}
