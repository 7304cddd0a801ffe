//! Wires the rooms into a running agent, and ends it in order.
//!
//! ```text
//!   bind ports ─▶ cloud and relays ─▶ scheduler ─▶ serve ─▶ signal ─▶ no new work ─▶ drain ─▶ exits end ─▶ gone
//! ```

mod aws;
mod config_file;
mod ending;
mod estimate;
mod face;
mod local;
pub mod local_relay;
pub(crate) mod port_owner;
mod routing;
mod status;
mod trust;
mod wiring;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio_util::task::AbortOnDropHandle;

use self::config_file::ConfigFile;
pub use self::estimate::estimate;
use self::face::Face;
use self::local::LocalMachine;
use self::status::Fixed;
pub(crate) use self::trust::own as own_trust;
pub(crate) use self::wiring::{relays, single_exit};
use crate::cloud::Cloud;
use crate::config::{Config, Mode, Seen};
use crate::control_socket::ControlSocket;
use crate::exits::Pool;
use crate::exits::actor::LAST_WORDS;
use crate::health::Health;
use crate::listener::{Listener, Shutdown, reachable};
use crate::money::Book;
use crate::network::Network;
use crate::proxy::Proxy;
use crate::relays::{Relays, keeper};
use crate::scheduler::supervisor::{Supervisor, SupervisorHandle};
use crate::system::Signals;

/// How long exits may take to end once streams are cut. With what ends after them everything is gone within 2 s: users
/// wait for a prompt.
const END_TIMEOUT: Duration = Duration::from_millis(1400);
// A function that does not answer must still learn from the relay that it is not wanted.
const _: () = assert!(LAST_WORDS.as_millis() < END_TIMEOUT.as_millis());

/// How to run, beyond the configuration.
pub struct RunOptions {
    /// How long streams may finish after the first signal; `None` ends them.
    pub drain: Option<Duration>,
    /// Where the agent is asked; while it is open, no other runs on this configuration.
    pub socket: ControlSocket,
    /// The configuration file as it was read.
    pub file: Seen,
    /// Says a line to the person who started the agent.
    pub say: fn(&str),
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunEnd {
    /// It was asked to end, and everything did.
    Asked,
    /// A second signal did not want to wait.
    Interrupted,
}

/// Runs until a signal, or until it is asked to stop.
pub async fn run(config: Config, options: RunOptions) -> anyhow::Result<RunEnd> {
    let mut signals = Signals::new()?;
    let listener = bind(&config).await?;
    let addresses = listener.addresses()?;
    match config.mode {
        Mode::Local => {
            let machine = tokio::select! {
                machine = LocalMachine::start(&config, &addresses) => machine?,
                () = signals.next() => return Ok(RunEnd::Asked),
            };
            let started = tokio::select! {
                agent = Running::start(&config, &options, listener, addresses, machine.setup()) => Some(agent?),
                () = signals.next() => None,
            };
            let end = match started {
                Some(agent) => {
                    (options.say)("local mode: sites see this machine's own address");
                    agent.serve(&options, signals).await
                }
                None => RunEnd::Asked,
            };
            machine.stop().await;
            Ok(end)
        }
        Mode::Cloud => {
            let setup = tokio::select! {
                setup = aws::setup(&config, &addresses, options.say) => setup?,
                () = signals.next() => return Ok(RunEnd::Asked),
            };
            let agent = tokio::select! {
                agent = Running::start(&config, &options, listener, addresses, setup) => agent?,
                () = signals.next() => return Ok(RunEnd::Asked),
            };
            Ok(agent.serve(&options, signals).await)
        }
    }
}

async fn bind(config: &Config) -> anyhow::Result<Listener> {
    match Listener::bind(&config.proxy.listen).await {
        Ok(listener) => Ok(listener),
        Err(error) => {
            let owner = port_owner::find(error.address).map(|owner| format!(" (held by {owner})")).unwrap_or_default();
            let text = format!("{error}{owner}; choose another address with --listen or proxy.listen");
            Err(error).context(text)
        }
    }
}

/// A started agent.
struct Running {
    shutdown: Shutdown,
    supervisor: SupervisorHandle,
    supervising: AbortOnDropHandle<()>,
    serving: AbortOnDropHandle<()>,
    _keeping: AbortOnDropHandle<()>,
    _watching: AbortOnDropHandle<()>,
    _offering: Option<AbortOnDropHandle<()>>,
    _asking: Option<AbortOnDropHandle<()>>,
    face: Arc<Face>,
    book: Book,
}

impl Running {
    async fn start<C: Cloud>(
        config: &Config,
        options: &RunOptions,
        listener: Listener,
        addresses: Vec<SocketAddr>,
        mut setup: wiring::CloudSetup<C>,
    ) -> anyhow::Result<Self> {
        let (pool, health, network) = (Pool::new(wiring::pool(config, &setup.regions)), Health::default(), Network::watch());
        let book = wiring::book(config, &health).await?;
        let asking = std::mem::replace(&mut setup.account, wiring::Payer::Nobody).tell(&book);
        let relays = Relays::new(setup.relays.clone());
        let keeping = keeper::begin(relays.clone(), &network, health.clone());
        relays.measured().await;
        let surroundings = wiring::Surroundings { relays: relays.clone(), network, health: health.clone(), book: book.clone() };
        let (supervisor, handle) = Supervisor::new(wiring::supervisor(config, setup, pool.clone(), surroundings)?);
        let offering = crate::update::server(&config.update)
            .ok()
            .flatten()
            .map(|server| AbortOnDropHandle::new(tokio::spawn(crate::update::offer(server, health.clone()))));
        let router = routing::router(config, &addresses);
        let proxy = Arc::new(Proxy::new(wiring::auth(config), router, pool));
        (options.say)(&greeting(&addresses, config.proxy.credentials.is_some()));
        let shutdown = Shutdown::default();
        let file = ConfigFile::new(options.file.clone(), health.clone());
        let watching = file.watch();
        let fixed = Fixed { listen: addresses, relays, limit_usd: config.budget.monthly_usd };
        let face = Face::new(fixed, proxy.counters.clone(), handle.clone(), file, health, book.clone());
        Ok(Self {
            _keeping: keeping,
            _watching: watching,
            serving: AbortOnDropHandle::new(tokio::spawn(listener.run(proxy, shutdown.clone()))),
            supervising: AbortOnDropHandle::new(tokio::spawn(supervisor.run())),
            supervisor: handle,
            shutdown,
            _offering: offering,
            _asking: asking,
            face: Arc::new(face),
            book,
        })
    }

