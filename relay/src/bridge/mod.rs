//! One leg, one task: passes binary messages on, tells notices, pings, and knows when the leg is dead.
//!
//! ```text
//!   incoming   the end's bytes: payload, words to the relay      ┐ one pair of these for each leg;
//!   peer       what the end was told, and what may pass          │ two legs meet only in their pairing's
//!   outgoing   pings, notices, payload: one after the other      ┘ bounded channels
//!   buffers    lent while bytes are in them, so an idle leg has none
//!   life       when it was last heard        farewell   last words
//! ```
//!
//! Payload is passed on as it comes, not message by message: within a pairing their boundaries mean nothing. A full channel
//! stops the reading of the leg that fills it. Never: a byte of a binary message is looked at.

mod buffers;
mod farewell;
mod incoming;
mod life;
mod outgoing;
mod peer;

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use prometheus_client::metrics::counter::Counter;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep, sleep_until};
use tunnel::leg::port::close;
use tunnel::limits::RELAY_PING;

use crate::admission::{Allowance, Bucket, Rate};
use crate::pairing::{Departure, Mailbox, Order, Seat};
use crate::websocket::{Opcode, Violation, close_frame, control_frame, text_frame};
use buffers::Buffer;
pub(crate) use buffers::Buffers;
use incoming::{Heard, Incoming, poll_fill};
use life::Life;
use outgoing::Outgoing;
use peer::{Peer, ToEnd};

/// How often an end may speak to the relay: it answers a ping each 5 s, pings as often, and answers changes of its peer.
const SPEECH: Rate = Rate { steady: 10.0, burst: 100.0 };

/// Reads of a leg before others have their turn: two full messages over TLS. Who sends what costs time and comes to nothing is
/// stopped by no full channel.
const READS_A_TURN: usize = 8;

/// Serves a leg until it ends, then leaves its seat and says goodbye. Returns why it ended.
pub(crate) async fn serve<T: AsyncRead + AsyncWrite + Unpin>(io: T, seat: Seat, buffers: Buffers) -> End {
    let mut leg = Leg::new(io, &seat, buffers);
    let end = poll_fn(|cx| leg.poll(cx)).await;
    let departure = if end == End::Closed(Some(close::DONE)) { Departure::Done } else { Departure::Lost };
    seat.leave(departure);
    // In a box of its own, so that a leg that lives does not hold the room for it.
    Box::pin(leg.end(end)).await;
    end
}

/// Why a leg ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Its end closed it, with this code.
    Closed(Option<u16>),
    /// The connection was lost.
    Lost,
    /// Nothing was heard for too long.
    Silent,
    /// Its end broke the protocol.
    Broke(Violation),
    /// Its end spoke to the relay without pause.
    Talked,
    /// The relay ends it.
    Ordered(u16),
}

impl End {
    /// The last frame for the end.
    fn frame(self) -> Option<Bytes> {
        match self {
            Self::Lost => None,
            Self::Closed(code) => Some(close_frame(code)),
            Self::Silent => Some(close_frame(Some(close::TIMED_OUT))),
            Self::Broke(violation) => Some(close_frame(Some(violation.code()))),
            Self::Talked => Some(close_frame(Some(close::FULL))),
            Self::Ordered(code) => Some(close_frame(Some(code))),
        }
    }
}

struct Leg<T> {
    io: T,
    incoming: Incoming,
    outgoing: Outgoing,
    /// The newest ping of the end, to be answered.
    pong_due: Option<Bytes>,
    mailbox: Arc<Mailbox>,
    bytes: Counter,
    peer: Peer,
    buffers: Buffers,
    speech: Bucket,
    reads_left: usize,
    life: Life,
    next_ping: Instant,
    ping_due: bool,
    /// What the rate of the leg's agent, if there is one, lets it pass on.
    allowance: Option<Allowance>,
    /// When that rate lets the leg be read again.
    read_again: Option<Instant>,
    /// Fires at the next ping, at the leg's death, or when it may be read again, whichever is first.
    timer: Pin<Box<Sleep>>,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Leg<T> {
    fn new(io: T, seat: &Seat, buffers: Buffers) -> Self {
        let now = Instant::now();
        let next_ping = now + RELAY_PING;
        Self {
            io,
            incoming: Incoming::new(),
            outgoing: Outgoing::default(),
            pong_due: None,
            mailbox: seat.mailbox(),
            bytes: seat.bytes(),
            peer: Peer::default(),
            buffers,
            speech: Bucket::full(SPEECH, now.into_std()),
            reads_left: READS_A_TURN,
            life: Life::new(now),
            next_ping,
            ping_due: false,
            allowance: seat.allowance(),
            read_again: None,
            timer: Box::pin(sleep_until(next_ping)),
        }
    }

    /// Does all that can be done now; ready when the leg has ended.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        self.reads_left = READS_A_TURN;
        while let Poll::Ready(order) = self.mailbox.poll_take(cx) {
            match order {
                Order::Peer(pairing) => self.peer.change(pairing),
                Order::Close(code) => return Poll::Ready(End::Ordered(code)),
            }
        }
        // Reading comes last: a flood may use up the task's turn, and must not keep it from its pings.
        let mut end = self.poll_time(cx);
        if end.is_pending() {
            end = self.poll_write(cx);
        }
        if end.is_pending() {
            end = self.poll_read(cx);
        }
        // What reading has left to be done: the answer to a ping, a time to wait for.
        if end.is_pending() && self.pong_due.is_some() {
            end = self.poll_write(cx);
        }
        if end.is_pending() && self.read_again.is_some() {
            end = self.poll_time(cx);
        }
        end
    }

