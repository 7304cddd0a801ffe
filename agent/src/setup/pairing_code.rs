//! The relay's pairing code: `wss://NAME:TOKEN@HOST:PORT`, and `#sha256=HEX` when its certificate is pinned.
//!
//! Never: neither an error nor `Debug` shows any part of a code.

use std::str::FromStr;

use secrecy::SecretString;
use tunnel::leg::url::{BadRelayUrl, RelayUrl};

/// Longest code, bytes: a name, a token, a host's name and a fingerprint at their longest.
const LONGEST: usize = 1024;
/// Longest name of an agent, bytes, as relays allow it.
const LONGEST_NAME: usize = 63;
/// Longest token, bytes: it travels in one header.
const LONGEST_TOKEN: usize = 512;
/// What comes before the fingerprint.
const PIN: &str = "sha256=";

/// What a pairing code tells.
#[derive(Debug, Clone)]
pub struct PairingCode {
    /// What the relay calls this agent.
    pub name: String,
    /// The agent's token there.
    pub token: SecretString,
    /// Where the relay is.
    pub url: RelayUrl,
    /// The only certificate it may show.
    pub pin: Option<[u8; 32]>,
}

/// Why a text is no pairing code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPairingCode {
    /// Nothing was given.
    #[error("no pairing code was given")]
    Empty,
    /// Something else altogether.
    #[error("a pairing code has at most {LONGEST} printable characters and no spaces; copy its whole line")]
    Text,
    /// No name and token.
    #[error("a pairing code is wss://NAME:TOKEN@HOST:PORT, as `awslambdaproxy-relay init` and `agent add` print it")]
    Shape,
    /// The name or the token cannot be.
    #[error("the name or the token in the pairing code is not one of ours; copy its whole line")]
    Token,
    /// The address.
    #[error("the address in the pairing code: {0}")]
    Url(#[from] BadRelayUrl),
    /// What is after the `#`.
    #[error("a pairing code ends with the port, or with #sha256= and 64 hexadecimal digits")]
    Pin,
    /// A fingerprint where there is no certificate.
    #[error("the pairing code pins a certificate, but its ws:// address has none")]
    PinOfNothing,
}

impl FromStr for PairingCode {
    type Err = BadPairingCode;

    fn from_str(text: &str) -> Result<Self, BadPairingCode> {
        let text = text.trim();
        if text.is_empty() {
            return Err(BadPairingCode::Empty);
        }
        if text.len() > LONGEST || !text.bytes().all(|c| c.is_ascii_graphic()) {
            return Err(BadPairingCode::Text);
        }
        let (rest, pin) = match text.split_once('#') {
            Some((rest, pin)) => (rest, Some(read_pin(pin)?)),
            None => (text, None),
        };
        let (scheme, rest) = rest.split_once("://").ok_or(BadPairingCode::Shape)?;
        let (user, authority) = rest.split_once('@').ok_or(BadPairingCode::Shape)?;
        let (name, token) = user.split_once(':').ok_or(BadPairingCode::Shape)?;
        if !is_name(name) || !is_token(token) {
            return Err(BadPairingCode::Token);
        }
        let url: RelayUrl = format!("{scheme}://{authority}").parse()?;
        if pin.is_some() && !url.tls {
            return Err(BadPairingCode::PinOfNothing);
        }
        Ok(Self { name: name.to_owned(), token: token.into(), url, pin })
    }
}

fn read_pin(text: &str) -> Result<[u8; 32], BadPairingCode> {
    let mut pin = [0; 32];
    let digits = text.strip_prefix(PIN).ok_or(BadPairingCode::Pin)?;
    hex::decode_to_slice(digits, &mut pin).map_err(|_| BadPairingCode::Pin)?;
    Ok(pin)
}

fn is_name(text: &str) -> bool {
    let fits = (1..=LONGEST_NAME).contains(&text.len());
    fits && text.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-'))
}

