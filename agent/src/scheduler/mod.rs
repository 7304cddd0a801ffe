//! Decides when a region gets a new exit and when an old one ends.
//!
//! ```text
//!   idle      users' streams        ──▶ lapse everything, wake everything
//!   plan      one region's exits    ──▶ what to do now, and when to look again
//!   backoff   failures              ──▶ when to try again
//! ```
//!
//! Never: nothing in here owns a clock, a socket or a task. Every function takes `now` and returns a decision.

pub mod backoff;
pub mod idle;
pub mod plan;
pub mod supervisor;
pub mod time;
