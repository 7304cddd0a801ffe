//! A leg: one WebSocket between an end and the relay, as bounded binary messages.

pub mod port;
#[cfg(feature = "ends")]
pub mod url;
