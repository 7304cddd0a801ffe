//! One real invocation, with its phases timed: from the relay's leg to an answer out of the internet.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};

use super::aws::Found;
use super::check::{Area, Check};
use super::phases::Timeline;
use crate::app;
use crate::causes::in_one_line;
use crate::cloud::Cloud;
use crate::config::Config;
use crate::exits::actor::{self, Fault, Order, Outfit, Post, Ready, Report, Roster, Told};
use crate::exits::address::{self, CheckUrl};
use crate::exits::state::{Phase, Reason};
use crate::scheduler::plan::ExitId;

/// How long all of it may take: 12 s for the leg, 30 s for the function, 15 s each for the handshakes and the probe.
const LONGEST: Duration = Duration::from_secs(90);
/// How often an instance that serves another agent is passed by.
const TRIES: u32 = 3;
/// Reports that may wait: a start makes few.
const REPORTS: usize = 16;
const COMPONENT: &str = "exit";

/// What came of the invocation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Trial {
    /// The phases that were passed.
    phases: Timeline,
    /// The function's version.
    version: Option<String>,
    fault: Option<Fault>,
}

pub(super) async fn examine(config: &Config, account: &Found, relay_reached: bool) -> Vec<Check> {
    let skip = |why: &str| vec![Check::skip(Area::Machine, COMPONENT, "-", why)];
    let (Some(cloud), Some(region)) = (&account.cloud, account.ready.first()) else { return skip("no region is ready for it") };
    if !relay_reached {
        return skip("no relay is reached");
    }
    let (outfit, check_url) = match app::single_exit(config, Arc::new(cloud.clone())).await {
        Ok(parts) => parts,
        Err(error) => return vec![Check::fail(Area::Machine, COMPONENT, region, in_one_line(error.chain()))],
    };
    account.number.iter().for_each(|number| outfit.book.set_account(number));
    if !outfit.book.may_invoke() {
        return skip("the month's budget is spent");
    }
    let trial = passing_busy_ones(&outfit, region, check_url.as_ref()).await;
    outfit.book.close().await;
    judge(region, &trial)
}

async fn passing_busy_ones<C: Cloud>(outfit: &Arc<Outfit<C>>, region: &str, url: Option<&CheckUrl>) -> Trial {
    let mut trial = Trial::default();
    for _ in 0..TRIES {
        trial = timeout(LONGEST, attempt(outfit, region, url)).await.unwrap_or_default();
        if trial.fault.as_ref().is_none_or(|fault| fault.reason != Reason::Busy) {
            break;
        }
    }
    trial
}

/// One exit that enters no pool: brought up, asked for its address, and ended.
async fn attempt<C: Cloud>(outfit: &Arc<Outfit<C>>, region: &str, url: Option<&CheckUrl>) -> Trial {
    let (reports, mut told) = mpsc::channel(REPORTS);
    let (_roster, roster) = watch::channel(Roster::default());
    let (mut trial, begun) = (Trial::default(), Instant::now());
    let post = Post { id: ExitId(0), region: region.to_owned(), roster, reports };
    let exit = actor::spawn(outfit.clone(), post);
    while let Some(Told { report, .. }) = told.recv().await {
        match report {
            Report::Link(status) if status.leg.is_some() => {
                trial.phases.accepted.get_or_insert(begun.elapsed());
            }
            Report::Paired => trial.phases.paired = Some(begun.elapsed()),
            Report::Ready(Ready { opener, version, phases, .. }) => {
                (trial.phases.ready, trial.phases.function, trial.version) = (Some(begun.elapsed()), phases, Some(version));
                if let Some(url) = url {
                    match address::ask(&opener, url).await {
                        Ok(_) => trial.phases.probe = Some(begun.elapsed()),
                        Err(cause) => trial.fault = Some(unanswered(url, &cause)),
                    }
                }
                exit.order(Order::End(Reason::Requested));
            }
            Report::Ended(_, fault) => {
                trial.fault = trial.fault.or(fault);
                break;
            }
            _ => {}
        }
    }
    let told = trial.fault.as_ref().and_then(|fault| fault.function.as_deref().copied());
    trial.phases.function = trial.phases.function.or(told);
    trial
}

