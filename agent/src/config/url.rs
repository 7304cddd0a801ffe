//! The few URLs of a configuration: `http://` or `https://`, a host, a port and a path.
//!
//! Never: a URL's `Debug` and `Display` never show its password.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use secrecy::SecretString;
use tunnel::destination::{Destination, Host};

use super::node::Node;
use super::value::{Fault, Value, parsed};

/// User name and password of a URL, as written (percent-encoded characters are decoded).
#[derive(Debug, Clone)]
pub struct UserInfo {
    /// The user name.
    pub username: String,
    /// The password; empty when there was none.
    pub password: SecretString,
}

/// An `http` or `https` URL.
#[derive(Debug, Clone)]
pub struct HttpUrl {
    /// Whether it is `https`.
    pub tls: bool,
    /// What stood before an `@`.
    pub user: Option<UserInfo>,
    /// Host and port; 443 and 80 when the text had none.
    pub authority: Destination,
    /// Path and query, beginning with a slash.
    pub path: String,
}

/// Why a text is no such URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadUrl {
    /// Another scheme, or none.
    #[error("a URL begins with https:// or http://")]
    Scheme,
    /// No host, or one that cannot be.
    #[error("a URL is https://host, https://host:port or https://host:port/path")]
    Authority,
    /// A space, a control character or one outside ASCII in the path.
    #[error("the path of a URL is printable ASCII without spaces")]
    Path,
    /// User information with a broken escape.
    #[error("the user name or password of the URL is not percent-encoded UTF-8")]
    UserInfo,
}

impl HttpUrl {
    /// Whether the host is this machine.
    pub fn is_loopback(&self) -> bool {
        match &self.authority.host {
            Host::Ip(IpAddr::V4(ip)) => ip.is_loopback(),
            Host::Ip(IpAddr::V6(ip)) => ip.is_loopback(),
            Host::Name(name) => name == "localhost",
        }
    }
}

impl FromStr for HttpUrl {
    type Err = BadUrl;

    fn from_str(text: &str) -> Result<Self, BadUrl> {
        let (tls, rest, port) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest, 443),
            (None, Some(rest)) => (false, rest, 80),
            (None, None) => return Err(BadUrl::Scheme),
        };
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (user, authority) = match authority.rsplit_once('@') {
            Some((user, authority)) => (Some(user_info(user)?), authority),
            None => (None, authority),
        };
        let authority = Destination::parse_or(authority, port).map_err(|_| BadUrl::Authority)?;
        Ok(Self { tls, user, authority, path: path_of(path)? })
    }
}

fn path_of(text: &str) -> Result<String, BadUrl> {
    if !text.bytes().all(|c| c.is_ascii_graphic()) {
        return Err(BadUrl::Path);
    }
    let path = text.split('#').next().unwrap_or_default();
    Ok(if path.starts_with('/') { path.to_owned() } else { format!("/{path}") })
}

fn user_info(text: &str) -> Result<UserInfo, BadUrl> {
    let (username, password) = text.split_once(':').unwrap_or((text, ""));
    Ok(UserInfo { username: decode(username)?, password: decode(password)?.into() })
}

/// Decodes `%20` and its like.
fn decode(text: &str) -> Result<String, BadUrl> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let (digits, tail) = rest.split_at_checked(2).ok_or(BadUrl::UserInfo)?;
        let mut byte = [0];
        hex::decode_to_slice(digits, &mut byte).map_err(|_| BadUrl::UserInfo)?;
        bytes.push(byte[0]);
        rest = tail;
    }
    String::from_utf8(bytes).map_err(|_| BadUrl::UserInfo)
}

impl fmt::Display for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, default) = if self.tls { ("https", 443) } else { ("http", 80) };
        write!(f, "{scheme}://{}{}", if self.user.is_some() { "…@" } else { "" }, self.authority.host)?;
        if self.authority.port != default {
            write!(f, ":{}", self.authority.port)?;
        }
        f.write_str(if self.path == "/" { "" } else { &self.path })
    }
}

impl Value for HttpUrl {
    const EXPECTED: &'static str = "a URL";

    fn read(node: &Node) -> Result<Self, Fault> {
        parsed(node)
    }

    fn show(&self) -> String {
        format!("\"{self}\"")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn urls_are_read_and_shown_without_their_password() {
        for (text, shown) in [
            ("https://checkip.amazonaws.com", "https://checkip.amazonaws.com"),
            ("http://127.0.0.1:8000/a?b=c", "http://127.0.0.1:8000/a?b=c"),
            ("http://corp%20user:p%40ss@proxy.example:3128", "http://…@proxy.example:3128"),
            ("https://[::1]:443/", "https://[::1]"),
        ] {
            assert_eq!(text.parse::<HttpUrl>().expect(text).to_string(), shown);
        }
        let user = "http://u:p%40ss@proxy".parse::<HttpUrl>().expect("valid").user.expect("given");
        assert_eq!((user.username.as_str(), user.password.expose_secret()), ("u", "p@ss"));
        assert!(!format!("{user:?}").contains("p@ss"));
    }

    #[test]
    fn what_is_no_url_is_named() {
        assert_eq!("ftp://x".parse::<HttpUrl>().err(), Some(BadUrl::Scheme));
        assert_eq!("https://".parse::<HttpUrl>().err(), Some(BadUrl::Authority));
        assert_eq!("https://x/a b".parse::<HttpUrl>().err(), Some(BadUrl::Path));
        assert_eq!("http://%zz@x".parse::<HttpUrl>().err(), Some(BadUrl::UserInfo));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(https?://)?.{0,60}") {
            let _ = text.parse::<HttpUrl>();
        }
    }
}
