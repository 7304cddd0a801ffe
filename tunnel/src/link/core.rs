//! The pure core of a link: both halves, and the state of the pairing.
//!
//! ```text
//!            paired()                HELLO came
//!  Unpaired ──────────▶ Greeting ──────────────▶ Open ──▶ ended(…)
//!     ▲ unpaired()          │                     │
//!     └─────────────────────┴─────────────────────┘
//! ```

use bytes::{Bytes, BytesMut};

use super::end::LinkEnd;
use super::frame::{Frame, LinkId, Parser, ResetCode, VERSION};
use super::incoming::Incoming;
use super::outgoing::{Impossible, Outgoing};
use crate::limits::LINK_CAPACITY;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pairing {
    /// No leg, or no peer: nothing binary may be sent.
    Unpaired,
    /// A peer stands; its HELLO has not come. What is sent is HELLO alone.
    Greeting,
    /// Both HELLOs were exchanged.
    Open,
}

/// One end of a link.
pub struct Link {
    id: LinkId,
    outgoing: Outgoing,
    incoming: Incoming,
    pairing: Pairing,
    parser: Parser,
    hello_due: bool,
    reset_due: Option<ResetCode>,
    end: Option<LinkEnd>,
}

impl Link {
    /// A link that has carried nothing.
    pub fn new(id: LinkId) -> Self {
        Self {
            id,
            outgoing: Outgoing::new(),
            incoming: Incoming::new(),
            pairing: Pairing::Unpaired,
            parser: Parser::default(),
            hello_due: false,
            reset_due: None,
            end: None,
        }
    }

    /// Takes bytes to send; 0 when the replay buffer is full.
    pub fn write(&mut self, data: &[u8]) -> usize {
        self.outgoing.write(data)
    }

    /// Reads received bytes; 0 when there are none (see [`Link::is_readable`]).
    pub fn read(&mut self, out: &mut [u8]) -> usize {
        self.incoming.read(out)
    }

    /// Whether a read gives bytes or the end.
    pub fn is_readable(&self) -> bool {
        !self.incoming.is_empty() || self.incoming.is_finished()
    }

    /// Whether a write takes bytes.
    pub fn is_writable(&self) -> bool {
        self.outgoing.has_room()
    }

    /// Whether the sending half was ended: nothing more may be written.
    pub fn is_finished(&self) -> bool {
        self.outgoing.is_finished()
    }

    /// Ends the sending half.
    pub fn finish(&mut self) {
        self.outgoing.finish();
    }

    /// Nobody will read any more. If the sending half was not finished either, the link is abandoned.
    pub fn abandon(&mut self) {
        self.incoming.discard();
        if !self.outgoing.is_finished() {
            self.reset(ResetCode::Abandoned, LinkEnd::Abandoned);
        }
    }

    /// Gives the link up at once, whatever was finished: the peer is told.
    pub fn abandon_now(&mut self) {
        self.incoming.discard();
        self.reset(ResetCode::Abandoned, LinkEnd::Abandoned);
    }

    /// A peer stands: the next bytes sent begin with HELLO.
    pub fn paired(&mut self) {
        self.unpaired();
        self.pairing = Pairing::Greeting;
        self.hello_due = true;
    }

    /// The leg is lost, or the peer is: nothing is sent, a half-received frame is dropped.
    pub fn unpaired(&mut self) {
        self.pairing = Pairing::Unpaired;
        self.parser = Parser::default();
        self.hello_due = false;
    }

    /// Whether both ends have said their last word and only acknowledgements are under way. A peer that is gone now
    /// has most likely heard all of ours, so it is not waited for as long as another.
    pub fn is_closing(&self) -> bool {
        self.outgoing.is_finished() && self.incoming.is_finished()
    }

    /// Whether both HELLOs were exchanged in this pairing.
    pub fn is_open(&self) -> bool {
        self.pairing == Pairing::Open
    }

    /// Why the link has ended, once it has.
    pub fn end(&self) -> Option<&LinkEnd> {
        self.end.as_ref()
    }

    /// Ends the link for a cause outside it.
    pub fn give_up(&mut self, end: LinkEnd) {
        self.end.get_or_insert(end);
    }

    /// Whether sent data awaits its acknowledgement.
    pub fn is_waiting(&self) -> bool {
        self.outgoing.is_waiting()
    }

    /// Whether an ACK is owed that may wait a little for company.
    pub fn is_ack_owed(&self) -> bool {
        self.is_open() && self.incoming.is_ack_owed()
    }

    /// Takes bytes of the peer.
    pub fn receive(&mut self, mut bytes: Bytes) {
        while self.end.is_none() && self.pairing != Pairing::Unpaired {
            match self.parser.next(&mut bytes) {
                Ok(Some(frame)) => {
                    if self.accept(frame).is_err() {
                        self.reset(ResetCode::Desync, LinkEnd::Desync);
                    }
                }
                Ok(None) => return,
                Err(_) => self.reset(ResetCode::Desync, LinkEnd::Desync),
            }
        }
    }

    fn accept(&mut self, frame: Frame) -> Result<(), Impossible> {
        match (frame, self.pairing) {
            (Frame::Reset { code }, _) => self.end = Some(LinkEnd::ResetByPeer(code)),
            (Frame::Hello { version, id, received, window }, Pairing::Greeting) => {
                if version != VERSION || id != self.id {
                    self.reset(ResetCode::Mismatch, LinkEnd::Mismatch);
                    return Ok(());
                }
                self.outgoing.rewind(received, window)?;
                self.incoming.rewind();
                self.pairing = Pairing::Open;
            }
            (Frame::Data { offset, payload }, Pairing::Open) => self.incoming.accept(offset, payload)?,
            (Frame::Ack { offset }, Pairing::Open) => self.outgoing.acknowledge(offset)?,
            (Frame::Fin { offset }, Pairing::Open) => self.incoming.finish(offset)?,
            _ => return Err(Impossible),
        }
        self.settle();
        Ok(())
    }

    /// Ends the link when both directions have ended and ours is acknowledged.
    fn settle(&mut self) {
        if self.end.is_none() && self.outgoing.is_settled() && self.incoming.is_settled() {
            self.end = Some(LinkEnd::Done);
        }
    }

    fn reset(&mut self, code: ResetCode, end: LinkEnd) {
        if self.end.is_none() {
            self.end = Some(end);
            self.reset_due = (self.pairing != Pairing::Unpaired).then_some(code);
        }
    }

    /// The next message for the leg. `flush` also sends an ACK that is merely owed.
    pub fn transmit(&mut self, flush: bool) -> Option<Bytes> {
        if self.pairing == Pairing::Unpaired {
            return None;
        }
        if self.hello_due {
            self.hello_due = false;
            let window = LINK_CAPACITY as u32;
            return Some(encode(&Frame::Hello { version: VERSION, id: self.id, received: self.incoming.received(), window }));
        }
        if let Some(code) = self.reset_due.take() {
            return Some(encode(&Frame::Reset { code }));
        }
        if self.end.is_some() || self.pairing != Pairing::Open {
            return None;
        }
        if self.incoming.is_ack_urgent() || (flush && self.incoming.is_ack_owed()) {
            let ack = encode(&Frame::Ack { offset: self.incoming.take_ack() });
            self.settle();
            return Some(ack);
        }
        let data = self.outgoing.next_data();
        data.or_else(|| self.outgoing.next_fin().map(|offset| encode(&Frame::Fin { offset })))
    }
}

fn encode(frame: &Frame) -> Bytes {
    let mut out = BytesMut::with_capacity(32);
    frame.encode(&mut out);
    out.freeze()
}
