//! The loop of a standing tunnel: it owns the session, the streams and the control stream, and does what [`Life`] says.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;
use tunnel::answer::{Ended, Outcome, Phases};
use tunnel::control::{self, FromFunction};
use tunnel::link::LinkStatus;
use tunnel::session::SessionError;
use tunnel::session::server::{Incoming, Server};

use super::control::{Control, Heard};
use super::life::{Act, Life};
use super::line::{self, Line};
use super::streams::Streams;
use super::{Invocation, Terms};
use crate::clock;
use crate::deadline::UnixMs;

/// Orders waiting to be obeyed; each is obeyed at once.
const ORDERS: usize = 4;
/// How long the acknowledgement of `answering` is waited for, at most; [`Life`] has the same limit by wall clock.
const ANSWERING_WAIT: Duration = Duration::from_millis(200);
/// How long the last resets may take to leave.
const LAST_WORDS: Duration = Duration::from_millis(250);
/// How long the link may take to end after them. All together stays within 2 s of the agent's `end`.
const LINK_END: Duration = Duration::from_millis(500);

/// A session that was asked for a stream: `None` when it has ended cleanly.
type Asked = Option<Result<Incoming, SessionError>>;

/// A standing tunnel.
pub(super) struct Serving<T, L> {
    server: Server<T>,
    line: Arc<L>,
    status: watch::Receiver<LinkStatus>,
    hello: FromFunction,
    life: Life,
    streams: Streams,
    control: Option<Control>,
    heard: (mpsc::Sender<Heard>, mpsc::Receiver<Heard>),
    /// What the session gave while it was only moved on.
    unhandled: Option<Asked>,
    acknowledging: Option<AbortOnDropHandle<()>>,
    coming: mpsc::Receiver<Invocation>,
    current: Option<Invocation>,
    phases: Phases,
}

