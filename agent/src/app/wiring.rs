//! From the configuration to what each room takes.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};
use tokio_util::task::TaskTracker;
use tunnel::instance::InstanceNonce;
use tunnel::invitation::RelayEndpoint;
use tunnel::leg::dial::AgentRelay;
use tunnel::leg::tls::trusting;

use super::trust::roots;
use crate::cloud::Cloud;
use crate::config::{self, Architecture, Config, HttpUrl, Mode, RelayConfig, project_dirs};
use crate::exits::actor::Outfit;
use crate::exits::address::CheckUrl;
use crate::exits::{self, Pool};
use crate::health::Health;
use crate::money::{Book, Processor, Terms};
use crate::network::Network;
use crate::proxy::auth::{Auth, Credentials};
use crate::scheduler::plan::{Frequency, Fresh, Renew, Settings};
use crate::scheduler::supervisor::Setup;

/// The file of what functions cost, in the state directory.
const LEDGER: &str = "usage.jsonl";

/// A cloud, and how its exits and the agent meet.
pub(super) struct CloudSetup<C> {
    pub(super) cloud: Arc<C>,
    pub(super) regions: Vec<String>,
    pub(super) relays: Vec<AgentRelay>,
    /// What exits may connect to.
    pub(super) egress: tunnel::invitation::Egress,
}

pub(super) fn pool(config: &Config) -> exits::Config {
    exits::Config { policy: config.routing.policy, wait: config.proxy.wait }
}

pub(super) fn auth(config: &Config) -> Auth {
    let credentials = config.proxy.credentials.as_ref();
    let credentials = credentials.map(|it| Credentials { username: it.username.clone(), password: it.password.clone() });
    Auth::new(credentials.as_ref())
}

pub(super) fn supervisor<C: Cloud>(
    config: &Config,
    setup: CloudSetup<C>,
    pool: Pool,
    health: Health,
    book: Book,
) -> anyhow::Result<Setup<C>> {
    let grace = config.exits.grace;
    let CloudSetup { cloud, regions, relays, egress } = setup;
    let (agent, calls, network) = (InstanceNonce::mint(), TaskTracker::new(), Network::watch());
    let outfit = Arc::new(Outfit { cloud, relays, agent, egress, grace, book, calls, network });
    let check_url = config.exits.check_url.as_ref().map(check_url).transpose()?;
    Ok(Setup { outfit, regions, settings: settings(config), idle: config.exits.idle, check_url, pool, health })
}

/// What an invocation in AWS is charged by.
fn terms(config: &Config) -> Terms {
    Terms {
        processor: processor(config.aws.architecture),
        memory_mb: config.aws.memory_mb,
        timeout: config.aws.timeout,
        grace: config.exits.grace,
        limit_usd: config.budget.monthly_usd,
    }
}

/// The configuration's processor as prices know it.
fn processor(architecture: Architecture) -> Processor {
    match architecture {
        Architecture::Arm64 => Processor::Arm64,
        Architecture::X86_64 => Processor::X86_64,
    }
}

/// Opens the ledger of what is charged. On this machine nothing is.
pub(super) fn book(config: &Config, health: &Health) -> anyhow::Result<Book> {
    match config.mode {
        Mode::Local => Ok(Book::free()),
        Mode::Cloud => Book::open(state_file(LEDGER)?, terms(config), health.clone())
            .context("cannot keep the ledger of what functions cost"),
    }
}

/// A file in the state directory, which is made if it is not there.
pub(super) fn state_file(name: &str) -> anyhow::Result<PathBuf> {
    let dirs = project_dirs().context("no home directory, so no place for state")?;
    let directory = dirs.state_dir().unwrap_or_else(|| dirs.data_local_dir());
    std::fs::create_dir_all(directory).with_context(|| format!("cannot create {}", directory.display()))?;
    Ok(directory.join(name))
}

fn settings(config: &Config) -> Settings {
    let frequency = match config.frequency.duration() {
        Some(every) => Frequency::Every(every),
        None => Frequency::Never,
    };
    let fresh = match config.exits.fresh {
        config::Fresh::Auto => Fresh::Auto,
        config::Fresh::Always => Fresh::Always,
        config::Fresh::Never => Fresh::Never,
    };
    let renew = match config.exits.renew {
        config::Renew::Auto => Renew::Auto,
        config::Renew::Never => Renew::Never,
    };
    Settings {
        frequency,
        timeout: config.aws.timeout,
        max_per_region: config.exits.max_per_region as usize,
        drain: config.exits.drain,
        renew,
        fresh,
        grace: config.exits.grace,
    }
}

fn check_url(url: &HttpUrl) -> anyhow::Result<CheckUrl> {
    let tls = if url.tls { Some(trusting(roots(None)?)?) } else { None };
    Ok(CheckUrl { destination: url.authority.clone(), path: url.path.clone(), tls })
}

/// A relay of the configuration, as the agent dials it.
pub(super) fn relay(relay: &RelayConfig) -> anyhow::Result<AgentRelay> {
    if relay.proxy.is_some() {
        bail!("relay.proxy: this version cannot dial a relay through a proxy; remove the key to dial it directly");
    }
    let endpoint = RelayEndpoint { url: relay.url.clone(), pin: relay.pin };
    Ok(AgentRelay { endpoint, token: relay.token.clone(), trust: trusting(roots(relay.ca_file.as_deref())?)? })
}
