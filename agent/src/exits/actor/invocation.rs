//! The invocation beside the tunnel: one synchronous Invoke, and what its answer says of the exit.
//!
//! The Invoke is a task of its own: also of an exit that has gone its answer is waited for, since it says what is charged.

use std::fmt;
use std::future::pending;

use bytes::Bytes;
use tokio::sync::oneshot;
use tunnel::answer::{Ended, Summary};

use super::{End, Fault, Outfit, crash};
use crate::cloud::{Answer, Cloud, CloudError};
use crate::exits::state::{Phase, Reason};
use crate::health::Refuser;
use crate::money::Running;

/// An answer, and what of it is not settled yet.
type Answered = (Result<Answer, CloudError>, Option<Running>);

/// One Invoke under way, or none. Dropped, its answer is lost; what it started goes on.
#[derive(Default)]
pub struct Invocation {
    call: Option<oneshot::Receiver<Answered>>,
    /// What is charged for, as far as is known, though its answer was lost.
    unanswered: Option<Running>,
}

/// What an answer says of the exit.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The exit is over.
    Over(End),
    /// The function was answered and keeps the tunnel: it is frozen until it is invoked again.
    Kept,
    /// The answer was lost, which says nothing: the tunnel tells.
    TunnelTells,
    /// The cloud, or who stands before it, answered that it failed, with these words. The function may run all the same.
    Doubtful(String),
}

impl Invocation {
    pub(super) fn begin<C: Cloud>(outfit: &Outfit<C>, region: String, payload: Bytes) -> Self {
        let (tell, call) = oneshot::channel();
        let (cloud, book) = (outfit.cloud.clone(), outfit.book.clone());
        // Ends by the cloud's own deadline, or with the agent.
        outfit.calls.spawn(async move {
            let running = book.begin(&region).await;
            let answer = cloud.invoke(&region, payload).await;
            let unsettled = running.settle(&answer);
            let _exit_gone = tell.send((answer, unsettled));
        });
        Self { call: Some(call), unanswered: None }
    }

    /// Whether an answer is still to come.
    pub(super) fn is_under_way(&self) -> bool {
        self.call.is_some()
    }

    /// Gives the call away.
    pub(super) fn take(&mut self) -> Self {
        std::mem::take(self)
    }

    /// Waits for the answer; for ever when there is nothing to wait for. Cancel-safe.
    pub(super) async fn answer(&mut self, phase: Phase) -> Verdict {
        let Some(call) = &mut self.call else { return pending().await };
        let answered = call.await;
        self.call = None;
        // The task ends without an answer only with the agent.
        let Ok((answer, unanswered)) = answered else { return Verdict::TunnelTells };
        self.unanswered = unanswered;
        let verdict = judge(answer, phase);
        if matches!(verdict, Verdict::Over(_)) {
            self.has_ended();
        }
        verdict
    }

    /// The function was seen to end, or to answer: what is charged for is over, though its answer was lost.
    pub(super) fn has_ended(&mut self) {
        if let Some(running) = self.unanswered.take() {
            running.over();
        }
    }
}

impl fmt::Debug for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invocation").field("under_way", &self.is_under_way()).finish_non_exhaustive()
    }
}

fn judge(answer: Result<Answer, CloudError>, phase: Phase) -> Verdict {
    match answer {
        Ok(answer) => judge_answer(&answer, phase),
        Err(CloudError::Lost(error)) => {
            tracing::debug!(%error, "the Invoke connection was lost; the tunnel tells");
            Verdict::TunnelTells
        }
        // Who stands between this machine and the cloud may lose patience with a silent call; the function runs on.
        Err(error @ CloudError::Service(_)) if phase == Phase::Carry => {
            tracing::debug!(%error, "the cloud failed to answer for a function that runs; the tunnel tells");
            Verdict::Doubtful(error.to_string())
        }
        Err(error) => Verdict::Over(Err(refused(&error))),
    }
}

fn refused(error: &CloudError) -> Fault {
    let reason = if matches!(error, CloudError::Throttled { .. }) { Reason::Throttled } else { Reason::InvokeFailed };
    let fault = Fault::new(Phase::Invoke, reason, error.told(), error.hint());
    let refuser = error.is_refusal().then_some(Refuser::Cloud);
    Fault { retryable: error.retryable(), refuser, code: error.code(), ..fault }
}

fn judge_answer(answer: &Answer, phase: Phase) -> Verdict {
    if let Some(kind) = &answer.function_error {
        return Verdict::Over(Err(crash::fault(kind, answer, phase)));
    }
    match serde_json::from_slice::<Summary>(&answer.payload) {
        Ok(summary) => judge_summary(&summary, phase),
        Err(error) => {
            let text = format!("the function's answer is not one of ours: {error}");
            let hint = "another program may be deployed under the function's name; `awslambdaproxy deploy` puts it right";
            Verdict::Over(Err(Fault { retryable: false, ..Fault::new(phase, Reason::FunctionError, text, hint) }))
        }
    }
}

fn judge_summary(summary: &Summary, phase: Phase) -> Verdict {
    let fault = |phase, reason, text: &str, hint| {
        let detail = summary.outcome.detail.as_deref().unwrap_or_default();
        let text = if detail.is_empty() { text.to_owned() } else { format!("{text}: {detail}") };
        let function = Some(Box::new(summary.outcome.phases));
        Verdict::Over(Err(Fault { function, ..Fault::new(phase, reason, text, hint) }))
    };
    match summary.outcome.ended {
        Ended::Unpaired | Ended::Renewed => Verdict::Kept,
        Ended::Done | Ended::ToldToEnd => Verdict::Over(Ok(Reason::Done)),
        Ended::Deadline | Ended::NoOrder => Verdict::Over(Ok(Reason::Deadline)),
        Ended::Busy => fault(phase, Reason::Busy, "the instance serves another tunnel", "it is tried again on another"),
        Ended::Superseded => fault(phase, Reason::Superseded, "another process took the tunnel", "it is tried again"),
        Ended::Unreachable => fault(
            Phase::Pair,
            Reason::RelayUnreachable,
            "the function could not reach the relay",
            "check that the relay can be reached from the internet; functions trust public authorities alone, so one of your own \
             has to be named in relay.ca_file, or the certificate be pinned with relay.certificate_sha256",
        ),
        Ended::Lost => fault(phase, Reason::Lost, "the function lost the tunnel", "it is replaced"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::Reply;

    #[test]
    fn no_answer_for_a_tunnel_that_stands_says_nothing_of_it() {
        let lost = || Err(CloudError::Lost(std::io::ErrorKind::ConnectionReset.into()));
        let failed = || Err(CloudError::Service(Reply::new("lambda:InvokeFunction in x", "HTTP 504", "", None)));
        assert_eq!(judge(lost(), Phase::Pair), Verdict::TunnelTells);
        assert_eq!(judge(lost(), Phase::Carry), Verdict::TunnelTells);
        assert!(matches!(judge(failed(), Phase::Carry), Verdict::Doubtful(text) if text.contains("HTTP 504")));
        let Verdict::Over(Err(fault)) = judge(failed(), Phase::Pair) else { unreachable!("a start that failed is tried again") };
        assert_eq!((fault.code, fault.retryable, fault.phase), ("aws_failed", true, Phase::Invoke));
    }
}
