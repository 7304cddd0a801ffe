//! One leg, one task: passes binary messages on, tells notices, pings, and knows when the leg is dead.
//!
//! The two legs of a pairing meet only in the pairing's bounded channels; a full one stops the reading of the leg that fills
//! it. Never: a byte of a binary message is looked at.

mod life;
mod peer;
mod wire;

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::{Sink, Stream};
use prometheus_client::metrics::counter::Counter;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::{Error, Message};
use tunnel::leg::port::close;
use tunnel::limits::{LARGEST_NOTICE, RELAY_PING};

use crate::pairing::{Departure, Mailbox, Order, Seat};
use life::Life;
use peer::{Peer, ToEnd};
use wire::Stamped;

/// Serves a leg until it ends, then leaves its seat and says goodbye. Returns why it ended.
pub(crate) async fn serve<T: AsyncRead + AsyncWrite + Unpin>(io: T, seat: Seat) -> End {
    let mut leg = Leg::new(wire::websocket(io).await, &seat);
    let end = poll_fn(|cx| leg.poll(cx)).await;
    let departure = if end == End::Closed(Some(close::DONE)) { Departure::Done } else { Departure::Lost };
    seat.leave(departure);
    let Leg { ws, peer, .. } = leg;
    wire::farewell(ws, peer.into_rest(), end.code()).await;
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
    Broke(u16),
    /// The relay ends it.
    Ordered(u16),
}

impl End {
    /// The close code that the relay sends.
    fn code(self) -> Option<u16> {
        match self {
            Self::Closed(_) | Self::Lost => None,
            Self::Silent => Some(close::TIMED_OUT),
            Self::Broke(code) | Self::Ordered(code) => Some(code),
        }
    }

    fn of(error: &Error) -> Self {
        match error {
            Error::Capacity(_) => Self::Broke(close::TOO_BIG),
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Self::Lost,
            Error::Protocol(_) | Error::Utf8(_) => Self::Broke(close::PROTOCOL_ERROR),
            _ => Self::Lost,
        }
    }
}

struct Leg<T> {
    ws: WebSocketStream<Stamped<T>>,
    mailbox: Arc<Mailbox>,
    bytes: Counter,
    peer: Peer,
    life: Life,
    next_ping: Instant,
    ping_due: bool,
    /// Fires at the next ping or at the leg's death, whichever is first.
    timer: Pin<Box<Sleep>>,
    unflushed: bool,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Leg<T> {
    fn new(ws: WebSocketStream<Stamped<T>>, seat: &Seat) -> Self {
        let now = Instant::now();
        let next_ping = now + RELAY_PING;
        let timer = Box::pin(sleep_until(next_ping));
        let (peer, life) = (Peer::default(), Life::new(now));
        let (mailbox, bytes) = (seat.mailbox(), seat.bytes());
        Self { ws, mailbox, bytes, peer, life, next_ping, ping_due: false, timer, unflushed: false }
    }

    /// Does all that can be done now; ready when the leg has ended.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        while let Poll::Ready(order) = self.mailbox.poll_take(cx) {
            match order {
                Order::Peer(pairing) => self.peer.change(pairing),
                Order::Close(code) => return Poll::Ready(End::Ordered(code)),
            }
        }
        // Reading comes last: a flood may use up the task's turn, and must not keep it from its pings.
        if self.poll_time(cx).is_ready() {
            return Poll::Ready(End::Silent);
        }
        if let Poll::Ready(error) = self.poll_write(cx) {
            return Poll::Ready(End::of(&error));
        }
        if let Poll::Ready(end) = self.poll_read(cx) {
            return Poll::Ready(end);
        }
        // What reading has left to be sent: the answer to a ping.
        self.poll_flush(cx).map(|error| End::of(&error))
    }

    /// Reads while there is something to read and room for it.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        loop {
            if self.peer.poll_room(cx).is_pending() {
                self.life.stop_listening(Instant::now());
                return Poll::Pending;
            }
            self.life.listen(Instant::now);
            let next = Pin::new(&mut self.ws).poll_next(cx);
            self.life.heard(self.ws.get_ref().last_read());
            if let Some(end) = self.take(ready!(next)) {
                return Poll::Ready(end);
            }
        }
    }

    fn take(&mut self, message: Option<Result<Message, Error>>) -> Option<End> {
        match message {
            Some(Ok(Message::Binary(message))) => {
                self.bytes.inc_by(message.len() as u64);
                self.peer.take(message);
            }
            Some(Ok(Message::Text(text))) if text.len() > LARGEST_NOTICE => return Some(End::Broke(close::TOO_BIG)),
            Some(Ok(Message::Text(text))) => self.peer.hear(&text),
            // The answer to a ping is queued by the library, and sent with the next flush.
            Some(Ok(Message::Ping(_))) => self.unflushed = true,
            Some(Ok(Message::Pong(_) | Message::Frame(_))) => {}
            Some(Ok(Message::Close(frame))) => return Some(End::Closed(frame.map(|frame| frame.code.into()))),
            Some(Err(error)) => return Some(End::of(&error)),
            None => return Some(End::Lost),
        }
        None
    }

    /// Writes while there is something to write and the socket takes it. Ready only when it failed.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        loop {
            if let Err(error) = ready!(Pin::new(&mut self.ws).poll_ready(cx)) {
                return Poll::Ready(error);
            }
            let Some(message) = self.next_message(cx) else { break };
            if let Err(error) = Pin::new(&mut self.ws).start_send(message) {
                return Poll::Ready(error);
            }
            self.unflushed = true;
        }
        self.poll_flush(cx)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        if self.unflushed {
            if let Err(error) = ready!(Pin::new(&mut self.ws).poll_flush(cx)) {
                return Poll::Ready(error);
            }
            self.unflushed = false;
        }
        Poll::Pending
    }

    fn next_message(&mut self, cx: &mut Context<'_>) -> Option<Message> {
        if std::mem::take(&mut self.ping_due) {
            return Some(Message::Ping(Bytes::new()));
        }
        match self.peer.poll_to_end(cx) {
            Poll::Ready(ToEnd::Notice(notice)) => Some(Message::text(notice.to_text())),
            Poll::Ready(ToEnd::Binary(message)) => Some(Message::Binary(message)),
            Poll::Pending => None,
        }
    }

    /// Ready when the leg is dead.
    fn poll_time(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.timer.as_mut().poll(cx));
            let now = Instant::now();
            if self.life.is_over(now) {
                return Poll::Ready(());
            }
            if now >= self.next_ping {
                self.next_ping = now + RELAY_PING;
                self.ping_due = true;
            }
            let next = self.life.deadline().map_or(self.next_ping, |deadline| deadline.min(self.next_ping));
            self.timer.as_mut().reset(next);
        }
    }
}

#[cfg(test)]
#[path = "bridge_tests.rs"]
mod tests;
