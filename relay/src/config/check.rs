//! From what is written to what is meant. All problems are noted, none is the last.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use toml::Spanned;

use super::problem::Problems;
use super::raw::{RawFile, RawLimits, RawMetrics, RawTls};
use super::{MetricsPort, PublicUrl, Tls};
use crate::admission::Limits;
use crate::server::DRAIN;

/// Longest time that a stop may take: a service manager's own patience (systemd's is 90 s).
const LONGEST_DRAIN: Duration = Duration::from_secs(60);
/// Least rate of an agent, bytes a second: what a tunnel needs to be set up in time.
const LEAST_RATE: u64 = 10_000;
/// Where the metrics are when nobody says otherwise.
const USUAL_METRICS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9090);
const MODES: &str = "\"acme\", \"files\", \"self-signed\" and \"off\"";

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

    pub(super) fn tls(&mut self, raw: &RawTls, public_url: Option<&PublicUrl>) -> Option<Tls> {
        let Some(mode) = &raw.mode else {
            self.problem(None, "tls.mode", format!("it is missing; take one of {MODES}"));
            return None;
        };
        let name = mode.get_ref().as_str();
        self.keys_fit(name, raw);
        match name {
            "acme" => self.acme(raw, public_url),
            "files" => self.files(raw),
            "self-signed" => Some(Tls::SelfSigned),
            "off" => Some(Tls::Off),
            other => {
                self.problem(Some(mode.span()), "tls.mode", format!("\"{other}\" is none of {MODES}"));
                None
            }
        }
    }

    /// No key of another mode is passed over in silence.
    fn keys_fit(&mut self, mode: &str, raw: &RawTls) {
        let span = |value: &Option<Spanned<String>>| value.as_ref().map(Spanned::span);
        let path = |value: &Option<Spanned<PathBuf>>| value.as_ref().map(Spanned::span);
        for (key, place, belongs_to) in [
            ("tls.certificate", path(&raw.certificate), "files"),
            ("tls.key", path(&raw.key), "files"),
            ("tls.domain", span(&raw.domain), "acme"),
            ("tls.acme_directory", span(&raw.acme_directory), "acme"),
            ("tls.acme_root", path(&raw.acme_root), "acme"),
            ("tls.acme_email", span(&raw.acme_email), "acme"),
        ] {
            if place.is_some() && mode != belongs_to {
                self.problem(place, key, format!("it is for tls.mode = \"{belongs_to}\" only"));
            }
        }
    }

    pub(super) fn metrics(&mut self, raw: &RawMetrics) -> Option<MetricsPort> {
        let Some(listen) = &raw.listen else { return Some(MetricsPort::Usual(USUAL_METRICS)) };
        match listen.get_ref().as_str() {
            "" => Some(MetricsPort::Off),
            text => {
                let parsed = text.parse().ok().map(MetricsPort::At);
                if parsed.is_none() {
                    let text = format!("\"{text}\" is no address with a port, like {USUAL_METRICS}; \"\" turns it off");
                    self.problem(Some(listen.span()), "metrics.listen", text);
                }
                parsed
            }
        }
    }

    pub(super) fn trusted(&mut self, raw: &[Spanned<String>]) -> Vec<IpNet> {
        let mut nets = Vec::new();
        for entry in raw {
            let text = entry.get_ref();
            match text.parse().or_else(|_| text.parse().map(|address: IpAddr| address.into())) {
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

    pub(super) fn problem(&mut self, at: Option<Range<usize>>, key: &str, text: impl Into<String>) {
        self.problems.add(self.source, at, key, text);
    }
}
