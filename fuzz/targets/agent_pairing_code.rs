//! A relay's pairing code: no text panics, and what is read can be written again and read as the same.
#![no_main]

use agent::setup::PairingCode;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(code) = text.parse::<PairingCode>() else { return };
    let pin = code.pin.map(|pin| pin.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    let tail = pin.map(|pin| format!("#sha256={pin}")).unwrap_or_default();
    let (scheme, authority) = (if code.url.tls { "wss" } else { "ws" }, &code.url.authority);
    let again: PairingCode = format!("{scheme}://{}:token@{authority}{tail}", code.name).parse().expect("the same code");
    assert_eq!((again.name, again.url, again.pin), (code.name, code.url, code.pin));
});
