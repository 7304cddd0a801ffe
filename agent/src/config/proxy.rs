//! `[proxy]`: where to listen, and who may.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::node::Node;
use super::section::Section;
use super::value::{Fault, Value, text};

/// Most listeners: one per address of a machine, generously.
const MOST_LISTENERS: usize = 16;

/// Longest user name or password, bytes (RFC 1929 section 2).
const LONGEST_CREDENTIAL: usize = 255;

/// Where to listen when nothing is said.
const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// How long a request waits for an exit when nothing is said: a cold start and a dial.
const DEFAULT_WAIT: Duration = Duration::from_secs(10);

/// A wait beyond this outlives every client.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// What a client must present.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The user name, without a colon.
    pub username: String,
    /// The password.
    pub password: SecretString,
}

/// The local proxy.
#[derive(Debug, Clone)]
pub struct ProxyConfig {
    /// Where it listens, HTTP and SOCKS5 alike; never empty.
    pub listen: Vec<SocketAddr>,
    /// What clients must present; always there when a listener is not on loopback.
    pub credentials: Option<Credentials>,
    /// How long a request may wait for an exit.
    pub wait: Duration,
    /// Reserved: always false in this version.
    pub optimistic: bool,
}

impl Value for SocketAddr {
    const EXPECTED: &'static str = "an address and port like \"127.0.0.1:8080\"";

    fn read(node: &Node) -> Result<Self, Fault> {
        let fault = |_| Fault::Value(format!("expected {}", Self::EXPECTED));
        text(node)?.trim().parse().map_err(fault)
    }

    fn show(&self) -> String {
        format!("\"{self}\"")
    }
}

impl ProxyConfig {
    pub(super) fn read(section: Section<'_>) -> Self {
        let listen: Vec<SocketAddr> = section.one_or_list("listen", vec![DEFAULT_LISTEN], MOST_LISTENERS);
        if section.list_is_empty("listen") {
            section.mistake("listen", "names no address");
        }
        for (index, address) in listen.iter().enumerate() {
            if address.port() != 0 && listen[..index].contains(address) {
                section.mistake("listen", format!("names {address} twice"));
            }
        }
        let credentials = credentials(&section, &listen);
        let wait = section.within("wait", DEFAULT_WAIT, Duration::ZERO..=LONGEST_WAIT);
        let optimistic = section.or("optimistic", false);
        if optimistic {
            section.mistake("optimistic", "is not available in this version");
        }
        section.finish();
        Self { listen, credentials, wait, optimistic }
    }
}

fn credentials(section: &Section<'_>, listen: &[SocketAddr]) -> Option<Credentials> {
    let username: Option<String> = section.optional("username");
    let password: Option<SecretString> = section.optional("password");
    let fits = |name: &String| name.len() <= LONGEST_CREDENTIAL && !name.contains([':', '\0', '\r', '\n']);
    if username.as_ref().is_some_and(|name| !fits(name)) {
        section.mistake("username", format!("must have at most {LONGEST_CREDENTIAL} bytes and no colon"));
    }
    if password.as_ref().is_some_and(|password| password.expose_secret().len() > LONGEST_CREDENTIAL) {
        section.mistake("password", format!("must have at most {LONGEST_CREDENTIAL} bytes"));
    }
    let has = |key| section.origin_of(key).is_some();
    match (has("username"), has("password")) {
        (true, false) => section.mistake("username", "needs a password beside it"),
        (false, true) => section.mistake("password", "needs a username beside it"),
        (true, true) => {}
        (false, false) => {
            if let Some(open) = listen.iter().find(|address| !address.ip().is_loopback()) {
                section.mistake("listen", format!("{open} is not loopback, so proxy.username and proxy.password are required"));
            }
        }
    }
    Some(Credentials { username: username?, password: password? })
}
