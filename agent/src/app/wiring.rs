//! From the configuration to what each room takes.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use futures_util::future::BoxFuture;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use tunnel::instance::InstanceNonce;
use tunnel::invitation::{RelayEndpoint, check_authorities};
use tunnel::leg::authorities::Authorities;
use tunnel::leg::dial::AgentRelay;
use tunnel::leg::known::Known;
use tunnel::leg::tls::trusting;

use super::trust::{authorities, roots};
use crate::cloud::Cloud;
use crate::config::{self, Architecture, Config, HttpUrl, Mode, RelayConfig, state_dir};
use crate::corporate::{BadProxy, CorporateProxy, Proxies};
use crate::exits::actor::Outfit;
use crate::exits::address::CheckUrl;
use crate::exits::{self, Pool};
use crate::health::Health;
use crate::money::{Book, Processor, Terms};
use crate::network::Network;
use crate::proxy::auth::{Auth, Credentials};
use crate::relays::Relays;
use crate::routing::Loops;
use crate::scheduler::plan::{Frequency, Fresh, Renew, Settings};
use crate::scheduler::supervisor::Setup;
use crate::system::make_private_directory;

/// The file of what functions cost, in the state directory.
const LEDGER: &str = "usage.jsonl";

/// A cloud, and how its exits and the agent meet.
pub(super) struct CloudSetup<C> {
    pub(super) cloud: Arc<C>,
    pub(super) regions: Vec<String>,
    pub(super) relays: Vec<AgentRelay>,
    /// What exits may connect to.
    pub(super) egress: tunnel::invitation::Egress,
    /// Whose bill it is.
    pub(super) account: Payer,
}

