//! What stands in the account: makes it as the configuration says, and removes it again.
//!
//! ```text
//!   wish (config, zip, owner) ─┐
//!   cloud::aws: what is seen ──┴▶ plan (pure) ─▶ deploy ─▶ reconcile: look, plan, take a step, look again ─▶ report ─▶ table
//!   state (where we have been) ─▶ targets (pure) ─▶ destroy: look, there and where roles' tags say, remove ─▶ report ─▶ table
//!   owner, tags: whose it is        things: role, function, log group        trouble: why not, and the mend
//! ```
//!
//! Never: what carries another owner's tag, or none, is changed without being asked to adopt it.

mod destroy;
mod make;
mod owner;
mod plan;
mod reconcile;
mod report;
mod state;
mod table;
mod tags;
mod targets;
mod things;
mod trouble;
mod wish;

pub use destroy::{Destroyer, Found};
pub use make::{Deployer, Plan};
pub use owner::{Claim, NotOurs, OwnerId};
pub use plan::Action;
pub use report::{ACCOUNT, Change, Fault, Line, Note, Verdict, Watcher, verdict};
pub use state::{Deployment, Known, State, StateError};
pub use table::{Tense, table};
pub(crate) use tags::Tags;
pub use tags::{OWNER, VERSION};
pub use targets::Targets;
pub use trouble::Trouble;
pub use wish::log_group_name;
