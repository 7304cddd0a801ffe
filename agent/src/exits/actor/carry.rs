//! The life of an exit from `hello` to its end.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;
use tunnel::control::{self, ControlError, FromAgent, FromFunction};
use tunnel::link::{LinkEnd, LinkStatus};

use super::invocation::Verdict;
use super::service::Service;
use super::start::{Beginning, Session, ordered};
use super::{Actor, End, Fault, Order, Report};
use crate::cloud::Cloud;
use crate::exits::state::{Phase, Reason};

/// How long the function has to end after it was told: within the time in which an agent must be gone, and the relay be told.
pub(crate) const LAST_WORDS: Duration = Duration::from_millis(900);
/// How long the answer of an Invoke may come after its tunnel ended: it travels on another way.
const ANSWER_DELAY: Duration = Duration::from_secs(2);

/// What an exit waits for.
enum Event {
    Ordered(Order),
    Said(Result<Option<FromFunction>, ControlError>),
    SessionEnded(Result<(), String>),
    Answered(Verdict),
    Link(LinkStatus),
    Renewal,
}

impl<C: Cloud> Actor<C> {
    /// Serves until the exit is over.
    pub(super) async fn carry(&mut self, mut session: Session, beginning: &mut Beginning) -> End {
        let mut service = Service::default();
        let end = self.serve(&mut session, &mut service, beginning).await;
        if end.is_ok() {
            session.invocation.has_ended();
        }
        self.dismiss(&mut service);
        end
    }

    async fn serve(&mut self, session: &mut Session, service: &mut Service, beginning: &Beginning) -> End {
        let mut status = beginning.link.status();
        let mut control_open = true;
        loop {
            let event = tokio::select! {
                order = ordered(&mut self.orders) => Event::Ordered(order),
                said = session.heard.next(), if control_open => Event::Said(said),
                ended = session.driver.ended() => Event::SessionEnded(ended),
                verdict = session.invocation.answer(Phase::Carry) => Event::Answered(verdict),
                Ok(()) = status.changed() => Event::Link(beginning.told(&status.borrow_and_update())),
                () = service.changed() => Event::Renewal,
            };
            match event {
                Event::Ordered(Order::End(reason)) => {
                    if service.is_attended() && !is_elsewhere(&status.borrow()) {
                        say_goodbye(session).await;
                    }
                    return Ok(reason);
                }
                Event::Ordered(order) => self.on_order(session, service, order).await,
                Event::Said(Ok(Some(said))) => self.on_said(session, service, said).await,
                Event::Said(_) => control_open = false,
                Event::SessionEnded(outcome) => {
                    let link = status.borrow().end.clone();
                    return after_session(session, outcome, link).await;
                }
                Event::Answered(verdict) => {
                    if let Some(end) = self.on_answer(session, service, verdict).await {
                        return after_answer(session, end, &status).await;
                    }
                }
                Event::Link(now) => {
                    session.opener.gauge().pause(!now.paired);
                    self.tell(Report::Link(now)).await;
                }
                Event::Renewal => self.on_renewal_change(session, service).await,
            }
        }
    }
}

/// This end is at the relay and the function is not: once the link closes, the relay tells it that it is not wanted any more.
fn is_elsewhere(link: &LinkStatus) -> bool {
    link.leg.is_some() && !link.paired
}

/// Tells the function to end and waits until it has, within bounds.
async fn say_goodbye(session: &mut Session) {
    let going = async {
        let _told = control::write(&mut session.said, &FromAgent::End {}).await;
        session.invocation.answer(Phase::Carry).await
    };
    let _in_time = timeout(LAST_WORDS, async { tokio::join!(going, session.driver.ended()) }).await;
}

/// The session is over: the invocation's answer says why, if it comes.
async fn after_session(session: &mut Session, outcome: Result<(), String>, link: Option<LinkEnd>) -> End {
    let answer = timeout(ANSWER_DELAY, session.invocation.answer(Phase::Carry)).await;
    how_it_was(answer.ok(), lost_by(outcome, link))
}

/// Of a session that did not end in order, the cause.
fn lost_by(outcome: Result<(), String>, link: Option<LinkEnd>) -> Option<String> {
    outcome.err().map(|cause| link.map_or(cause, |end| end.to_string()))
}

/// What the function says of the end, beside what this end saw.
fn how_it_was(answer: Option<Verdict>, lost: Option<String>) -> End {
    match (answer, lost) {
        // The function knows no more than that, or takes what a relay ended for what the agent did; this end knows how it was.
        (Some(Verdict::Over(Ok(Reason::Done) | Err(Fault { reason: Reason::Lost, .. }))), Some(cause)) => {
            Err(lost_tunnel(&cause))
        }
        (Some(Verdict::Over(end)), _) => end,
        (_, None) => Ok(Reason::Deadline),
        (_, Some(cause)) => Err(lost_tunnel(&cause)),
    }
}

fn lost_tunnel(cause: &str) -> Fault {
    let text = format!("the tunnel was lost: {cause}");
    Fault::new(Phase::Carry, Reason::Lost, text, "it is replaced; its streams were reset")
}

/// The invocation was answered: what the tunnel still holds may come.
async fn after_answer(session: &mut Session, end: End, link: &watch::Receiver<LinkStatus>) -> End {
    let reason = end?;
    let rest = timeout(ANSWER_DELAY, session.driver.ended()).await;
    how_it_was(Some(Verdict::Over(Ok(reason))), rest.ok().and_then(|outcome| lost_by(outcome, link.borrow().end.clone())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tunnel_that_was_lost_here_is_not_done_whatever_the_function_thinks() {
        let lost = || Some("x".to_owned());
        let said = |end| Some(Verdict::Over(end));
        assert_eq!(how_it_was(said(Ok(Reason::Done)), None), Ok(Reason::Done));
        assert_eq!(how_it_was(said(Ok(Reason::Deadline)), lost()), Ok(Reason::Deadline));
        assert_eq!(how_it_was(None, None), Ok(Reason::Deadline));
        for answer in [None, Some(Verdict::TunnelTells), said(Ok(Reason::Done)), said(Err(lost_tunnel("y")))] {
            assert_eq!(how_it_was(answer, lost()), Err(lost_tunnel("x")));
        }
    }
}
