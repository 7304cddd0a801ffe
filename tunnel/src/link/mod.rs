//! The link: an ordered byte stream between the two ends that outlives its legs.
//!
//! ```text
//!   LinkStream ── write ──▶ outgoing ──▶ frames ──▶ leg      [`driver`] owns the leg, dials, pings,
//!              ◀── read ── incoming ◀── frames ◀── leg       decides when the link is given up
//! ```
//!
//! [`core`] is pure: it takes bytes and gives bytes, and knows neither sockets nor time.
//! Never: an offset that cannot be is `RESET`, never a panic; no buffer grows beyond [`crate::limits::LINK_CAPACITY`].

mod carrying;
pub mod core;
mod dialling;
pub mod driver;
#[cfg(test)]
mod driver_tests;
pub mod end;
pub mod frame;
mod incoming;
mod outgoing;
mod patience;
mod pump;
mod reaction;
mod silence;
pub mod status;
pub mod stream;
#[cfg(test)]
mod tests;

pub use driver::{LinkConfig, LinkHandle, Redialer, open};
pub use end::LinkEnd;
pub use status::LinkStatus;
pub use stream::LinkStream;
