//! The HTTP proxy that a company may have put between this machine and the internet: which one, for which address.
//!
//! ```text
//!   relay.proxy ──────────────────────────┐
//!   HTTPS_PROXY, ALL_PROXY, NO_PROXY ─▶ Proxies ─▶ choose(destination) ─▶ CorporateProxy ─▶ who dials
//! ```
//!
//! Read the environment once, at the start ([`Proxies::from_environment`]), and ask [`Proxies::choose`] of every address
//! that is reached by TLS: a relay, an endpoint of AWS, the server of releases. No proxy in the answer means a direct
//! connection. What dials by itself takes [`CorporateProxy::dialled`]; a library with a CONNECT of its own takes
//! [`CorporateProxy::url`] and its [`UserInfo`](crate::config::UserInfo), or both in one text from
//! [`CorporateProxy::secret_url`]. A running agent calls [`CorporateProxy::refuse_loop`] first: a proxy setting that names
//! the agent itself would send it in a circle.
//!
//! Never: this machine itself is not reached through a proxy that the environment names, nothing here opens a socket, and
//! no error or `Debug` shows a password.

mod exceptions;
mod proxy;

use std::ffi::OsString;

use tunnel::destination::{Destination, Host};

use self::exceptions::Exceptions;
pub use self::proxy::{BadProxy, CorporateProxy};

/// The variables that name a proxy for TLS, the first that is set wins.
const NAMES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
/// The variables that name exceptions.
const EXCEPTIONS: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// What never goes through a proxy, as a list of exceptions.
const THIS_MACHINE: &str = "localhost,127.0.0.0/8,::1";

/// What the environment says about proxies. The variable is judged when it is needed, not before: one of another program's
/// making must not stop an agent whose relay is an exception.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    proxy: Option<Result<CorporateProxy, BadProxy>>,
    exceptions: Exceptions,
}

impl Proxies {
    /// Reads the variables of an environment such as [`std::env::vars_os`].
    pub fn from_environment(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let ours = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value));
        let variables: Vec<(String, OsString)> = variables.into_iter().filter_map(ours).collect();
        let first_set = |names: &[&'static str]| {
            let set = |name: &&'static str| variables.iter().find(|(found, value)| found == name && !value.is_empty());
            names.iter().find_map(|name| set(name).map(|(_, value)| (*name, value)))
        };
        let exceptions = first_set(&EXCEPTIONS).map(|(_, value)| value.to_string_lossy().into_owned());
        Self {
            proxy: first_set(&NAMES).map(|(name, value)| CorporateProxy::from_variable(name, value)),
            exceptions: Exceptions::new(&exceptions.unwrap_or_default()),
        }
    }

    /// The proxy by which `destination` is reached with TLS; `None` for a direct connection.
    pub fn choose(&self, destination: &Destination) -> Result<Option<&CorporateProxy>, BadProxy> {
        if is_this_machine(&destination.host) || self.exceptions.hold(&destination.host) {
            return Ok(None);
        }
        self.proxy.as_ref().map_or(Ok(None), |proxy| proxy.as_ref().map(Some).map_err(Clone::clone))
    }

    /// The same for a library that chooses by itself: the proxy, and the exceptions as one list, this machine among them.
    pub fn for_library(&self) -> Result<Option<(&CorporateProxy, String)>, BadProxy> {
        let Some(proxy) = self.proxy.as_ref().filter(|_| !self.exceptions.hold_all()) else { return Ok(None) };
        let proxy = proxy.as_ref().map_err(Clone::clone)?;
        Ok(Some((proxy, format!("{THIS_MACHINE},{}", self.exceptions.list()))))
    }
}

