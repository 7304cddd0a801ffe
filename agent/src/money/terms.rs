//! What invocations are charged by.

use std::time::Duration;

use super::usage::Processor;

/// What an invocation is charged by, and how long it can live.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// The functions' processor.
    pub processor: Processor,
    /// Their memory.
    pub memory_mb: u32,
    /// Their time limit.
    pub timeout: Duration,
    /// How long one lives on without its agent.
    pub grace: Duration,
    /// What a month may cost, USD.
    pub limit_usd: Option<f64>,
}
