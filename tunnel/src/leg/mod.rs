//! A leg: one WebSocket between an end and the relay, as bounded binary messages.

#[cfg(feature = "ends")]
pub mod authorities;
#[cfg(feature = "ends")]
mod connect;
#[cfg(feature = "ends")]
pub mod dial;
#[cfg(feature = "ends")]
pub mod known;
pub mod port;
#[cfg(feature = "ends")]
pub mod probe;
#[cfg(feature = "ends")]
pub mod proxy;
#[cfg(feature = "ends")]
pub mod steps;
#[cfg(feature = "ends")]
pub mod tls;
#[cfg(feature = "ends")]
pub mod url;
#[cfg(feature = "ends")]
pub(crate) mod watched;
