//! The proxy's own user name and password.
//!
//! Never: a credential is not compared byte by byte, not shown, and not passed on to a site or an exit. A user name that asks for
//! a region is not served by another one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use tunnel::ticket::sha256;

use super::ignored::Ignored;

/// Whom the proxy serves.
#[derive(Default)]
pub struct Auth {
    expected: Option<[u8; 32]>,
    ignored: Ignored,
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
        Self { expected: credentials.map(digest), ignored: Ignored::default() }
    }

    /// Whether a client must prove itself.
    pub fn is_required(&self) -> bool {
        self.expected.is_some()
    }

    /// Judges a user name and password. The name may end in a wish for a region (see [`region_username`]).
    pub fn admits(&self, username: &[u8], password: &[u8]) -> Result<Admission, Denied> {
        if self.is_required() && self.is_right(username, password) {
            return Ok(Admission::default());
        }
        match split_region(username) {
            Some((name, _)) if !self.is_right(name, password) => Err(Denied::Unproven),
            Some((_, [])) => Err(Denied::NoRegion),
            Some((_, region)) => Ok(Admission { region: Some(String::from_utf8_lossy(region).into_owned()) }),
            None => {
                let admission = self.admits_anybody()?;
                self.ignored.tell(username);
                Ok(admission)
            }
        }
    }

    fn admits_anybody(&self) -> Result<Admission, Denied> {
        if self.is_required() { Err(Denied::Unproven) } else { Ok(Admission::default()) }
    }

    fn is_right(&self, username: &[u8], password: &[u8]) -> bool {
        match &self.expected {
            Some(expected) => bool::from(digest(username, password).ct_eq(expected)),
            None => true,
        }
    }

    /// Judges the values of a request's `Proxy-Authorization` lines (RFC 7617 section 2). Two of them prove nothing, and do not
    /// say which region is wished.
    pub fn admits_basic<'a>(&self, mut values: impl Iterator<Item = &'a [u8]>) -> Result<Admission, Denied> {
        match (values.next(), values.next()) {
            (None, _) => self.admits_anybody(),
            (Some(value), None) => match decode_basic(value) {
                Some((username, password)) => self.admits(&username, &password),
                None => self.admits_anybody(),
            },
            (Some(_), Some(_)) => Err(Denied::Unproven),
        }
    }
}

/// Why a client is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// Wrong or no credentials.
    #[error("the client did not prove itself")]
    Unproven,
    /// The wish for a region names none, as when a script's variable is not set. Any region would be the wrong one.
    #[error("region= in the user name names no region; write region=REGION, or leave it out to take any")]
    NoRegion,
}

/// A client that was let in, and what its user name wished.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Admission {
    /// The one region whose exits it wants.
    pub region: Option<String>,
}

/// What marks a wish for a region in a user name.
const REGION: &str = "region=";

/// The user name with which a client gets exits of one region only: `region=REGION`, after the name that the proxy asks for
/// and a plus, if it asks for one.
pub fn region_username(name: Option<&str>, region: &str) -> String {
    name.map_or_else(|| format!("{REGION}{region}"), |name| format!("{name}+{REGION}{region}"))
}

/// Parts such a user name into the name that the proxy asks for, and the region, which may be empty.
fn split_region(username: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = username.windows(REGION.len()).rposition(|window| window.eq_ignore_ascii_case(REGION.as_bytes()))?;
    let (before, region) = (&username[..at], &username[at + REGION.len()..]);
    let name = if before.is_empty() { before } else { before.strip_suffix(b"+")? };
    Some((name, region))
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
        auth().admits_basic([value.as_bytes()].into_iter()).is_ok()
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
        assert!(auth().admits_basic([right.as_bytes(), right.as_bytes()].into_iter()).is_err(), "one line, not two");
        assert!(auth().admits_basic(std::iter::empty()).is_err());
    }

    #[test]
    fn the_border_between_name_and_password_counts() {
        assert!(auth().admits(b"user", b"pass:word").is_ok());
        assert!(auth().admits(b"userpass", b":word").is_err());
    }

    #[test]
    fn without_credentials_everybody_passes() {
        assert_eq!(Auth::new(None).admits(b"", b""), Ok(Admission::default()));
        assert_eq!(Auth::new(None).admits(b"somebody", b"secret"), Ok(Admission::default()));
        assert!(Auth::default().admits_basic([b"nonsense".as_slice()].into_iter()).is_ok());
    }

    #[test]
    fn a_user_name_may_wish_for_a_region() {
        let wish = |auth: &Auth, name: &str, password: &str| auth.admits(name.as_bytes(), password.as_bytes());
        let region = |name: &str| Ok(Admission { region: Some(name.to_owned()) });
        for (name, region) in [
            ("region=us-west-2", region("us-west-2")),
            ("x+region=a", region("a")),
            ("Region=a", region("a")),
            ("x+REGION=A", region("A")),
            ("region= a", region(" a")),
        ] {
            assert_eq!(wish(&Auth::default(), name, ""), region, "{name}");
        }
        assert_eq!(Auth::default().admits(b"region=\xff", b""), region("\u{fffd}"), "no region, rather than any");
        assert_eq!(wish(&auth(), &region_username(Some("user"), "us-west-2"), "pass:word"), region("us-west-2"));
        for (name, password) in [
            ("user+region=a", "wrong"),
            ("region=a", "pass:word"),
            ("userregion=a", "pass:word"),
            ("other+region=a", "pass:word"),
            ("user+region=", "wrong"),
        ] {
            assert_eq!(wish(&auth(), name, password), Err(Denied::Unproven), "{name}");
        }
        let two = [b"Basic cmVnaW9uPWE6".as_slice(), b"Basic cmVnaW9uPWI6"];
        assert_eq!(Auth::default().admits_basic(two.into_iter()), Err(Denied::Unproven), "which of them is not sure");
    }

    #[test]
    fn a_wish_that_names_no_region_is_no_wish_for_any() {
        for name in ["region=", "REGION=", "x+region="] {
            assert_eq!(Auth::default().admits(name.as_bytes(), b""), Err(Denied::NoRegion), "{name}");
        }
        assert_eq!(auth().admits(b"user+region=", b"pass:word"), Err(Denied::NoRegion));
    }

    #[test]
    fn nothing_secret_is_shown() {
        let credentials = Credentials { username: "user".into(), password: SecretString::from("hunter2") };
        assert!(!format!("{credentials:?}").contains("hunter2"));
    }

    proptest! {
        #[test]
        fn any_value_is_judged(value in proptest::collection::vec(any::<u8>(), 0..80)) {
            prop_assert!(auth().admits_basic([value.as_slice()].into_iter()).is_err());
        }
    }
}