fn unanswered(url: &CheckUrl, cause: &str) -> Fault {
    let text = format!("the tunnel stands, but {} gave no address: {cause}", url.destination);
    let hint = "another exits.check_url may answer, or [egress] keeps the exit from it";
    Fault::new(Phase::Carry, Reason::Lost, text, hint)
}

fn judge(region: &str, trial: &Trial) -> Vec<Check> {
    let phases = trial.phases.to_string();
    let mut checks = vec![match &trial.fault {
        None if trial.version.is_some() => Check::pass(Area::Region, COMPONENT, region, phases),
        None => Check::fail(Area::Region, COMPONENT, region, format!("not up within {} s; {phases}", LONGEST.as_secs()))
            .mend("try again; if it stays so, see the function's log (logs = true in [aws])"),
        Some(fault) => {
            let reached = if phases.is_empty() { String::new() } else { format!("; before it: {phases}") };
            let details = format!("at {}: {}{reached}", fault.phase, fault.text);
            Check::fail(area(fault), COMPONENT, region, details).mend(&*fault.hint)
        }
    }];
    checks.extend(trial.version.as_ref().map(|version| judge_version(region, version)));
    checks
}

/// Whose matter a fault is.
fn area(fault: &Fault) -> Area {
    match (fault.phase, fault.reason) {
        (_, Reason::RelayRefused | Reason::RelayUnreachable) | (Phase::Dial, _) => Area::Relay,
        (_, Reason::FunctionError) | (Phase::Invoke, _) => Area::Region,
        _ => Area::Machine,
    }
}

fn judge_version(region: &str, function: &str) -> Check {
    const COMPONENT: &str = "version";
    let agent = env!("CARGO_PKG_VERSION");
    if function == agent {
        return Check::pass(Area::Region, COMPONENT, region, format!("agent and function are {agent}"));
    }
    let check = Check::warn(Area::Region, COMPONENT, region, format!("the function is {function}, the agent {agent}"));
    check.mend("`awslambdaproxy deploy` brings it level")
}

#[cfg(test)]
mod tests {
    use super::super::check::Status;
    use super::*;

    #[test]
    fn phases_are_told_in_their_order_and_a_fault_where_it_was() {
        let ms = |count| Some(Duration::from_millis(count));
        let phases = Timeline { accepted: ms(12), paired: ms(162), ..Timeline::default() };
        let whole = Trial { phases, version: Some(env!("CARGO_PKG_VERSION").into()), fault: None };
        let checks = judge("us-east-1", &whole);
        assert_eq!((checks[0].status, checks[0].details.as_str()), (Status::Pass, "accepted 12 ms → paired 150 ms"));
        assert_eq!(checks[1].status, Status::Pass);
        let fault = Fault::new(Phase::Pair, Reason::RelayUnreachable, "the function could not reach the relay", "open its port");
        let broken = judge("us-east-1", &Trial { phases, version: None, fault: Some(fault) });
        assert_eq!((broken.len(), broken[0].area), (1, Area::Relay));
        assert!(
            broken[0].details.starts_with("at pair: the function could not reach the relay; before it: accepted"),
            "{broken:?}"
        );
    }

    #[test]
    fn a_fault_is_the_matter_of_whoever_can_mend_it() {
        for (phase, reason, expected) in [
            (Phase::Invoke, Reason::Throttled, Area::Region),
            (Phase::Pair, Reason::FunctionError, Area::Region),
            (Phase::Dial, Reason::StartTimeout, Area::Relay),
            (Phase::Pair, Reason::RelayUnreachable, Area::Relay),
            (Phase::Carry, Reason::Lost, Area::Machine),
            (Phase::Tls, Reason::ProtocolError, Area::Machine),
        ] {
            assert_eq!(area(&Fault::new(phase, reason, "x", "x")), expected, "{phase} {reason}");
        }
    }

    #[test]
    fn another_version_is_worth_a_look() {
        assert_eq!(judge_version("us-east-1", "0.0.1").status, Status::Warn);
    }
}
