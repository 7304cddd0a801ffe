//! `[relay]`, or several `[[relay]]`: where the agent dials, and as whom.

use std::fmt;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use tunnel::leg::url::RelayUrl;

use super::node::Node;
use super::origin::Origin;
use super::private_file;
use super::section::Section;
use super::url::HttpUrl;
use super::value::{Fault, Value, parsed, text};

/// Most relays; an invitation lists no more.
const MOST_RELAYS: usize = 16;

/// Longest token, bytes: it travels in one header.
const LONGEST_TOKEN: usize = 512;

/// The keys of a relay.
const KEYS: [&str; 6] = ["url", "token", "token_file", "certificate_sha256", "proxy", "ca_file"];

/// A relay.
#[derive(Debug, Clone)]
pub struct RelayConfig {
    /// Where it listens.
    pub url: RelayUrl,
    /// The agent's token there.
    pub token: SecretString,
    /// SHA-256 of its certificate (DER), when it is pinned.
    pub pin: Option<[u8; 32]>,
    /// The HTTP proxy to dial through; `None` leaves it to the environment.
    pub proxy: Option<HttpUrl>,
    /// More roots to trust, in PEM.
    pub ca_file: Option<PathBuf>,
}

impl Value for RelayUrl {
    const EXPECTED: &'static str = "a URL like \"wss://relay.example.com\"";

    fn read(node: &Node) -> Result<Self, Fault> {
        if text(node)?.contains('@') {
            return Err(Fault::Value("carries a token; write it as token, and only wss://host here".to_owned()));
        }
        parsed(node)
    }

    fn show(&self) -> String {
        format!("\"{self}\"")
    }
}

/// A certificate's SHA-256.
struct Pin([u8; 32]);

impl Value for Pin {
    const EXPECTED: &'static str = "64 hexadecimal digits";

    fn read(node: &Node) -> Result<Self, Fault> {
        let mut digest = [0; 32];
        let digits = text(node)?.trim().replace(':', "");
        let wrong = |_| Fault::Value(format!("expected {}", Self::EXPECTED));
        hex::decode_to_slice(digits, &mut digest).map_err(wrong)?;
        Ok(Self(digest))
    }

    fn show(&self) -> String {
        format!("\"{}\"", hex::encode(self.0))
    }
}

/// Reads every relay. None at all is no mistake here: local mode brings its own.
pub(super) fn read(root: &Section<'_>, base: &Path) -> Vec<RelayConfig> {
    let sections = root.sections("relay", &KEYS);
    if sections.len() > MOST_RELAYS {
        root.mistake("relay", format!("names {} relays, at most {MOST_RELAYS} are allowed", sections.len()));
    }
    let mut relays: Vec<RelayConfig> = Vec::new();
    for section in sections.into_iter().take(MOST_RELAYS) {
        let relay = read_one(&section, base);
        if let Some(relay) = relay.filter(|_| section.is_present()) {
            if relays.iter().any(|other| other.url == relay.url) {
                section.mistake("url", "is named twice");
            }
            relays.push(relay);
        }
        section.finish();
    }
    relays
}

fn read_one(section: &Section<'_>, base: &Path) -> Option<RelayConfig> {
    if !section.is_present() {
        return None;
    }
    let url: Option<RelayUrl> = section.optional("url");
    if section.origin_of("url").is_none() {
        section.mistake("url", "is missing");
    }
    let token = token(section, base);
    let pin = section.optional("certificate_sha256").map(|Pin(digest)| digest);
    if let (Some(RelayUrl { tls: false, .. }), Some(_)) = (&url, &pin) {
        section.mistake("certificate_sha256", "pins nothing, since the url is ws://");
    }
    let proxy = proxy(section);
    let ca_file = ca_file(section, base);
    Some(RelayConfig { url: url?, token: token?, pin, proxy, ca_file })
}

fn token(section: &Section<'_>, base: &Path) -> Option<SecretString> {
    let token: Option<SecretString> = section.optional("token");
    let file: Option<String> = section.optional("token_file");
    let chosen = match (section.origin_of("token"), section.origin_of("token_file")) {
        (None, None) => {
            section.mistake("token", "is missing; or give a token_file");
            return None;
        }
        (Some(a), Some(b)) if a.strength() == b.strength() => {
            section.mistake("token_file", "stands beside token; keep one of them");
            return None;
        }
        (a, Some(b)) if a.as_ref().is_none_or(|a| a.strength() < b.strength()) => {
            section.overruled("token");
            ("token_file", read_token(section, &resolve(&file?, base, &b)))
        }
        _ => {
            section.overruled("token_file");
            ("token", token)
        }
    };
    let token = chosen.1?;
    let text = token.expose_secret();
    if text.len() > LONGEST_TOKEN || !text.bytes().all(|c| c.is_ascii_graphic()) {
        let wrong = format!("a token is at most {LONGEST_TOKEN} printable ASCII characters without spaces");
        section.mistake(chosen.0, wrong);
    }
    Some(token)
}

fn read_token(section: &Section<'_>, path: &Path) -> Option<SecretString> {
    let file = match private_file::read(path) {
        Ok(file) => file,
        Err(error) => {
            section.mistake("token_file", format!("cannot be read: {error}"));
            return None;
        }
    };
    if let Some(mode) = file.open_to_others {
        section.mistake("token_file", private_file::mend(mode, path));
    }
    match file.text.trim() {
        "" => {
            section.mistake("token_file", "is empty");
            None
        }
        token => Some(token.into()),
    }
}

fn proxy(section: &Section<'_>) -> Option<HttpUrl> {
    let proxy: HttpUrl = section.optional("proxy")?;
    if proxy.user.is_some() {
        section.holds_secret("proxy");
    }
    if proxy.tls || proxy.path != "/" {
        section.mistake("proxy", "an HTTP proxy is http://host:port, with user:password@ before the host if it asks");
    }
    Some(proxy)
}

fn ca_file(section: &Section<'_>, base: &Path) -> Option<PathBuf> {
    let text: String = section.optional("ca_file")?;
    let path = resolve(&text, base, &section.origin_of("ca_file")?);
    if let Err(error) = std::fs::File::open(&path) {
        section.mistake("ca_file", format!("cannot be read: {error}"));
    }
    Some(path)
}

/// A path in the file counts from the file's folder; others from the working directory.
fn resolve(text: &str, base: &Path, origin: &Origin) -> PathBuf {
    match origin {
        Origin::File { .. } => base.join(text),
        _ => PathBuf::from(text),
    }
}

impl fmt::Display for RelayConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.url, f)
    }
}
