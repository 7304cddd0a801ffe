//! Sends the PINGs that measure a session and applies the window they call for.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use h2::{Ping, PingPong};
use tokio::time::Instant;

use super::gauge::Gauge;
use super::window::Window;

/// Received bytes that make another measurement worth a PING.
const ENOUGH: u64 = 64 * 1024;
/// Pause between PINGs once the window cannot grow: then only the shown round trip depends on them.
const CALM: Duration = Duration::from_secs(1);
/// Pause between PINGs while it can.
const EAGER: Duration = Duration::from_millis(5);

/// What a connection of either role lets us set.
pub(super) trait Windows {
    /// Sets the window of each stream, and that of all together with it. An error means that the last change is still under way.
    fn set(&mut self, size: u32) -> Result<(), h2::Error>;
}

/// A PING under way.
#[derive(Clone, Copy)]
struct Sent {
    at: Instant,
    /// What had been received then.
    received: u64,
    /// How many pauses there had been: one more, and the answer measures an outage.
    pauses: u64,
}

/// Measures one connection.
pub(super) struct Tuner {
    ping_pong: Option<PingPong>,
    gauge: Arc<Gauge>,
    window: Window,
    unset: Option<u32>,
    sent: Option<Sent>,
    answered: Option<(Instant, u64)>,
}

impl Tuner {
    pub(super) fn new(ping_pong: Option<PingPong>, gauge: Arc<Gauge>) -> Self {
        let window = Window::new(super::FIRST_STREAM_WINDOW);
        Self { ping_pong, gauge, window, unset: None, sent: None, answered: None }
    }

    /// To be called whenever the connection is polled: its traffic is what wakes us.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, connection: &mut impl Windows) {
        let Some(ping_pong) = &mut self.ping_pong else { return };
        let now = Instant::now();
        if let Some(sent) = self.sent
            && let Poll::Ready(answer) = ping_pong.poll_pong(cx)
        {
            self.sent = None;
            if answer.is_err() {
                self.ping_pong = None;
                return;
            }
            self.answer(now, sent);
        }
        self.apply(connection);
        self.ping(now);
    }

    fn answer(&mut self, now: Instant, sent: Sent) {
        let rtt = now - sent.at;
        let received = self.gauge.received();
        self.answered = Some((now, received));
        if self.gauge.pauses() == sent.pauses {
            self.gauge.set_rtt(rtt);
            self.unset = self.window.measure(received - sent.received, rtt).or(self.unset);
        }
    }

    fn apply(&mut self, connection: &mut impl Windows) {
        if let Some(size) = self.unset
            && connection.set(size).is_ok()
        {
            self.unset = None;
        }
    }

    fn ping(&mut self, now: Instant) {
        let pause = if self.window.is_largest() { CALM } else { EAGER };
        let due = self.answered.is_none_or(|(at, received)| self.gauge.received() - received >= ENOUGH && now - at >= pause);
        if self.sent.is_some() || !due || self.gauge.is_paused() {
            return;
        }
        if let Some(ping_pong) = &mut self.ping_pong
            && ping_pong.send_ping(Ping::opaque()).is_ok()
        {
            self.sent = Some(Sent { at: now, received: self.gauge.received(), pauses: self.gauge.pauses() });
        }
    }
}
