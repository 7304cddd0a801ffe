//! What a leg was told about its peer, and what it may therefore send and receive.
//!
//! Never: no message of one pairing passes once the next one was told, and none before its `sync`.

use std::str::from_utf8;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_util::sync::PollSender;
use tunnel::leg::port::{self, Notice};

use crate::pairing::Pairing;

/// A leg's view of its peer. What is to be told follows from what was told and what is; so changes that pile up cost nothing.
///
/// ```text
///   told: nothing ──▶ down ◀──▶ up N ──(this leg's sync N)──▶ forwards
///   between `up M` and `up N` there is always a `down`, and before that the rest of M
/// ```
#[derive(Default)]
pub(super) struct Peer {
    told: Option<Notice>,
    now: Option<Present>,
    /// What the peer of the pairing that was told last had sent before that pairing was over. It was read in good order, and
    /// the end still believes in the pairing: a tunnel's last acknowledgement travels here.
    rest: Option<mpsc::Receiver<Bytes>>,
}

struct Present {
    number: u64,
    to_peer: PollSender<Bytes>,
    from_peer: mpsc::Receiver<Bytes>,
    synced: bool,
    gone: bool,
}

/// Something for the leg's end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ToEnd {
    Notice(Notice),
    Binary(Bytes),
}

impl Peer {
    /// The peer is another now, or none.
    pub(super) fn change(&mut self, pairing: Option<Pairing>) {
        self.keep_rest();
        self.now = pairing.map(|pairing| Present {
            number: pairing.number,
            to_peer: PollSender::new(pairing.to_peer),
            from_peer: pairing.from_peer,
            synced: false,
            gone: false,
        });
    }

    /// The end has said something in text; whatever is no `sync` of the pairing that stands is ignored.
    pub(super) fn hear(&mut self, text: &[u8]) {
        let (told, answered) = (self.told_present(), from_utf8(text).ok().and_then(port::parse_sync));
        if let Some(present) = self.now.as_mut().filter(|present| told && answered == Some(present.number)) {
            present.synced = true;
        }
    }

    /// Ready when one binary message of the end can be taken: passed on, or thrown away. Room is kept before the `sync`,
    /// too: what follows it may come in the same read.
    pub(super) fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(present) = &mut self.now else { return Poll::Ready(()) };
        if ready!(present.to_peer.poll_reserve(cx)).is_err() {
            // The peer's leg went, and the notice is on its way.
            present.gone = true;
        }
        Poll::Ready(())
    }

    /// Whether binary of the end is for its peer, and not to be thrown away.
    pub(super) fn forwards(&self) -> bool {
        self.now.as_ref().is_some_and(|present| present.synced && !present.gone)
    }

    /// Takes a binary message of the end, after [`Peer::poll_room`].
    pub(super) fn take(&mut self, message: Bytes) {
        if let Some(present) = self.now.as_mut().filter(|present| present.synced && !present.gone) {
            // It fails only if the peer's leg went in between; then the message is of no use to anyone.
            let _ = present.to_peer.send_item(message);
        }
    }

    /// The next thing for the end.
    pub(super) fn poll_to_end(&mut self, cx: &mut Context<'_>) -> Poll<ToEnd> {
        if let Some(rest) = &mut self.rest {
            match ready!(rest.poll_recv(cx)) {
                Some(message) => return Poll::Ready(ToEnd::Binary(message)),
                None => self.rest = None,
            }
        }
        if let Some(notice) = self.next_notice() {
            self.told = Some(notice);
            return Poll::Ready(ToEnd::Notice(notice));
        }
        match &mut self.now {
            Some(present) => match ready!(present.from_peer.poll_recv(cx)) {
                Some(message) => Poll::Ready(ToEnd::Binary(message)),
                None => Poll::Pending,
            },
            None => Poll::Pending,
        }
    }

    /// The leg ends: what its end is still owed of the pairing that it knows.
    pub(super) fn into_rest(mut self) -> Vec<Bytes> {
        self.keep_rest();
        std::iter::from_fn(|| self.rest.as_mut()?.try_recv().ok()).collect()
    }

    fn keep_rest(&mut self) {
        let told = self.told_present();
        if let Some(mut present) = self.now.take().filter(|_| told) {
            // Closed, so that an older peer's leg, which may not know yet, adds nothing.
            present.from_peer.close();
            self.rest = Some(present.from_peer);
        }
    }

    fn told_present(&self) -> bool {
        self.now.as_ref().is_some_and(|present| self.told == Some(Notice::Up { pairing: present.number }))
    }

    fn next_notice(&self) -> Option<Notice> {
        let wanted = self.now.as_ref().map_or(Notice::Down, |present| Notice::Up { pairing: present.number });
        match self.told {
            Some(told) if told == wanted => None,
            Some(Notice::Up { .. }) => Some(Notice::Down),
            Some(Notice::Down) | None => Some(wanted),
        }
    }
}

#[cfg(test)]
#[path = "peer_tests.rs"]
mod tests;
