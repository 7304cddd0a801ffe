//! Which two legs belong together.
//!
//! `table` decides and `ended` remembers; `handle` shares the table and carries its decisions to the legs' `mailbox`es.

mod ended;
mod handle;
mod mailbox;
mod table;

pub(crate) use handle::{Handle, Seat};
pub(crate) use mailbox::{Mailbox, Order, Pairing};
pub(crate) use table::{Departure, Side};