    /// Serves until somebody ends it, then ends in order.
    async fn serve(mut self, options: &RunOptions, mut signals: Signals) -> RunEnd {
        let asking = options.socket.serve(self.face.clone());
        tokio::pin!(asking);
        tokio::select! {
            () = &mut asking => {}
            () = signals.next() => {}
            () = self.face.stopped() => {}
        }
        self.face.begin_to_end(options.drain);
        self.shutdown.stop.cancel();
        let ending = async {
            self.drain(options).await;
            self.end().await;
        };
        let end = tokio::select! {
            () = ending => RunEnd::Asked,
            () = &mut asking => RunEnd::Interrupted,
            () = signals.again() => RunEnd::Interrupted,
        };
        self.book.close().await;
        end
    }

    /// Lets streams finish for as long as was asked for, or until somebody asks again.
    async fn drain(&mut self, options: &RunOptions) {
        let Some(limit) = options.drain else { return };
        self.supervisor.wind_down().await;
        (options.say)("no new connections are taken; running ones may finish (a second signal ends them)");
        tokio::select! {
            _finished = &mut self.serving => {}
            () = tokio::time::sleep(limit) => tracing::warn!("the time to drain is over; what still runs is cut"),
            () = self.face.stopped() => tracing::info!("asked to end without waiting; what still runs is cut"),
        }
    }

    /// Cuts what runs, tells every function to end, and waits within bounds.
    async fn end(&mut self) {
        self.shutdown.cut.cancel();
        let ended = async {
            self.supervisor.stop().await;
            let _supervised = (&mut self.supervising).await;
        };
        if tokio::time::timeout(END_TIMEOUT, ended).await.is_err() {
            tracing::warn!("some functions did not confirm their end; they end by themselves within exits.grace");
        }
    }
}

/// What listens where, and one line to try.
fn greeting(addresses: &[SocketAddr], asks_for_a_user: bool) -> String {
    let shown: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let first = addresses.first().map(|address| reachable(*address).to_string()).unwrap_or_default();
    let user = if asks_for_a_user { "--proxy-user NAME:PASSWORD " } else { "" };
    format!("HTTP and SOCKS5 proxy on {}\ntry:  curl {user}-x http://{first} https://checkip.amazonaws.com", shown.join(" and "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_to_try_works_where_every_address_is_listened_on() {
        let addresses = ["0.0.0.0:28090", "[::]:28090"].map(|address| address.parse().expect("address"));
        let greeting = |addresses: &[SocketAddr]| greeting(addresses, true);
        let expected = "HTTP and SOCKS5 proxy on 0.0.0.0:28090 and [::]:28090\n\
                        try:  curl --proxy-user NAME:PASSWORD -x http://127.0.0.1:28090 https://checkip.amazonaws.com";
        assert_eq!(greeting(&addresses), expected);
        assert!(greeting(&addresses[1..]).contains(" -x http://[::1]:28090 "));
    }
}
