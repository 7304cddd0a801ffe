//! Moves messages between a standing leg and the link's core, both ways at once.
//!
//! Never: it does not wait. What the leg cannot take stays in the core, and the leg is always read.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Sink, Stream};
use tokio::time::{Sleep, sleep};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::stream::Shared;
use crate::leg::dial::{Leg, LegMessage};
use crate::leg::port::{Notice, sync};

/// How long an acknowledgement that frees little waits for more to acknowledge.
const ACK_DELAY: Duration = Duration::from_millis(20);

/// What came of a leg.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Happening {
    /// The relay told about the peer.
    Notice(Notice),
    /// The core changed state: HELLO came, or the link ended.
    Changed,
    /// The leg closed with this code, or without one.
    Closed(Option<u16>),
    /// The leg failed.
    Failed(String),
}

/// One leg's traffic.
pub(super) struct Pump {
    leg: Leg,
    control: VecDeque<LegMessage>,
    flush_due: bool,
    ack_timer: Option<Pin<Box<Sleep>>>,
    ack_now: bool,
    was: (bool, bool),
}

impl Pump {
    pub(super) fn new(leg: Leg) -> Self {
        Self { leg, control: VecDeque::new(), flush_due: false, ack_timer: None, ack_now: false, was: (false, false) }
    }

    /// Bytes read from the leg so far.
    pub(super) fn heard(&self) -> u64 {
        self.leg.heard.bytes()
    }

    pub(super) fn ping(&mut self) {
        // One unanswered ping says as much as many.
        if self.control.is_empty() {
            self.control.push_back(LegMessage::Ping(Bytes::new()));
        }
    }

    /// Closes the leg; what the core still has to say goes first.
    pub(super) fn close(&mut self, code: u16) {
        self.control.push_back(LegMessage::Close(Some(CloseFrame { code: code.into(), reason: "".into() })));
    }

    /// Moves what can be moved until something happens that the driver must know.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, shared: &Shared) -> Poll<Happening> {
        shared.driver.register(cx.waker());
        loop {
            let read = self.poll_read(cx, shared);
            if let Poll::Ready(Some(happening)) = read {
                return Poll::Ready(happening);
            }
            let wrote = match self.poll_write(cx, shared) {
                Ok(wrote) => wrote,
                Err(failure) => return Poll::Ready(Happening::Failed(failure)),
            };
            if self.note_change(shared) {
                return Poll::Ready(Happening::Changed);
            }
            if read.is_pending() && !wrote && !self.ack_is_due(cx, shared) {
                return Poll::Pending;
            }
        }
    }

    fn note_change(&mut self, shared: &Shared) -> bool {
        let link = shared.link();
        let is = (link.is_open(), link.end().is_some());
        std::mem::replace(&mut self.was, is) != is
    }

    /// Reads one message. `Ready(None)`: look again.
    fn poll_read(&mut self, cx: &mut Context<'_>, shared: &Shared) -> Poll<Option<Happening>> {
        let message = match std::task::ready!(Pin::new(&mut self.leg.socket).poll_next(cx)) {
            Some(Ok(message)) => message,
            Some(Err(error)) => return Poll::Ready(Some(Happening::Failed(error.to_string()))),
            None => return Poll::Ready(Some(Happening::Closed(None))),
        };
        match message {
            LegMessage::Binary(bytes) => {
                shared.link().receive(bytes);
                shared.wake_stream();
            }
            LegMessage::Text(text) => {
                if let Some(notice) = Notice::parse(text.as_str()) {
                    self.take_notice(notice, shared);
                    return Poll::Ready(Some(Happening::Notice(notice)));
                }
            }
            LegMessage::Close(frame) => return Poll::Ready(Some(Happening::Closed(frame.map(|frame| frame.code.into())))),
            _ => {}
        }
        Poll::Ready(None)
    }

    fn take_notice(&mut self, notice: Notice, shared: &Shared) {
        let mut link = shared.link();
        match notice {
            Notice::Up { pairing } => {
                link.paired();
                // Only the newest is of use, and a relay that does not read must not make them pile up.
                self.control.retain(|message| !message.is_text());
                self.control.push_front(LegMessage::text(sync(pairing)));
            }
            Notice::Down => link.unpaired(),
        }
        // Neither leaves it open: a HELLO that comes with the next read is news, although it was open before.
        self.was.0 = false;
    }

    /// Sends what there is and what the leg takes; says whether anything was.
    fn poll_write(&mut self, cx: &mut Context<'_>, shared: &Shared) -> Result<bool, String> {
        let mut wrote = false;
        while let Poll::Ready(ready) = Pin::new(&mut self.leg.socket).poll_ready(cx) {
            ready.map_err(|error| error.to_string())?;
            let Some(message) = self.next_message(shared) else { break };
            Pin::new(&mut self.leg.socket).start_send(message).map_err(|error| error.to_string())?;
            (wrote, self.flush_due) = (true, true);
        }
        if self.flush_due
            && let Poll::Ready(flushed) = Pin::new(&mut self.leg.socket).poll_flush(cx)
        {
            flushed.map_err(|error| error.to_string())?;
            self.flush_due = false;
        }
        Ok(wrote)
    }

    /// A close goes behind everything else, the rest of the control messages before it.
    fn next_message(&mut self, shared: &Shared) -> Option<LegMessage> {
        if !matches!(self.control.front(), None | Some(LegMessage::Close(_))) {
            return self.control.pop_front();
        }
        let flush = std::mem::take(&mut self.ack_now);
        shared.link().transmit(flush).map(LegMessage::Binary).or_else(|| self.control.pop_front())
    }

    /// Whether an owed acknowledgement has just waited long enough.
    fn ack_is_due(&mut self, cx: &mut Context<'_>, shared: &Shared) -> bool {
        if self.ack_now || !shared.link().is_ack_owed() {
            self.ack_timer = None;
            return false;
        }
        let timer = self.ack_timer.get_or_insert_with(|| Box::pin(sleep(ACK_DELAY)));
        if timer.as_mut().poll(cx).is_pending() {
            return false;
        }
        self.ack_timer = None;
        self.ack_now = true;
        true
    }
}

#[cfg(test)]
#[path = "pump_tests.rs"]
mod tests;