/// Letters and digits, and what base64 and its like need; no character that has a meaning in a URL.
fn is_token(text: &str) -> bool {
    let fits = (1..=LONGEST_TOKEN).contains(&text.len());
    fits && text.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-' | b'~' | b'+' | b'='))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use secrecy::ExposeSecret;

    use super::*;

    const TOKEN: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    fn read(text: &str) -> Result<PairingCode, BadPairingCode> {
        text.parse()
    }

    #[test]
    fn a_code_with_and_without_a_pin_is_read_and_its_token_is_not_shown() {
        let code = read(&format!("  wss://laptop:{TOKEN}@relay.example.com:8443#sha256={TOKEN}\n")).expect("valid");
        assert_eq!((code.name.as_str(), code.url.to_string().as_str()), ("laptop", "wss://relay.example.com:8443"));
        assert_eq!(code.token.expose_secret(), TOKEN);
        assert_eq!(code.pin.map(hex::encode).as_deref(), Some(TOKEN));
        assert!(!format!("{code:?}").contains(TOKEN));
        assert!(read(&format!("ws://a:{TOKEN}@127.0.0.1:8000")).is_ok_and(|code| code.pin.is_none()));
        assert!(read(&format!("wss://a:{TOKEN}@[2001:db8::1]")).is_ok());
    }

    #[test]
    fn what_is_wrong_is_named_and_nothing_of_the_code_is_shown() {
        let after = |rest: &str| format!("wss://laptop:{TOKEN}{rest}");
        for (text, expected) in [
            (String::new(), BadPairingCode::Empty),
            (" \n".into(), BadPairingCode::Empty),
            ("wss://a:b c@d".into(), BadPairingCode::Text),
            (after(&"x".repeat(LONGEST)), BadPairingCode::Text),
            ("hello".into(), BadPairingCode::Shape),
            ("wss://relay.example.com".into(), BadPairingCode::Shape),
            (format!("wss://{TOKEN}@relay.example.com"), BadPairingCode::Shape),
            ("wss://:x@relay.example.com".into(), BadPairingCode::Token),
            ("wss://a:@relay.example.com".into(), BadPairingCode::Token),
            ("wss://a:x/y@relay.example.com".into(), BadPairingCode::Token),
            (after("@relay.example.com/path"), BadPairingCode::Url(BadRelayUrl::Authority)),
            (format!("ws://a:{TOKEN}@relay.example.com"), BadPairingCode::Url(BadRelayUrl::Plain)),
            (format!("https://a:{TOKEN}@relay.example.com"), BadPairingCode::Url(BadRelayUrl::Scheme)),
            (after("@relay.example.com#"), BadPairingCode::Pin),
            (after("@relay.example.com#sha256=00"), BadPairingCode::Pin),
            (after("@relay.example.com#md5=00"), BadPairingCode::Pin),
            (format!("ws://a:{TOKEN}@127.0.0.1#sha256={TOKEN}"), BadPairingCode::PinOfNothing),
        ] {
            let error = read(&text).expect_err(&text);
            assert_eq!(error, expected, "{text}");
            assert!(!error.to_string().contains(TOKEN));
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(wss?://)?[a-z:@#]{0,12}.{0,60}") {
            let _ = read(&text);
        }

        #[test]
        fn every_code_of_a_relay_is_read(name in "[A-Za-z0-9._-]{1,63}", token in "[0-9a-f]{64}", port in 1u16.., pin in prop::option::of("[0-9a-f]{64}")) {
            let tail = pin.as_ref().map(|pin| format!("#sha256={pin}")).unwrap_or_default();
            let code = read(&format!("wss://{name}:{token}@relay.example.com:{port}{tail}")).expect("valid");
            prop_assert_eq!(code.url.authority.port, port);
            prop_assert_eq!((code.name, code.token.expose_secret().to_owned(), code.pin.map(hex::encode)), (name, token, pin));
        }
    }
}
