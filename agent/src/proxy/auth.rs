//! The proxy's own user name and password.
//!
//! Never: a credential is not compared byte by byte, not shown, and not passed on to a site or an exit.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use tunnel::ticket::sha256;

/// Whom the proxy serves.
#[derive(Default)]
pub struct Auth {
    expected: Option<[u8; 32]>,
}

/// What the config says.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The user name, without a colon (RFC 7617 section 2).
    pub username: String,
    /// The password.
    pub password: SecretString,
}

impl Auth {
    /// Serves everybody who reaches the port, or only who knows `credentials`.
    pub fn new(credentials: Option<&Credentials>) -> Self {
        let digest = |it: &Credentials| digest(it.username.as_bytes(), it.password.expose_secret().as_bytes());
        Self { expected: credentials.map(digest) }
    }

    /// Whether a client must prove itself.
    pub fn is_required(&self) -> bool {
        self.expected.is_some()
    }

    /// Judges a user name and password.
    pub fn accepts(&self, username: &[u8], password: &[u8]) -> bool {
        match &self.expected {
            Some(expected) => bool::from(digest(username, password).ct_eq(expected)),
            None => true,
        }
    }

    /// Judges the values of a request's `Proxy-Authorization` lines (RFC 7617 section 2). Two of them prove nothing.
    pub fn accepts_basic<'a>(&self, mut values: impl Iterator<Item = &'a [u8]>) -> bool {
        if !self.is_required() {
            return true;
        }
        match (values.next().and_then(decode_basic), values.next()) {
            (Some((username, password)), None) => self.accepts(&username, &password),
            _ => false,
        }
    }
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Auth").field("required", &self.is_required()).finish_non_exhaustive()
    }
}

fn decode_basic(value: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (scheme, token) = std::str::from_utf8(value).ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let mut username = STANDARD.decode(token.trim()).ok()?;
    let colon = username.iter().position(|byte| *byte == b':')?;
    let password = username.split_off(colon + 1);
    username.truncate(colon);
    Some((username, password))
}

/// Hashes have one length, so that comparing them tells nothing of the lengths compared.
fn digest(username: &[u8], password: &[u8]) -> [u8; 32] {
    let mut joined = Vec::with_capacity(8 + username.len() + password.len());
    joined.extend_from_slice(&(username.len() as u64).to_be_bytes());
    joined.extend_from_slice(username);
    joined.extend_from_slice(password);
    sha256(&joined)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn auth() -> Auth {
        Auth::new(Some(&Credentials { username: "user".into(), password: SecretString::from("pass:word") }))
    }

    fn basic(value: &str) -> bool {
        auth().accepts_basic([value.as_bytes()].into_iter())
    }

    #[test]
    fn only_the_right_credentials_pass() {
        assert!(basic(&format!("Basic {}", STANDARD.encode("user:pass:word"))));
        assert!(basic(&format!("bAsIc  {}", STANDARD.encode("user:pass:word"))));
        for wrong in ["user:pass", "user", "user:", ":pass:word", "User:pass:word", "user:pass:word2"] {
            assert!(!basic(&format!("Basic {}", STANDARD.encode(wrong))), "{wrong}");
        }
        for malformed in ["", "Basic", "Basic ", "Bearer abc", "Basic ***"] {
            assert!(!basic(malformed), "{malformed}");
        }
        let right = format!("Basic {}", STANDARD.encode("user:pass:word"));
        assert!(!auth().accepts_basic([right.as_bytes(), right.as_bytes()].into_iter()), "one line, not two");
        assert!(!auth().accepts_basic(std::iter::empty()));
    }

    #[test]
    fn the_border_between_name_and_password_counts() {
        assert!(auth().accepts(b"user", b"pass:word"));
        assert!(!auth().accepts(b"userpass", b":word"));
    }

    #[test]
    fn without_credentials_everybody_passes() {
        assert!(Auth::new(None).accepts(b"", b""));
        assert!(Auth::default().accepts_basic([b"nonsense".as_slice()].into_iter()));
    }

    #[test]
    fn nothing_secret_is_shown() {
        let credentials = Credentials { username: "user".into(), password: SecretString::from("hunter2") };
        assert!(!format!("{credentials:?}").contains("hunter2"));
    }

    proptest! {
        #[test]
        fn any_value_is_judged(value in proptest::collection::vec(any::<u8>(), 0..80)) {
            prop_assert!(!auth().accepts_basic([value.as_slice()].into_iter()));
        }
    }
}