    /// Reads while there is something to read, room for it, and leave to.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        loop {
            if self.peer.poll_room(cx).is_pending() || !self.has_leave() {
                self.life.stop_listening(Instant::now());
                return Poll::Pending;
            }
            self.life.listen(Instant::now);
            let mut buffer = self.buffers.lend();
            let filled = self.poll_buffer(cx, &mut buffer);
            if !buffer.is_empty() {
                self.pass_on(buffer);
            }
            if let Err(end) = ready!(filled) {
                return Poll::Ready(end);
            }
        }
    }

    fn pass_on(&mut self, buffer: Buffer) {
        self.bytes.inc_by(buffer.len() as u64);
        let message = buffer.into_message();
        if let Some(allowance) = &self.allowance {
            allowance.spend(Instant::now().into_std(), message.len());
        }
        self.peer.take(message);
    }

    /// Whether the agent's rate lets the leg be read now; else when it will.
    fn has_leave(&mut self) -> bool {
        let Some(allowance) = &self.allowance else { return true };
        let now = Instant::now();
        let wait = allowance.wait(now.into_std());
        self.read_again = (wait > Duration::ZERO).then(|| now + wait);
        if let Some(at) = self.read_again {
            let first = at.min(self.timer.deadline());
            self.timer.as_mut().reset(first);
        }
        self.read_again.is_none()
    }

    /// Reads until the buffer is full or nothing more is there.
    fn poll_buffer(&mut self, cx: &mut Context<'_>, buffer: &mut Buffer) -> Poll<Result<(), End>> {
        while !buffer.is_full() {
            if self.reads_left == 0 {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            self.reads_left -= 1;
            match ready!(poll_fill(&mut self.io, cx, buffer)) {
                Ok(0) | Err(_) => return Poll::Ready(Err(End::Lost)),
                Ok(length) => self.take(buffer, length)?,
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Takes what was read into the buffer's spare part; what is for the peer stays in it.
    fn take(&mut self, buffer: &mut Buffer, length: usize) -> Result<(), End> {
        self.life.heard(Instant::now());
        let mut at = buffer.end();
        let to = at + length;
        while let Some(heard) = self.incoming.next(buffer, &mut at, to).map_err(End::Broke)? {
            match heard {
                Heard::Binary(payload) if self.peer.forwards() => buffer.keep(payload),
                Heard::Binary(_) => {}
                Heard::Close(code) => return Err(End::Closed(code)),
                spoken => self.listen(spoken)?,
            }
        }
        Ok(())
    }

    /// The end speaks to the relay.
    fn listen(&mut self, heard: Heard) -> Result<(), End> {
        match heard {
            Heard::Text(text) => self.peer.hear(&text),
            Heard::Ping(payload) => self.pong_due = Some(payload),
            _ => {}
        }
        if self.speech.try_take(SPEECH, Instant::now().into_std()) { Ok(()) } else { Err(End::Talked) }
    }

    /// Writes while there is something to write and the connection takes it. Ready only when it failed.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        while ready!(self.outgoing.poll_ready(&mut self.io, cx)).is_ok() {
            let Some(frame) = self.next_frame(cx) else { return Poll::Pending };
            self.outgoing.start(frame);
        }
        Poll::Ready(End::Lost)
    }

    fn next_frame(&mut self, cx: &mut Context<'_>) -> Option<Bytes> {
        if std::mem::take(&mut self.ping_due) {
            return Some(control_frame(Opcode::Ping, &[]));
        }
        if let Some(payload) = self.pong_due.take() {
            return Some(control_frame(Opcode::Pong, &payload));
        }
        match self.peer.poll_to_end(cx) {
            Poll::Ready(ToEnd::Notice(notice)) => Some(text_frame(&notice.to_text())),
            Poll::Ready(ToEnd::Binary(message)) => Some(message),
            Poll::Pending => None,
        }
    }

    /// Ready when the leg is dead.
    fn poll_time(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        loop {
            ready!(self.timer.as_mut().poll(cx));
            let now = Instant::now();
            if self.life.is_over(now) {
                return Poll::Ready(End::Silent);
            }
            if now >= self.next_ping {
                self.next_ping = now + RELAY_PING;
                self.ping_due = true;
            }
            self.read_again = self.read_again.filter(|at| *at > now);
            let next = [self.life.deadline(), self.read_again].into_iter().flatten().fold(self.next_ping, Instant::min);
            self.timer.as_mut().reset(next);
        }
    }

    /// Says goodbye: what was begun, what the end is still owed unless it closed by itself, and the close frame.
    async fn end(self, end: End) {
        let Self { io, outgoing, peer, .. } = self;
        let mut words = vec![outgoing.into_rest()];
        if !matches!(end, End::Closed(_) | End::Lost) {
            words.extend(peer.into_rest());
        } else {
            // The peer's leg need not wait for the farewell to hear of it.
            drop(peer);
        }
        words.extend(end.frame());
        farewell::farewell(io, words).await;
    }
}

#[cfg(test)]
#[path = "bridge_tests.rs"]
mod tests;
