//! What a company's proxy answers to CONNECT: nothing panics, and nothing is shown that a terminal would obey.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tunnel::leg::proxy::Answer;

fuzz_target!(|head: &[u8]| {
    if let Some(answer) = Answer::parse(head) {
        assert!(answer.status < 1000);
        let texts = answer.schemes.iter().chain([&answer.reason]);
        assert!(texts.into_iter().all(|text| !text.contains(char::is_control) && text.chars().count() <= 120));
    }
});