/// By its name alone: nothing is resolved here.
fn is_this_machine(host: &Host) -> bool {
    match host {
        Host::Ip(ip) => ip.to_canonical().is_loopback(),
        Host::Name(name) => name == "localhost" || name.ends_with(".localhost"),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Proxies {
        Proxies::from_environment(variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))))
    }

    fn chosen(variables: &[(&str, &str)], destination: &str) -> Option<String> {
        let destination = Destination::parse_or(destination, 443).expect("destination");
        let proxies = proxies(variables);
        proxies.choose(&destination).expect("sound").map(|proxy| proxy.url().authority.to_string())
    }

    #[test]
    fn the_first_variable_that_is_set_wins_in_both_spellings() {
        let named = |names: &[&str]| {
            let value = |name: &str| if name.starts_with(['h', 'H']) { "h:1" } else { "a:2" };
            let variables: Vec<_> = names.iter().map(|name| (*name, value(name))).collect();
            chosen(&variables, "relay.example.com")
        };
        assert_eq!(named(&[]), None);
        for name in ["HTTPS_PROXY", "https_proxy"] {
            assert_eq!(named(&[name, "ALL_PROXY"]).as_deref(), Some("h:1"), "{name}");
        }
        for name in ["ALL_PROXY", "all_proxy"] {
            assert_eq!(named(&[name]).as_deref(), Some("a:2"), "{name}");
        }
        let empty = [("HTTPS_PROXY", ""), ("https_proxy", "low:3")];
        assert_eq!(chosen(&empty, "relay.example.com").as_deref(), Some("low:3"), "an empty one is not set");
        assert_eq!(chosen(&[("HTTP_PROXY", "plain:1")], "relay.example.com"), None, "a relay is reached by TLS");
    }

    #[test]
    fn exceptions_and_this_machine_are_reached_directly() {
        for name in EXCEPTIONS {
            let variables = [("HTTPS_PROXY", "proxy:3128"), (name, "example.com, 192.0.2.0/24")];
            assert_eq!(chosen(&variables, "relay.example.com"), None);
            assert_eq!(chosen(&variables, "192.0.2.7"), None);
            assert_eq!(chosen(&variables, "relay.example.org").as_deref(), Some("proxy:3128"));
        }
        for host in ["127.0.0.1:8443", "[::1]:8443", "localhost:8443", "relay.localhost", "[::ffff:127.0.0.1]"] {
            assert_eq!(chosen(&[("ALL_PROXY", "proxy:3128")], host), None, "{host}");
        }
    }

    #[test]
    fn a_proxy_of_another_kind_is_an_error_where_it_is_needed_and_only_there() {
        for value in ["socks5://127.0.0.1:1080", "https://proxy.example:3129", "http://user:s3cret@", "::", "http://a b"] {
            let proxies = proxies(&[("ALL_PROXY", value), ("NO_PROXY", "relay.example.com")]);
            let to = |name: &str| Destination::parse_or(name, 443).expect("destination");
            assert!(matches!(proxies.choose(&to("relay.example.com")), Ok(None)), "{value}");
            let error = proxies.choose(&to("lambda.us-west-2.amazonaws.com")).expect_err("no proxy of ours").to_string();
            assert!(error.starts_with("ALL_PROXY") && error.contains("http://host:port"), "{error}");
            assert!(!error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn a_library_gets_the_proxy_with_every_exception() {
        let library = |variables: &[(&str, &str)]| {
            let proxies = proxies(variables);
            let found = proxies.for_library().expect("sound");
            found.map(|(proxy, exceptions)| (proxy.url().authority.to_string(), exceptions))
        };
        let variables = [("HTTPS_PROXY", "proxy:3128"), ("NO_PROXY", "*.example.com 192.0.2.0/24")];
        let (proxy, exceptions) = library(&variables).expect("a proxy");
        assert_eq!((proxy.as_str(), exceptions.as_str()), ("proxy:3128", "localhost,127.0.0.0/8,::1,.example.com,192.0.2.0/24"));
        assert_eq!(library(&[("HTTPS_PROXY", "proxy:3128"), ("NO_PROXY", "*")]), None);
        assert_eq!(library(&[]), None);
        assert!(proxies(&[("ALL_PROXY", "socks5://127.0.0.1:1080")]).for_library().is_err());
    }

    #[test]
    fn the_password_is_for_the_proxy_alone() {
        let proxies = proxies(&[("HTTPS_PROXY", "http://corp%5Cme:p%40ss@proxy.example:3128")]);
        let destination = "relay.example.com:443".parse().expect("destination");
        let proxy = proxies.choose(&destination).expect("sound").expect("a proxy");
        assert_eq!(proxy.secret_url().expose_secret(), "http://corp%5Cme:p%40ss@proxy.example:3128");
        let header = proxy.dialled().authorization.expect("credentials");
        assert_eq!(header.expose_secret(), "Basic Y29ycFxtZTpwQHNz");
        let shown = format!("{proxies:?} {proxy:?}");
        assert!(!shown.contains("p@ss") && !shown.contains("p%40ss") && !shown.contains("Y29ycFxtZTpwQHNz"), "{shown}");
    }
}
