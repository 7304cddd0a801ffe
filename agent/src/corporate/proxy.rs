//! One proxy, and who named it.

use std::ffi::OsStr;
use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use tunnel::leg::proxy::HttpProxy;

use crate::config::{HttpUrl, UserInfo};
use crate::routing::Loops;

/// A proxy of the company.
#[derive(Debug, Clone)]
pub struct CorporateProxy {
    url: HttpUrl,
    named_by: &'static str,
}

/// Why a setting names no proxy that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadProxy {
    /// Another kind of proxy, or no URL at all. Its text may hold a password, so it is not repeated.
    #[error("{named_by} {MALFORMED}")]
    Malformed {
        /// The variable.
        named_by: &'static str,
    },
    /// The agent's own proxy.
    #[error("{named_by} {}", circle(named_by, url))]
    Loop {
        /// The variable or the key.
        named_by: &'static str,
        /// The proxy, without its password.
        url: String,
    },
}

const MALFORMED: &str = "names no HTTP proxy: it must be http://host:port, with user:password@ before the host if the proxy \
                         asks; change it, or list the host that is to be reached without a proxy in NO_PROXY";

impl BadProxy {
    /// The variable or the key, and what is wrong with it, as the words that follow its name.
    pub fn parts(&self) -> (&'static str, String) {
        match self {
            Self::Malformed { named_by } => (named_by, MALFORMED.to_owned()),
            Self::Loop { named_by, url } => (named_by, circle(named_by, url)),
        }
    }
}

fn circle(named_by: &str, url: &str) -> String {
    format!(
        "names this agent's own proxy ({url}), which needs the relay and AWS to reach anything: remove the setting for the agent \
         (in a shell: `env -u {named_by} awslambdaproxy run`), or name the company's proxy there"
    )
}

impl CorporateProxy {
    /// The proxy of a configuration's key.
    pub fn configured(url: HttpUrl, key: &'static str) -> Self {
        Self { url, named_by: key }
    }

    /// The proxy of a variable, with or without `http://`.
    pub(super) fn from_variable(named_by: &'static str, value: &OsStr) -> Result<Self, BadProxy> {
        let text = value.to_str().unwrap_or_default().trim();
        let text = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let usable = |url: &HttpUrl| !url.tls && url.path == "/";
        let url = text.parse::<HttpUrl>().ok().filter(usable).ok_or(BadProxy::Malformed { named_by })?;
        Ok(Self { url, named_by })
    }

    /// Where it is, and as whom it is used.
    pub fn url(&self) -> &HttpUrl {
        &self.url
    }

    /// The setting that named it.
    pub fn named_by(&self) -> &'static str {
        self.named_by
    }

    /// As a leg dials it.
    pub fn dialled(&self) -> HttpProxy {
        let authorization = self.url.user.as_ref().map(basic);
        HttpProxy { authority: self.url.authority.clone(), authorization }
    }

    /// The URL with its user name and password. Treat the result as the secret it is.
    pub fn secret_url(&self) -> SecretString {
        let user = self
            .url
            .user
            .as_ref()
            .map(|user| format!("{}:{}@", percent_encoded(&user.username), percent_encoded(user.password.expose_secret())));
        format!("http://{}{}", user.unwrap_or_default(), self.url.authority).into()
    }

    /// Refuses a proxy that is a listener of this agent.
    pub fn refuse_loop(&self, own: &Loops) -> Result<(), BadProxy> {
        if own.leads_back(&self.url.authority) {
            return Err(BadProxy::Loop { named_by: self.named_by, url: self.url.to_string() });
        }
        Ok(())
    }
}

/// The value of `Proxy-Authorization` (RFC 7617).
fn basic(user: &UserInfo) -> SecretString {
    format!("Basic {}", STANDARD.encode(format!("{}:{}", user.username, user.password.expose_secret()))).into()
}

/// Everything but the unreserved characters of RFC 3986 section 2.3 is escaped.
fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_that_is_the_agent_itself_is_refused_by_name() {
        let own = Loops::new(vec!["127.0.0.1:8080".parse().expect("address")]);
        let proxy = |text: &str| CorporateProxy::from_variable("HTTPS_PROXY", OsStr::new(text)).expect("a proxy");
        for text in ["http://127.0.0.1:8080", "localhost:8080", "http://me:s3cret@[::1]:8080/"] {
            let error = proxy(text).refuse_loop(&own).expect_err("a circle").to_string();
            assert!(error.starts_with("HTTPS_PROXY names this agent's own proxy"), "{error}");
            assert!(error.contains("env -u HTTPS_PROXY") && !error.contains("s3cret"), "{error}");
        }
        for text in ["http://127.0.0.1:3128", "http://proxy.example:8080"] {
            assert_eq!(proxy(text).refuse_loop(&own), Ok(()));
        }
    }
}
