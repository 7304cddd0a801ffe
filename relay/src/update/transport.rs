//! HTTP to the release server: the process's one TLS stack and provider, the system's roots, and the proxy that the
//! environment names, by the same rules as for everything else.

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

use self_update::http_client::{HttpClient, UreqClient, header};
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};
use ureq::{Agent, Proxy};

use super::{Server, UpdateError};

/// How long connecting may take, and the answer to begin: releases are asked for by people who wait.
const CONNECT: Duration = Duration::from_secs(15);
/// How long one file may take in all: some tens of megabytes over a slow line.
const WHOLE: Duration = Duration::from_secs(20 * 60);

/// The variables that name a proxy; the first that is set wins.
const PROXIES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
/// The variables that name exceptions.
const EXCEPTIONS: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// Fetches what a release consists of.
pub(super) struct Transport {
    pub(super) agent: Agent,
}

impl Transport {
    pub(super) fn to(server: &Server) -> Result<Self, UpdateError> {
        let config = Agent::config_builder()
            .https_only(server.is_secure())
            .tls_config(tls())
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(CONNECT))
            .timeout_global(Some(WHOLE))
            .http_status_as_error(false)
            .proxy(proxy(|name| std::env::var(name).ok())?);
        Ok(Self { agent: config.build().into() })
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

/// The proxy that the environment names. The library's own choice would prefer `ALL_PROXY`, and pass over one that is none.
fn proxy(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Proxy>, UpdateError> {
    let first_set = |names: &[&'static str]| {
        let set = |name: &&'static str| variable(name).filter(|value| !value.is_empty()).map(|value| (*name, value));
        names.iter().find_map(set)
    };
    let Some((variable, value)) = first_set(&PROXIES) else { return Ok(None) };
    let unusable = |_| UpdateError::Proxy { variable };
    let named = Proxy::new(&value).map_err(unusable)?;
    let mut proxy = Proxy::builder(named.protocol()).host(named.host()).port(named.port());
    if let Some(user) = named.username() {
        proxy = proxy.username(user).password(named.password().unwrap_or_default());
    }
    let exceptions = first_set(&EXCEPTIONS).map(|(_, list)| list).unwrap_or_default();
    let exceptions = exceptions.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    proxy = exceptions.fold(proxy, ureq::ProxyBuilder::no_proxy);
    proxy.build().map(Some).map_err(unusable)
}

/// Whom the system trusts, so that a company's own authority counts.
fn tls() -> TlsConfig {
    TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .root_certs(RootCerts::PlatformVerifier)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(variables: &[(&str, &str)]) -> Result<Option<Proxy>, UpdateError> {
        proxy(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_one_for_tls_goes_first_and_one_that_is_none_is_no_direct_connection() {
        let both = [("ALL_PROXY", "http://all.example:1"), ("HTTPS_PROXY", "http://me:pass%20word@tls.example:3128")];
        let proxy = chosen(&both).expect("sound").expect("one");
        assert_eq!((proxy.host(), proxy.port(), proxy.username()), ("tls.example", 3128, Some("me")));
        assert!(chosen(&[("HTTPS_PROXY", ""), ("HTTP_PROXY", "http://x.example:1")]).expect("none").is_none());
        let error = chosen(&[("https_proxy", "http://se cret@"), ("ALL_PROXY", "http://all.example:1")]).expect_err("none");
        assert!(error.to_string().contains("https_proxy") && !error.to_string().contains("cret"), "{error}");
    }

    #[test]
    fn exceptions_are_reached_directly() {
        let variables = [("ALL_PROXY", "http://all.example:1"), ("no_proxy", "mirror.example, .inner.example")];
        let proxy = chosen(&variables).expect("sound").expect("one");
        for (uri, is_direct) in
            [("https://mirror.example/x", true), ("https://a.inner.example/x", true), ("https://api.github.com/x", false)]
        {
            assert_eq!(proxy.is_no_proxy(&uri.parse().expect("uri")), is_direct, "{uri}");
        }
    }
}
