//! What a configuration would cost in a month.

use super::wiring::processor;
use crate::config::{Config, resolve};
use crate::money::{self, Estimate, Plan};

/// Prices a configuration, for the words before a deployment, a first run, and in `init`.
pub fn estimate(config: &Config) -> Estimate {
    money::estimate(Plan {
        regions: resolve(&config.regions),
        processor: processor(config.aws.architecture),
        memory_mb: config.aws.memory_mb,
        timeout: config.aws.timeout,
        frequency: config.frequency.duration(),
        idle: config.exits.idle,
        max_per_region: config.exits.max_per_region,
    })
}
