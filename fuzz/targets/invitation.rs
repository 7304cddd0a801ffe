//! The Invoke payload: nothing panics, and what is an invitation is written back as the same one.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tunnel::identity::Identity;
use tunnel::invitation::{Invitation, parse_pin};

/// Stands for a key in the seeds, which hold none.
const PLACE: &str = "IDENTITY";

static KEY: LazyLock<String> = LazyLock::new(|| Identity::mint().pkcs8().iter().map(|byte| format!("{byte:02x}")).collect());

fuzz_target!(|text: &str| {
    let json = text.replacen(PLACE, &KEY, 1);
    if let Ok(invitation) = Invitation::parse(json.as_bytes()) {
        assert!(!invitation.relays.is_empty());
        let written = invitation.to_json();
        let again = Invitation::parse(written.to_string().as_bytes()).expect("own JSON");
        assert_eq!(again.to_json(), written);
        // A relay may be called as the ticket is; then its name is shown, and that is no leak.
        let ticket = invitation.ticket.to_hex();
        if json.to_ascii_lowercase().matches(&ticket).count() == 1 {
            assert!(!format!("{invitation:?}").contains(&ticket));
        }
    }
    let _ = parse_pin(text);
});
