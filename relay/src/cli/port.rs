//! Opens the relay's ports: its own, or the socket that systemd hands over, and the second one for metrics.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;

use super::exit::CliError;
use crate::config::{MetricsPort, Settings};
use crate::system;

/// The relay's port.
pub(super) struct Port {
    pub(super) listener: TcpListener,
    /// Whether somebody holds it open for the next relay.
    pub(super) outlives: bool,
}

/// Opens the port, within a runtime.
pub(super) fn open(settings: &Settings, take_over: bool) -> Result<Port, CliError> {
    let handed = system::handed_over().map_err(CliError::system("the socket that systemd hands over"))?;
    let outlives = handed.is_some();
    let listener = match handed {
        Some(listener) => {
            let address = listener.local_addr().map_err(CliError::system("the socket that systemd hands over"))?;
            agree(settings.listen, address)?;
            listener
        }
        None => system::listen(settings.listen, take_over).map_err(|source| refused("listen on", settings.listen, &source))?,
    };
    let listener = TcpListener::from_std(listener).map_err(CliError::system("listening socket"))?;
    Ok(Port { listener, outlives })
}

/// Opens the second port; `None` if there is to be none.
pub(super) fn open_metrics(port: MetricsPort, take_over: bool) -> Result<Option<Arc<TcpListener>>, CliError> {
    let open = |address| system::listen(address, take_over).and_then(TcpListener::from_std).map(Arc::new);
    match port {
        MetricsPort::Off => Ok(None),
        MetricsPort::At(address) => open(address).map(Some).map_err(|source| refused("metrics: listen on", address, &source)),
        MetricsPort::Usual(address) => match open(address) {
            Ok(port) => Ok(Some(port)),
            Err(error) => {
                tracing::warn!(%address, %error, "no metrics: their usual port is taken; `[metrics] listen` chooses another");
                Ok(None)
            }
        },
    }
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
            "; another program has this port (if that is a relay of this user, `run --take-over` takes its place without a gap)"
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
