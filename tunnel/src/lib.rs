//! What both ends of a tunnel, and the relay between them, must agree on.
//!
//! ```text
//!   session   HTTP/2 CONNECT streams, adaptive windows        ┐
//!   identity  TLS 1.3 between the ends, one-tunnel keys       │ feature `ends`: a relay built
//!   link      ordered bytes that outlive their legs           │ without it cannot name what
//!   leg/dial  one WebSocket to the relay                      ┘ would read traffic
//!   leg/port, ticket, instance, limits                          the relay's side
//! ```
//!
//! A thing belongs here only if the other end breaks when it changes.

#[cfg(feature = "ends")]
pub mod answer;
#[cfg(feature = "ends")]
pub mod awake;
#[cfg(feature = "ends")]
pub mod control;
#[cfg(feature = "ends")]
pub mod destination;
#[cfg(feature = "ends")]
pub mod identity;
pub mod instance;
#[cfg(feature = "ends")]
pub mod invitation;
pub mod leg;
pub mod limits;
#[cfg(feature = "ends")]
pub mod link;
#[cfg(feature = "ends")]
pub mod meter;
#[cfg(feature = "ends")]
pub mod outcome;
pub mod random;
#[cfg(feature = "ends")]
pub mod session;
#[cfg(feature = "ends")]
pub mod splice;
#[cfg(feature = "ends")]
pub mod stream;
#[cfg(feature = "testing")]
pub mod testing;
pub mod ticket;
