//! The keys of `tls.mode = "acme"`.

use std::net::IpAddr;

use hyper::Uri;

use super::check::Checker;
use super::raw::RawTls;
use super::{PublicUrl, Tls};
use crate::tls::acme::{Authority, DIRECTORY, STAGING_DIRECTORY};

/// In place of the URL of the best-known CA's directory for trying things out.
const STAGING: &str = "staging";

/// Why a text is not [`certifiable`].
pub const NOT_CERTIFIABLE: &str = "is no name for which a CA issues certificates, like relay.example.com";

/// The name in `text`, if CAs may issue a certificate of it: no address, no port, and not a single label.
pub fn certifiable(text: &str) -> Option<String> {
    let host = PublicUrl::secure(text, 443).ok().filter(|url| url.is_plain_host(text))?.host().to_owned();
    (host.parse::<IpAddr>().is_err() && host.contains('.')).then_some(host)
}

impl Checker<'_> {
    pub(super) fn acme(&mut self, raw: &RawTls, public_url: Option<&PublicUrl>) -> Option<Tls> {
        let (domain, directory, email) = (self.domain(raw, public_url), self.acme_directory(raw), self.acme_email(raw));
        let root = raw.acme_root.as_ref().map(|root| self.directory.join(root.get_ref()));
        Some(Tls::Acme(Authority { domain: domain?, directory: directory?, root, email }))
    }

    /// What is to be certified: `domain`, or the name of the public address.
    fn domain(&mut self, raw: &RawTls, public_url: Option<&PublicUrl>) -> Option<String> {
        let (text, place) = match (&raw.domain, public_url) {
            (Some(domain), _) => (domain.get_ref().as_str(), Some(domain.span())),
            (None, Some(url)) => (url.host(), None),
            (None, None) => {
                self.problem(None, "tls.domain", "it is missing; tls.mode = \"acme\" needs the relay's name");
                return None;
            }
        };
        let name = certifiable(text);
        if name.is_none() {
            self.problem(place, "tls.domain", format!("\"{text}\" {NOT_CERTIFIABLE}"));
        }
        name
    }

    fn acme_directory(&mut self, raw: &RawTls) -> Option<String> {
        let Some(directory) = &raw.acme_directory else { return Some(DIRECTORY.to_owned()) };
        let text = directory.get_ref().as_str();
        if text == STAGING {
            return Some(STAGING_DIRECTORY.to_owned());
        }
        let uri: Option<Uri> = text.parse().ok();
        let is_https =
            uri.is_some_and(|uri| uri.scheme_str() == Some("https") && uri.host().is_some_and(|host| !host.is_empty()));
        if !is_https {
            let text = format!("\"{text}\" is neither an https:// URL nor \"{STAGING}\"");
            self.problem(Some(directory.span()), "tls.acme_directory", text);
        }
        is_https.then(|| text.to_owned())
    }

    fn acme_email(&mut self, raw: &RawTls) -> Option<String> {
        let email = raw.acme_email.as_ref()?;
        let text = email.get_ref().as_str();
        let is_address = text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
            && text.chars().all(|c| !c.is_whitespace() && !c.is_control() && !matches!(c, ',' | '?'));
        if !is_address {
            self.problem(Some(email.span()), "tls.acme_email", format!("\"{text}\" is no e-mail address"));
        }
        is_address.then(|| text.to_owned())
    }
}
