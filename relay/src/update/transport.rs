//! HTTP to the release server: the process's one TLS stack and provider, the system's roots, proxies from the environment.

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

use self_update::http_client::{HttpClient, UreqClient, header};
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

use super::Server;

/// How long connecting may take, and the answer to begin: releases are asked for by people who wait.
const CONNECT: Duration = Duration::from_secs(15);
/// How long one file may take in all: some tens of megabytes over a slow line.
const WHOLE: Duration = Duration::from_secs(20 * 60);

/// Fetches what a release consists of.
pub(super) struct Transport {
    pub(super) agent: Agent,
}

impl Transport {
    pub(super) fn to(server: &Server) -> Self {
        let config = Agent::config_builder()
            .https_only(server.is_secure())
            .tls_config(tls())
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(CONNECT))
            .timeout_global(Some(WHOLE))
            .http_status_as_error(false)
            .proxy(ureq::Proxy::try_from_env());
        Self { agent: config.build().into() }
    }

    /// Writes what stands at `url` to `out`; says whether it was no more than `most` bytes.
    pub(super) fn fetch(&self, url: &str, most: u64, mut out: impl Write) -> Result<bool, self_update::Error> {
        let mut headers = header::HeaderMap::new();
        headers.insert(header::ACCEPT, header::HeaderValue::from_static("application/octet-stream"));
        let response = UreqClient::from(self.agent.clone()).get(url, &headers, None)?;
        let copied = std::io::copy(&mut response.body().take(most + 1), &mut out).map_err(self_update::Error::Io)?;
        Ok(copied <= most)
    }
}

/// Whom the system trusts, so that a company's own authority counts.
fn tls() -> TlsConfig {
    TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .root_certs(RootCerts::PlatformVerifier)
        .build()
}
