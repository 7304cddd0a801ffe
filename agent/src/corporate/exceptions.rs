//! `NO_PROXY`: which hosts are reached without the proxy.

use std::fmt;
use std::sync::Arc;

use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use tunnel::destination::Host;

/// A proxy that stands for "any": what the matcher spares of it is an exception.
const ANY: &str = "http://any";

/// The exceptions, by the rules of curl: names with all that is below them, addresses, ranges, `*` for everything; between
/// commas or spaces. `*.example.com` is read as `.example.com`, which is what its writer means.
#[derive(Clone, Default)]
pub(super) struct Exceptions {
    /// `*` was listed, which the matcher applies to names alone.
    is_all: bool,
    listed: Option<Arc<Matcher>>,
    list: String,
}

impl Exceptions {
    pub(super) fn new(list: &str) -> Self {
        let entries = list.split([',', ' ', '\t']).filter(|entry| !entry.is_empty());
        let entry = |entry: &str| if entry.starts_with("*.") { entry[1..].to_owned() } else { entry.to_owned() };
        let entries: Vec<String> = entries.map(entry).collect();
        let list = entries.join(",");
        let listed = (!entries.is_empty()).then(|| Arc::new(Matcher::builder().https(ANY).no(list.clone()).build()));
        Self { is_all: entries.iter().any(|entry| entry == "*"), listed, list }
    }

    /// Whether every host is one.
    pub(super) fn hold_all(&self) -> bool {
        self.is_all
    }

    /// All of them between commas, for a library that matches by the same rules.
    pub(super) fn list(&self) -> &str {
        &self.list
    }

    /// Whether this host is one.
    pub(super) fn hold(&self, host: &Host) -> bool {
        let Some(matcher) = self.listed.as_ref().filter(|_| !self.is_all) else { return self.is_all };
        format!("https://{host}/").parse::<Uri>().is_ok_and(|uri| matcher.intercept(&uri).is_none())
    }
}

impl fmt::Debug for Exceptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Exceptions").field(&self.listed).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hosts_are_matched_as_curl_matches_them() {
        for (list, host, holds) in [
            ("", "example.com", false),
            ("*", "example.com", true),
            ("*", "192.0.2.1", true),
            ("example.com", "example.com", true),
            ("example.com", "Relay.Example.com", true),
            (".example.com", "relay.example.com", true),
            ("*.example.com", "relay.example.com", true),
            ("example.com", "notexample.com", false),
            ("other.net example.com", "relay.example.com", true),
            ("other.net,\texample.com", "relay.example.com", true),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.0/24", "192.0.2.7", true),
            ("192.0.2.0/24", "198.51.100.7", false),
            ("2001:db8::/32", "2001:db8::1", true),
        ] {
            let host: Host = host.parse().expect("host");
            assert_eq!(Exceptions::new(list).hold(&host), holds, "{list:?} and {host}");
        }
    }

    proptest! {
        #[test]
        fn no_list_panics(list in ".{0,80}", host in "[a-z0-9.-]{1,30}") {
            if let Ok(host) = host.parse::<Host>() {
                let _ = Exceptions::new(&list).hold(&host);
            }
        }
    }
}
