//! The one way out to AWS: rustls with aws-lc-rs, the system's roots and those of `AWS_CA_BUNDLE`, the company's proxy
//! ([`crate::corporate`]), and probes that keep home routers from forgetting a silent connection.

use std::io;
use std::path::Path;
use std::time::Duration;

use aws_smithy_http_client::pool::{Builder, Client, DriverSpawner, Partition, PartitionId};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use secrecy::ExposeSecret;
use tokio::runtime::Handle;

use super::account::CA_BUNDLE;
use crate::cloud::CloudError;
use crate::corporate::Proxies;

/// How often the kernel probes a silent connection: home routers drop silent ones after minutes.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// How long a connection may wait for its next call: less than a router or a change of network needs to kill it unnoticed.
const IDLE: Duration = Duration::from_secs(20);
/// Most connections to one host: far more than exits and control calls of a region ever use.
const MOST_CONNECTIONS: usize = 64;

/// The pool's only part: all connections are of this program's one runtime.
const PARTITION: PartitionId = PartitionId::from_index(0);

/// What every connection has in common.
#[derive(Clone)]
pub(super) struct Connector {
    tls: TlsContext,
    proxy: ProxyConfig,
    shared: SharedHttpClient,
}

impl Connector {
    /// Reads which authorities are trusted. `bundle` is a PEM file with more of them.
    pub(super) fn new(bundle: Option<&Path>, proxies: &Proxies) -> Result<Self, CloudError> {
        let mut trusted = TrustStore::default();
        if let Some(path) = bundle {
            let unusable = |error: io::Error| CloudError::Setting {
                name: CA_BUNDLE.to_owned(),
                reason: format!("{}: {error}", path.display()),
            };
            trusted.add_pem_certificate(pem(path).map_err(unusable)?);
        }
        let proxy = proxy(proxies)?;
        Self::trusting(trusted, proxy).map_err(CloudError::Unreachable)
    }

    fn trusting(trusted: TrustStore, proxy: ProxyConfig) -> io::Result<Self> {
        let tls = TlsContext::builder().with_trust_store(trusted).build().map_err(io::Error::other)?;
        let shared = client(&tls, &proxy)?;
        Ok(Self { tls, proxy, shared })
    }

    /// For calls that end soon: they share connections.
    pub(super) fn shared(&self) -> SharedHttpClient {
        self.shared.clone()
    }

    /// For one Invoke: a connection of its own, so that one which died without a word cannot take later calls with it.
    pub(super) fn single(&self) -> io::Result<SharedHttpClient> {
        client(&self.tls, &self.proxy)
    }
}

fn client(tls: &TlsContext, proxy: &ProxyConfig) -> io::Result<SharedHttpClient> {
    let runtime = Handle::current();
    let spawner = DriverSpawner::from_fn(move |connection| drop(runtime.spawn(connection)));
    let pool = Builder::default()
        .partitions([Partition::new(PARTITION, spawner)])
        .tcp_keepalive(KEEPALIVE)
        .idle_timeout(IDLE)
        .max_connections_per_host(MOST_CONNECTIONS)
        .proxy_config(proxy.clone())
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .tls_context(tls.clone())
        .build_https()
        .map_err(io::Error::other)?;
    Ok(SharedHttpClient::new(Client::from_partition(&pool, PARTITION).map_err(io::Error::other)?))
}

/// The company's proxy, for what is reached by TLS: endpoints without TLS are on this machine or beside it.
fn proxy(proxies: &Proxies) -> Result<ProxyConfig, CloudError> {
    let unusable = |(name, what): (&str, String)| CloudError::Setting { name: name.to_owned(), reason: format!("it {what}") };
    match proxies.for_library().map_err(|error| unusable(error.parts()))? {
        None => Ok(ProxyConfig::disabled()),
        Some((proxy, exceptions)) => {
            // The library's own text would repeat the URL, which may hold a password.
            let chosen = ProxyConfig::https(proxy.secret_url().expose_secret());
            let chosen = chosen.map_err(|_| unusable((proxy.named_by(), "names no proxy that can be used".to_owned())))?;
            Ok(chosen.no_proxy(exceptions))
        }
    }
}

/// Reads a PEM file of certificates, all of which must be sound: the SDK takes no other.
fn pem(path: &Path) -> io::Result<Vec<u8>> {
    let text = std::fs::read(path)?;
    let mut count = 0;
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate = certificate.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
        rustls::RootCertStore::empty().add(certificate).map_err(io::Error::other)?;
        count += 1;
    }
    if count == 0 {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it holds no certificate"));
    }
    Ok(text)
}
