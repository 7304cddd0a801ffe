//! The address of a relay, as the agent reads it and as the relay prints it: one text, one meaning at both ends.
#![no_main]

use libfuzzer_sys::fuzz_target;
use relay::config::PublicUrl;
use tunnel::leg::url::RelayUrl;

fuzz_target!(|text: &str| {
    if let Ok(url) = text.parse::<RelayUrl>() {
        assert_eq!(url.to_string().parse(), Ok(url));
    }
    if let Ok(public) = text.parse::<PublicUrl>() {
        let shown = public.to_string();
        assert_eq!(shown.parse(), Ok(public));
        let at_agent = shown.parse::<RelayUrl>().expect("an agent dials what a relay calls its address");
        if let Ok(url) = text.parse::<RelayUrl>() {
            assert_eq!(url, at_agent);
        }
    }
});
