//! What the functions cost: every invocation counted, kept over restarts and crashes, priced, and held against a budget.
//!
//! ```text
//!   exits ──begin, end──▶ book ─▶ keeper ──lines──▶ store (a file that several agents share)
//!                           │               └▶ ledger (pure): lines ─▶ usage of a month
//!                           └─▶ month ◀── tariff (prices, free tier), budget (limit)
//!   config ─▶ estimate: what a month would cost
//! ```
//! A month is a calendar month in UTC, of one AWS account, as used by the agents of one user on one machine. What else
//! the account does in Lambda is not seen.
//!
//! Never: nothing is counted too low. Where the end of an invocation is not known, it counts for as long as it can have
//! lasted.

mod book;
mod budget;
mod calendar;
mod carried;
mod entry;
mod estimate;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod keeper;
mod ledger;
mod report;
mod store;
mod tariff;
mod terms;
mod usage;

pub use book::{Book, Running};
pub use calendar::Month;
pub use estimate::{Estimate, Plan, estimate};
pub use ledger::Ledger;
pub use tariff::{FREE_TIER, FreeTier, TARIFF_DATE};
pub use terms::Terms;
pub use usage::{Amount, Bill, Processor, Usage};