enum Event {
    Asked(Asked),
    Heard(Heard),
    Invoked(Invocation),
    Acknowledged,
    StreamEnded,
    LinkChanged,
    Time,
}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static, L: Line> Serving<T, L> {
    pub(super) fn new(
        server: Server<T>,
        line: Arc<L>,
        terms: Terms,
        first: Invocation,
        coming: mpsc::Receiver<Invocation>,
        phases: Phases,
    ) -> Self {
        Self {
            server,
            status: line.status(),
            line,
            hello: terms.hello,
            life: Life::begin(first.times),
            streams: Streams::new(terms.connector),
            control: None,
            heard: mpsc::channel(ORDERS),
            unhandled: None,
            acknowledging: None,
            coming,
            current: Some(first),
            phases,
        }
    }

    /// Serves until the tunnel is over, and answers the invocation that runs then.
    pub(super) async fn run(mut self) {
        let outcome = loop {
            let act = match self.next_event().await {
                Event::Asked(Some(Ok(incoming))) => {
                    self.take(incoming);
                    None
                }
                Event::Asked(Some(Err(error))) => break self.lost(&error),
                Event::Asked(None) => break self.life.closing().unwrap_or(Ended::Done).into(),
                Event::Heard(Heard::Order(order)) => self.life.order(&order, UnixMs::now()),
                Event::Heard(Heard::SaidAnswering) => self.await_acknowledgement().await,
                Event::Acknowledged => self.life.acknowledged(),
                Event::Invoked(invocation) => self.invoked(invocation),
                Event::StreamEnded => None,
                Event::LinkChanged => self.link_changed(),
                Event::Time => self.life.tick(UnixMs::now(), self.status.borrow().paired),
            };
            if let Some(Act::Stop(ended)) = act {
                self.cut().await;
                break ended.into();
            }
            self.obey(act);
            self.let_go_of_control();
        };
        self.finish(outcome).await;
    }

    async fn next_event(&mut self) -> Event {
        if let Some(asked) = self.unhandled.take() {
            return Event::Asked(asked);
        }
        tokio::select! {
            asked = self.server.next() => Event::Asked(asked),
            Some(heard) = self.heard.1.recv() => Event::Heard(heard),
            Some(invocation) = self.coming.recv() => Event::Invoked(invocation),
            () = done(&mut self.acknowledging) => Event::Acknowledged,
            () = self.streams.one_ended(), if !self.streams.is_empty() => Event::StreamEnded,
            Ok(()) = self.status.changed() => Event::LinkChanged,
            () = clock::until(self.life.wake_at()) => Event::Time,
        }
    }

    fn take(&mut self, incoming: Incoming) {
        if incoming.authority() != control::AUTHORITY {
            return self.streams.open(incoming);
        }
        match incoming.accept() {
            // A newer control stream takes the place of an older one.
            Ok(stream) => self.control = Some(Control::begin(stream, self.first_hello(), self.heard.0.clone())),
            Err(error) => tracing::warn!(%error, "control stream lost"),
        }
    }

    /// The greeting of a new control stream: it also tells how the tunnel began.
    fn first_hello(&self) -> FromFunction {
        let mut hello = self.hello.clone();
        if let FromFunction::Hello { phases, .. } = &mut hello {
            *phases = Some(self.phases);
        }
        hello
    }

    /// Another invocation serves the kept tunnel. The agent is greeted again, so that it knows which instance came.
    fn invoked(&mut self, invocation: Invocation) -> Option<Act> {
        if self.life.closing().is_none() {
            self.life.invoked(invocation.times);
            self.say(self.hello.clone());
        }
        self.current = Some(invocation);
        None
    }

    fn obey(&mut self, act: Option<Act>) {
        match act {
            Some(Act::SayEnding(deadline)) => self.say(FromFunction::Ending { deadline: deadline.0 }),
            Some(Act::SayAnswering) => self.say(FromFunction::Answering {}),
            Some(Act::Answer(ended)) => {
                self.acknowledging = None;
                self.answer(ended.into());
            }
            Some(Act::GoAway) => self.server.graceful_shutdown(),
            Some(Act::Stop(_)) | None => {}
        }
    }

    fn say(&self, message: FromFunction) {
        if let Some(control) = &self.control {
            control.say(message);
        }
    }

    /// After GOAWAY the session ends with its last stream; the control stream must not be the one that holds it.
    fn let_go_of_control(&mut self) {
        if self.life.closing().is_some() && self.streams.is_empty() {
            self.control = None;
        }
    }

    /// The session's pings measure the path, not an outage.
    fn link_changed(&mut self) -> Option<Act> {
        let paired = self.status.borrow_and_update().paired;
        self.server.gauge().pause(!paired);
        None
    }

    /// `answering` is in the session's buffer: moves it on into the link, then waits for the link's ACK.
    async fn await_acknowledgement(&mut self) -> Option<Act> {
        self.unhandled = self.move_on().await;
        let line = self.line.clone();
        let acknowledging = async move {
            line.acknowledged(ANSWERING_WAIT).await;
        };
        self.acknowledging = Some(AbortOnDropHandle::new(tokio::spawn(acknowledging)));
        None
    }

    /// Polls the session once: what it has to send goes into the link.
    async fn move_on(&mut self) -> Option<Asked> {
        let mut next = pin!(self.server.next());
        poll_fn(|cx| {
            Poll::Ready(match next.as_mut().poll(cx) {
                Poll::Ready(asked) => Some(asked),
                Poll::Pending => None,
            })
        })
        .await
    }

    fn lost(&self, error: &SessionError) -> Outcome {
        match (&self.status.borrow().end, self.life.closing()) {
            // An agent that leaves does not wait for our last words.
            (_, Some(ended)) => ended.into(),
            (Some(end), None) => line::outcome(end, true),
            (None, None) => Outcome { detail: Some(error.to_string()), ..Ended::Lost.into() },
        }
    }

    /// The time is over: resets whatever still runs.
    async fn cut(&mut self) {
        self.streams.cut().await;
        self.control = None;
        self.server.abrupt_shutdown();
        let last_words = async { while self.server.next().await.is_some_and(|asked| asked.is_ok()) {} };
        let _in_time = timeout(LAST_WORDS, last_words).await;
    }

    async fn finish(mut self, outcome: Outcome) {
        self.streams.cut().await;
        tracing::info!(ended = ?outcome.ended, detail = outcome.detail, "tunnel over");
        let outcome = Outcome { carried: self.streams.carried(), phases: self.phases, ..outcome };
        let Self { server, mut status, current, .. } = self;
        drop(server);
        let _in_time = timeout(LINK_END, status.wait_for(|status| status.end.is_some())).await;
        if let Some(invocation) = current {
            invocation.answer(outcome);
        }
    }

    fn answer(&mut self, outcome: Outcome) {
        tracing::info!(ended = ?outcome.ended, "invocation answered, tunnel kept");
        let outcome = Outcome { carried: self.streams.carried(), phases: self.phases, ..outcome };
        if let Some(invocation) = self.current.take() {
            invocation.answer(outcome);
        }
    }
}

/// Waits for the task, if there is one; takes it when it is done.
async fn done(task: &mut Option<AbortOnDropHandle<()>>) {
    let Some(running) = task else { return std::future::pending().await };
    let _ended = running.await;
    *task = None;
}