/// Whose bill it is: an account's number.
pub(super) enum Payer {
    /// Nothing costs anything.
    Nobody,
    /// It is known.
    Known(String),
    /// AWS could not be asked yet; this goes on asking.
    Asked(BoxFuture<'static, String>),
}

impl Payer {
    /// Tells the book, now or as soon as it is known. The handle ends the asking.
    pub(super) fn tell(self, book: &Book) -> Option<AbortOnDropHandle<()>> {
        match self {
            Self::Nobody => None,
            Self::Known(account) => {
                book.set_account(&account);
                None
            }
            Self::Asked(answer) => {
                let book = book.clone();
                Some(AbortOnDropHandle::new(tokio::spawn(async move { book.set_account(&answer.await) })))
            }
        }
    }
}

/// What an agent watches beside its exits.
pub(super) struct Surroundings {
    pub(super) relays: Relays,
    pub(super) network: Network,
    pub(super) health: Health,
    pub(super) book: Book,
}

pub(super) fn pool(config: &Config, regions: &[String]) -> exits::Config {
    exits::Config { regions: regions.to_vec(), policy: config.routing.policy, wait: config.proxy.wait }
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
    surroundings: Surroundings,
) -> anyhow::Result<Setup<C>> {
    let grace = config.exits.grace;
    let CloudSetup { cloud, regions, egress, .. } = setup;
    let Surroundings { relays, network, health, book } = surroundings;
    let (agent, calls) = (InstanceNonce::mint(), TaskTracker::new());
    let outfit = Arc::new(Outfit { cloud, relays, agent, egress, grace, book, calls, network });
    let check_url = config.exits.check_url.as_ref().map(check_url).transpose()?;
    Ok(Setup { outfit, regions, settings: settings(config), idle: config.exits.idle, check_url, pool, health })
}

/// What one exit beside a running agent needs, and whom it may ask for its address.
pub(crate) async fn single_exit<C: Cloud>(config: &Config, cloud: Arc<C>) -> anyhow::Result<(Arc<Outfit<C>>, Option<CheckUrl>)> {
    let (relays, book) = (Relays::new(relays(config, &[])?), book(config, &Health::default()).await?);
    let (agent, calls, network) = (InstanceNonce::mint(), TaskTracker::new(), Network::watch());
    let (egress, grace) = (config.egress.clone(), config.exits.grace);
    let check_url = config.exits.check_url.as_ref().map(check_url).transpose()?;
    Ok((Arc::new(Outfit { cloud, relays, agent, egress, grace, book, calls, network }), check_url))
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
pub(super) fn processor(architecture: Architecture) -> Processor {
    match architecture {
        Architecture::Arm64 => Processor::Arm64,
        Architecture::X86_64 => Processor::X86_64,
    }
}

/// Opens the ledger of what is charged. On this machine nothing is. Another agent may hold its lock.
pub(super) async fn book(config: &Config, health: &Health) -> anyhow::Result<Book> {
    match config.mode {
        Mode::Local => Ok(Book::free()),
        Mode::Cloud => {
            let (path, terms, health) = (state_file(LEDGER)?, terms(config), health.clone());
            let opened = tokio::task::spawn_blocking(move || Book::open(path, terms, health)).await?;
            opened.context("cannot keep the ledger of what functions cost")
        }
    }
}

/// Whether functions were never invoked from here.
pub(super) fn is_first_run() -> anyhow::Result<bool> {
    Ok(!state_file(LEDGER)?.exists())
}

/// A file in the state directory, which is made if it is not there.
pub(super) fn state_file(name: &str) -> anyhow::Result<PathBuf> {
    let directory = state_dir().context("no home directory, so no place for state")?;
    make_private_directory(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
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
    let tls = if url.tls { Some(trusting(roots(Vec::new())?)?) } else { None };
    Ok(CheckUrl { destination: url.authority.clone(), path: url.path.clone(), tls })
}

/// The relays of the configuration, as the agent dials them. `own` are the proxy's listeners: no way to a relay may lead
/// through them.
pub(crate) fn relays(config: &Config, own: &[SocketAddr]) -> anyhow::Result<Vec<AgentRelay>> {
    let (proxies, own) = (Proxies::from_environment(std::env::vars_os()), Loops::new(own.to_vec()));
    let relays: Vec<AgentRelay> = config.relays.iter().map(|it| relay(it, &proxies, &own)).collect::<anyhow::Result<_>>()?;
    let endpoints: Vec<RelayEndpoint> = relays.iter().map(|relay| relay.endpoint.clone()).collect();
    check_authorities(&endpoints).context("relay.ca_file: keep only the authority that signed the relay's certificate there")?;
    Ok(relays)
}

fn relay(relay: &RelayConfig, proxies: &Proxies, own: &Loops) -> anyhow::Result<AgentRelay> {
    let authorities = relay.ca_file.as_deref().map(authorities).transpose()?.unwrap_or_default();
    // A pin needs no authority.
    let for_functions = if relay.pin.is_some() { Vec::new() } else { authorities.clone() };
    let authorities_for_functions = Authorities::new(for_functions)
        .context("relay.ca_file: keep only the authority that signed the relay's certificate there")?;
    let endpoint = RelayEndpoint { url: relay.url.clone(), pin: relay.pin, authorities: authorities_for_functions };
    let proxy = proxy(relay, proxies, own)?.as_ref().map(CorporateProxy::dialled);
    let (token, trust) = (relay.token.clone(), trusting(roots(authorities)?)?);
    Ok(AgentRelay { endpoint, token, trust, proxy, known: Known::default() })
}

/// The proxy by which a relay is dialled: its own key, else what the environment says of a way by TLS.
fn proxy(relay: &RelayConfig, proxies: &Proxies, own: &Loops) -> Result<Option<CorporateProxy>, BadProxy> {
    let proxy = match &relay.proxy {
        Some(url) => Some(CorporateProxy::configured(url.clone(), "relay.proxy")),
        None if relay.url.tls => proxies.choose(&relay.url.authority)?.cloned(),
        None => None,
    };
    proxy.iter().try_for_each(|proxy| proxy.refuse_loop(own))?;
    Ok(proxy)
}
