//! From what is written to what is meant. All problems are noted, none is the last.

use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use toml::{Spanned, Value};

use super::problem::Problems;
use super::raw::{RawFile, RawLimits, RawTls};
use super::{PublicUrl, Tls};
use crate::admission::Limits;
use crate::server::DRAIN;

/// Longest time that a stop may take: a service manager's own patience (systemd's is 90 s).
const LONGEST_DRAIN: Duration = Duration::from_secs(60);
/// Least rate of an agent, bytes a second: what a tunnel needs to be set up in time.
const LEAST_RATE: u64 = 10_000;
const NOT_BUILT: &str = "is not built yet in this version";

/// The file's values, checked one by one.
pub(super) struct Checker<'a> {
    pub(super) source: &'a str,
    /// What relative paths start from.
    pub(super) directory: &'a Path,
    pub(super) problems: Problems,
}

impl Checker<'_> {
    pub(super) fn listen(&mut self, raw: &RawFile) -> Option<SocketAddr> {
        let Some(listen) = &raw.listen else {
            self.problem(None, "listen", "it is missing; for example listen = \"0.0.0.0:443\"");
            return None;
        };
        let parsed = listen.get_ref().parse().ok();
        if parsed.is_none() {
            let text = format!("\"{}\" is no address with a port, like 0.0.0.0:443", listen.get_ref());
            self.problem(Some(listen.span()), "listen", text);
        }
        parsed
    }

    pub(super) fn public_url(&mut self, raw: &RawFile) -> Option<PublicUrl> {
        let url = raw.public_url.as_ref()?;
        match url.get_ref().parse() {
            Ok(parsed) => Some(parsed),
            Err(error) => {
                self.problem(Some(url.span()), "public_url", format!("\"{}\": {error}", url.get_ref()));
                None
            }
        }
    }

    pub(super) fn tls(&mut self, raw: &RawTls) -> Option<Tls> {
        for (key, value) in [
            ("tls.domain", &raw.domain),
            ("tls.acme_directory", &raw.acme_directory),
            ("tls.acme_root", &raw.acme_root),
            ("tls.acme_email", &raw.acme_email),
        ] {
            self.not_built(key, value.as_ref());
        }
        let Some(mode) = &raw.mode else {
            self.problem(None, "tls.mode", "it is missing; take \"files\", \"self-signed\" or \"off\"");
            return None;
        };
        match mode.get_ref().as_str() {
            "files" => self.files(raw),
            "self-signed" => self.without_files(raw).then_some(Tls::SelfSigned),
            "off" => self.without_files(raw).then_some(Tls::Off),
            "acme" => {
                let text = format!("\"acme\" {NOT_BUILT}; take \"files\", \"self-signed\" or \"off\"");
                self.problem(Some(mode.span()), "tls.mode", text);
                None
            }
            other => {
                let text = format!("\"{other}\" is none of \"files\", \"self-signed\" and \"off\"");
                self.problem(Some(mode.span()), "tls.mode", text);
                None
            }
        }
    }

    pub(super) fn trusted(&mut self, raw: &[Spanned<String>]) -> Vec<IpNet> {
        let mut nets = Vec::new();
        for entry in raw {
            let text = entry.get_ref();
            match text.parse().or_else(|_| text.parse().map(|address: std::net::IpAddr| address.into())) {
                Ok(net) => nets.push(net),
                Err(_) => self.problem(Some(entry.span()), "proxy.trusted", format!("\"{text}\" is no address or network")),
            }
        }
        nets
    }

    pub(super) fn limits(&mut self, raw: &RawLimits) -> Limits {
        let default = Limits::default();
        Limits {
            connections: self.limit("limits.connections", raw.connections.as_ref(), default.connections),
            per_address: self.limit("limits.per_address", raw.per_address.as_ref(), default.per_address),
            per_agent: self.limit("limits.per_agent", raw.per_agent.as_ref(), default.per_agent),
            waiting: self.limit("limits.waiting", raw.waiting.as_ref(), default.waiting),
            handshakes: self.limit("limits.handshakes", raw.handshakes.as_ref(), default.handshakes),
            bytes_per_second: self.rate("limits.bytes_per_second", raw.bytes_per_second.as_ref()),
        }
    }

    pub(super) fn drain(&mut self, raw: &RawFile) -> Duration {
        let Some(time) = &raw.drain.time else { return DRAIN };
        match time.get_ref().parse() {
            Some(parsed) if parsed <= LONGEST_DRAIN => parsed,
            _ => {
                let text = format!("it is a time of at most {} s, like \"2s\"", LONGEST_DRAIN.as_secs());
                self.problem(Some(time.span()), "drain.time", text);
                DRAIN
            }
        }
    }

    pub(super) fn not_built(&mut self, key: &str, value: Option<&Spanned<Value>>) {
        if let Some(value) = value {
            self.problem(Some(value.span()), key, format!("it {NOT_BUILT}; take the key out"));
        }
    }

    fn files(&mut self, raw: &RawTls) -> Option<Tls> {
        let mut path = |key: &str, value: &Option<Spanned<PathBuf>>| {
            if value.is_none() {
                self.problem(None, key, "it is missing; tls.mode = \"files\" needs it");
            }
            value.as_ref().map(|value| self.directory.join(value.get_ref()))
        };
        let (certificate, key) = (path("tls.certificate", &raw.certificate), path("tls.key", &raw.key));
        Some(Tls::Files { certificate: certificate?, key: key? })
    }

    fn without_files(&mut self, raw: &RawTls) -> bool {
        for (key, value) in [("tls.certificate", &raw.certificate), ("tls.key", &raw.key)] {
            if let Some(value) = value {
                self.problem(Some(value.span()), key, "it is for tls.mode = \"files\" only");
            }
        }
        true
    }

    fn limit(&mut self, key: &str, value: Option<&Spanned<usize>>, default: usize) -> usize {
        match value {
            Some(value) if *value.get_ref() == 0 => {
                self.problem(Some(value.span()), key, "it is at least 1");
                default
            }
            Some(value) => *value.get_ref(),
            None => default,
        }
    }

    fn rate(&mut self, key: &str, value: Option<&Spanned<u64>>) -> Option<u64> {
        let value = value?;
        if *value.get_ref() < LEAST_RATE {
            self.problem(
                Some(value.span()),
                key,
                format!("it is at least {LEAST_RATE}, which is already too slow for most uses"),
            );
        }
        Some(*value.get_ref())
    }

    fn problem(&mut self, at: Option<Range<usize>>, key: &str, text: impl Into<String>) {
        self.problems.add(self.source, at, key, text);
    }
}
