//! Where releases come from: GitHub, or another server that speaks its API.

use std::fmt;
use std::str::FromStr;

use hyper::http::Uri;

/// GitHub's API.
const GITHUB: &str = "https://api.github.com";
/// Where this project's releases are on it.
const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

/// A release server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    url: String,
}

/// A text that names no release server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a release server is https://host, https://host:port or https://host/path; plain http:// only on a loopback address")]
pub struct BadServer;

impl Server {
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Whether everything of it must come over TLS.
    pub(super) fn is_secure(&self) -> bool {
        self.url.starts_with("https://")
    }

    /// Owner and name of the repository.
    pub(super) fn repository() -> (&'static str, &'static str) {
        let mut parts = REPOSITORY.rsplit('/');
        let name = parts.next().unwrap_or_default();
        (parts.next().unwrap_or_default(), name)
    }
}

impl Default for Server {
    fn default() -> Self {
        Self { url: GITHUB.to_owned() }
    }
}

impl FromStr for Server {
    type Err = BadServer;

    fn from_str(text: &str) -> Result<Self, BadServer> {
        let uri: Uri = text.parse().map_err(|_| BadServer)?;
        let host = uri.host().ok_or(BadServer)?;
        let has_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
        let is_allowed = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => is_loopback(host),
            _ => false,
        };
        if !is_allowed || has_user || uri.query().is_some() {
            return Err(BadServer);
        }
        Ok(Self { url: text.trim_end_matches('/').to_owned() })
    }
}

fn is_loopback(host: &str) -> bool {
    let literal = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || literal.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_stays_on_this_machine() {
        for text in [
            "https://mirror.example",
            "https://mirror.example:8443/api",
            "http://127.0.0.1:9",
            "http://[::1]:9/",
            "http://localhost:9",
        ] {
            assert!(text.parse::<Server>().is_ok(), "{text}");
        }
        for text in ["http://mirror.example", "http://10.0.0.1", "ftp://x", "mirror.example", "https://u:p@x", "https://x/?q", ""]
        {
            assert_eq!(text.parse::<Server>(), Err(BadServer), "{text}");
        }
        assert_eq!("https://x/".parse::<Server>().expect("one").to_string(), "https://x");
    }

    #[test]
    fn the_repository_is_the_projects() {
        assert_eq!(Server::repository(), ("awslambdaproxy", "awslambdaproxy"));
    }
}
