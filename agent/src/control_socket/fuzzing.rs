//! The lines on the socket, for the fuzz target.

use super::wire::{Answer, Request};

/// A line as a request and as an answer.
///
/// # Panics
/// When a request does not survive the wire.
pub fn line(bytes: &[u8]) {
    if let Ok(request) = serde_json::from_slice::<Request>(bytes) {
        let written = serde_json::to_vec(&request).expect("plain data");
        assert_eq!(serde_json::from_slice::<Request>(&written).expect("own line"), request);
    }
    if let Ok(answer) = serde_json::from_slice::<Answer>(bytes) {
        let written = serde_json::to_vec(&answer).expect("plain data");
        serde_json::from_slice::<Answer>(&written).expect("own line");
        if let Answer::Status(status) = answer {
            let _ = crate::status::text::render(&status);
        }
    }
}
