//! Opens the relay's ports, its own and the second one for metrics: anew, from systemd, or from the relay whose place it takes.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use super::exit::CliError;
use crate::config::{MetricsPort, Settings};
use crate::system::{self, Inheritance};

/// Where a relay offers its ports to the one that takes its place, in the state directory.
const SUCCESSION: &str = "succession.sock";

/// What the relay listens on.
pub(super) struct Ports {
    pub(super) relay: TcpListener,
    pub(super) metrics: Option<Arc<TcpListener>>,
    pub(super) succession: Succession,
}

/// From which relay the ports come, and to which they go.
pub(super) struct Succession {
    /// Whether somebody holds the relay's port open for the next relay.
    pub(super) outlives: Arc<AtomicBool>,
    /// What another relay has given, until this one ends.
    _inheritance: Inheritance,
    /// Offers them to the next relay, and has copies of them for it.
    offer: Option<AbortOnDropHandle<()>>,
}

impl Succession {
    /// Offers them to nobody any more, so that they are closed when the relay lets go of them.
    pub(super) fn withdraw(&mut self) {
        self.offer = None;
    }
}

/// Opens the ports, within a runtime.
pub(super) fn open(settings: &Settings, take_over: bool) -> Result<Ports, CliError> {
    let path = settings.state_dir.join(SUCCESSION);
    let mut inheritance = match take_over {
        true => Inheritance::ask(&path).map_err(CliError::system("what the running relay hands over"))?,
        false => Inheritance::default(),
    };
    let handed = system::handed_over().map_err(CliError::system("the socket that systemd hands over"))?;
    let held = handed.is_some();
    let relay = match handed {
        Some(listener) => {
            let address = listener.local_addr().map_err(CliError::system("the socket that systemd hands over"))?;
            agree(settings.listen, address)?;
            listener
        }
        None => listen(&mut inheritance, settings.listen).map_err(|source| refused("listen on", settings.listen, &source))?,
    };
    let metrics = open_metrics(&mut inheritance, settings.metrics)?;
    for address in inheritance.decline() {
        tracing::warn!(
            %address,
            "this port of the running relay is not taken over, since the configuration names it no more; it closes with that relay"
        );
    }
    let outlives = Arc::new(AtomicBool::new(held));
    let offer = if held { None } else { Some(offer(path, [Some(&relay), metrics.as_ref()], &outlives)?) };
    let of_runtime = |listener| TcpListener::from_std(listener).map_err(CliError::system("listening socket"));
    let metrics = metrics.map(of_runtime).transpose()?.map(Arc::new);
    Ok(Ports { relay: of_runtime(relay)?, metrics, succession: Succession { outlives, _inheritance: inheritance, offer } })
}

/// The port that was inherited, else a new one.
fn listen(inheritance: &mut Inheritance, address: SocketAddr) -> io::Result<StdListener> {
    inheritance.port(address).map_or_else(|| system::listen(address), Ok)
}

/// Opens the second port; `None` if there is to be none.
fn open_metrics(inheritance: &mut Inheritance, port: MetricsPort) -> Result<Option<StdListener>, CliError> {
    match port {
        MetricsPort::Off => Ok(None),
        MetricsPort::At(address) => {
            listen(inheritance, address).map(Some).map_err(|source| refused("metrics: listen on", address, &source))
        }
        MetricsPort::Usual(address) => match listen(inheritance, address) {
            Ok(port) => Ok(Some(port)),
            Err(error) => {
                tracing::warn!(%address, %error, "no metrics: their usual port is taken; `[metrics] listen` chooses another");
                Ok(None)
            }
        },
    }
}

/// Lets another relay take these ports.
fn offer(at: PathBuf, ports: [Option<&StdListener>; 2], outlives: &Arc<AtomicBool>) -> Result<AbortOnDropHandle<()>, CliError> {
    let copies: io::Result<Vec<_>> = ports.into_iter().flatten().map(StdListener::try_clone).collect();
    let copies = copies.map_err(CliError::system("listening socket"))?;
    Ok(AbortOnDropHandle::new(tokio::spawn(system::offer(at, copies, Arc::clone(outlives)))))
}

/// The socket's address is the configured one, or a configured port on every address.
fn agree(configured: SocketAddr, handed: SocketAddr) -> Result<(), CliError> {
    let is_same_address = configured.ip().is_unspecified() || configured.ip() == handed.ip().to_canonical();
    if configured.port() == handed.port() && is_same_address {
        return Ok(());
    }
    Err(CliError::Port(format!(
        "systemd hands over {handed}, and the configuration says listen = \"{configured}\": change one of them \
         (`systemctl edit awslambdaproxy-relay.socket`), or disable the socket unit (`systemctl disable --now \
         awslambdaproxy-relay.socket`) and let the relay listen by itself"
    )))
}

fn refused(what: &str, address: SocketAddr, source: &io::Error) -> CliError {
    let hint = match source.kind() {
        io::ErrorKind::AddrInUse => {
            "; another program has this port (if that is a relay with this configuration, `run --take-over` takes its place without a gap)"
        }
        io::ErrorKind::PermissionDenied => "; ports below 1024 are for root: let systemd open it (awslambdaproxy-relay.socket)",
        io::ErrorKind::AddrNotAvailable => "; this machine has no such address",
        _ => "",
    };
    CliError::System { what: format!("{what} {address}"), source: io::Error::new(source.kind(), format!("{source}{hint}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_that_is_handed_over_is_the_one_that_was_configured() {
        for (configured, handed, agrees) in [
            ("0.0.0.0:443", "[::]:443", true),
            ("0.0.0.0:443", "192.0.2.1:443", true),
            ("[::]:443", "0.0.0.0:443", true),
            ("192.0.2.1:443", "192.0.2.1:443", true),
            ("127.0.0.1:8000", "[::]:443", false),
            ("127.0.0.1:443", "[::]:443", false),
            ("0.0.0.0:8443", "[::]:443", false),
        ] {
            let address = |text: &str| text.parse().expect("address");
            assert_eq!(agree(address(configured), address(handed)).is_ok(), agrees, "{configured} {handed}");
        }
    }
}
