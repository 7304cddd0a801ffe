//! The configuration: read from four layers, checked once, then plain values.
//!
//! ```text
//!   layers/{file, environment, flags} ─▶ node (raw tree) ─▶ section (typed reading) ─▶ Config
//!                                                              └▶ ledger: every mistake, every setting's source
//! ```
//!
//! Each room gets its own part of [`Config`] from the program's wiring.
//! Never: no room imports the loader, and nothing here touches the network.

mod aws;
pub mod duration;
mod exits;
mod layers;
mod ledger;
mod load;
mod mistake;
mod node;
mod origin;
mod private_file;
mod proxy;
mod regions;
mod relay;
mod routing;
mod section;
mod seen;
mod small;
mod suggestion;
#[cfg(test)]
mod tests;
mod url;
mod value;

use std::path::PathBuf;

use directories::ProjectDirs;

pub use aws::{Architecture, AwsConfig, AwsCredentials};
pub use duration::Frequency;
pub use exits::{ExitsConfig, Fresh, Renew};
pub use layers::flags::Flags;
pub use ledger::Setting;
#[cfg(feature = "fuzzing")]
pub use load::load_text;
pub use load::{Loaded, Sources, load};
pub use mistake::{Mistake, Mistakes};
pub use origin::Origin;
pub use proxy::{Credentials, ProxyConfig};
pub use regions::{NotARegion, RegionPattern, doubts, is_region_name, resolve};
pub use relay::RelayConfig;
pub use routing::RoutingConfig;
pub use seen::Seen;
pub use small::{BudgetConfig, LocalConfig, UpdateConfig};
pub use tunnel::invitation::Egress;
pub use url::{BadUrl, HttpUrl, UserInfo};

/// The file's name in the program's configuration directory.
const FILE_NAME: &str = "config.toml";

/// What regions are in this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Regions of AWS.
    Cloud,
    /// Free labels of the local Lambda.
    Local,
}

/// The whole configuration, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// What regions are.
    pub mode: Mode,
    /// Where exits run; never empty.
    pub regions: Vec<RegionPattern>,
    /// How often each region gets a new exit.
    pub frequency: Frequency,
    /// The local proxy.
    pub proxy: ProxyConfig,
    /// The relays, in order; may be empty.
    pub relays: Vec<RelayConfig>,
    /// What is asked of AWS.
    pub aws: AwsConfig,
    /// How exits live and end.
    pub exits: ExitsConfig,
    /// Which exit carries what.
    pub routing: RoutingConfig,
    /// What exits may connect to.
    pub egress: Egress,
    /// What may be spent.
    pub budget: BudgetConfig,
    /// The local Lambda.
    pub local: LocalConfig,
    /// Where updates come from.
    pub update: UpdateConfig,
}

/// The program's directories; `None` where the system has no home directory.
pub fn project_dirs() -> Option<ProjectDirs> {
    ProjectDirs::from("", "", "awslambdaproxy")
}

/// The directory of what outlives a run; it need not exist.
pub fn state_dir() -> Option<PathBuf> {
    project_dirs().map(|dirs| dirs.state_dir().unwrap_or_else(|| dirs.data_local_dir()).to_owned())
}

/// The file that is read when none is named.
pub fn default_path() -> Option<PathBuf> {
    project_dirs().map(|dirs| dirs.config_dir().join(FILE_NAME))
}
