//! What a leg is to do next: the newest state of its peer, or its end. A slot and no queue, so changes cannot pile up.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use tokio::sync::mpsc;

/// Messages of one pairing and direction that are read and not yet written: one is written while the next is read. They
/// are 64 KiB at most.
const IN_FLIGHT: usize = 2;

/// One pairing, as one leg of it holds it. Its channels are its own: what is left in them when it is over reaches no other.
pub(crate) struct Pairing {
    pub(crate) number: u64,
    pub(crate) to_peer: mpsc::Sender<Bytes>,
    pub(crate) from_peer: mpsc::Receiver<Bytes>,
}

impl Pairing {
    /// The two sides of pairing `number`.
    pub(crate) fn between(number: u64) -> (Self, Self) {
        let (to_b, from_a) = mpsc::channel(IN_FLIGHT);
        let (to_a, from_b) = mpsc::channel(IN_FLIGHT);
        (Self { number, to_peer: to_b, from_peer: from_b }, Self { number, to_peer: to_a, from_peer: from_a })
    }
}

/// What a leg is told.
pub(crate) enum Order {
    /// This is its peer now, if any.
    Peer(Option<Pairing>),
    /// It ends with this close code.
    Close(u16),
}

/// The slot between the table and one leg.
#[derive(Default)]
pub(crate) struct Mailbox {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    peer: Option<Option<Pairing>>,
    close: Option<u16>,
    reader: Option<Waker>,
}

impl Mailbox {
    /// Replaces what the leg was to hear about its peer.
    pub(crate) fn set_peer(&self, peer: Option<Pairing>) {
        self.change(|state| state.peer = Some(peer));
    }

    /// Ends the leg; nothing set before or later matters then.
    pub(crate) fn close(&self, code: u16) {
        self.change(|state| state.close = Some(code));
    }

    /// The next order. For one reader.
    pub(crate) fn poll_take(&self, cx: &Context<'_>) -> Poll<Order> {
        let mut state = self.lock();
        if let Some(code) = state.close {
            return Poll::Ready(Order::Close(code));
        }
        if let Some(peer) = state.peer.take() {
            return Poll::Ready(Order::Peer(peer));
        }
        if !state.reader.as_ref().is_some_and(|reader| reader.will_wake(cx.waker())) {
            state.reader = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
