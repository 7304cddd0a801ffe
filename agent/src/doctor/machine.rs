//! This machine: the running agent, and the ports of the proxy.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};

use super::check::{Area, Check};
use super::in_time;
use crate::app::port_owner;
use crate::config::Config;
use crate::control_socket::{AskError, Client};
use crate::status::model::{Overall, Status};

pub(super) async fn examine(config: &Config, agent: Option<&Client>) -> Vec<Check> {
    let status = match agent {
        Some(agent) => in_time(agent.status()).await,
        None => Ok(Err(AskError::NotRunning)),
    };
    let running = status.as_ref().ok().and_then(|asked| asked.as_ref().ok());
    let mut checks: Vec<Check> = config.proxy.listen.iter().map(|address| port(*address, running)).collect();
    checks.insert(0, agent_check(&status));
    checks
}

fn agent_check(status: &Result<Result<Status, AskError>, String>) -> Check {
    const COMPONENT: &str = "agent";
    let target = concat!("version ", env!("CARGO_PKG_VERSION"));
    match status {
        Err(late) => Check::fail(Area::Machine, COMPONENT, target, late).mend("end the agent and start it again"),
        Ok(Err(AskError::NotRunning)) => Check::skip(Area::Machine, COMPONENT, target, "no agent runs on this configuration"),
        Ok(Err(error)) => {
            Check::fail(Area::Machine, COMPONENT, target, error.to_string()).mend("end the agent and start it again")
        }
        Ok(Ok(status)) => health(status).map_or_else(
            || Check::pass(Area::Machine, COMPONENT, target, "it runs, and is healthy"),
            |(details, mend)| Check::warn(Area::Machine, COMPONENT, target, details).mend(mend),
        ),
    }
}

/// What is to be said against a running agent, and its mend. It names its worst problem first.
fn health(status: &Status) -> Option<(String, String)> {
    let is_healthy = status.health == Overall::Healthy;
    let worst = status.problems.first();
    if is_healthy && worst.is_none() {
        return None;
    }
    let cause = worst.map_or("no exit is ready yet", |problem| problem.text.as_str());
    let others = match status.problems.len().saturating_sub(1) {
        0 => String::new(),
        count => format!(" ({count} more in `awslambdaproxy status`)"),
    };
    let word = if is_healthy { "is healthy, and has a problem" } else { "and is not healthy" };
    let mend = worst.and_then(|problem| problem.hint.clone()).unwrap_or_else(|| "`awslambdaproxy status` tells more".into());
    Some((format!("it runs, {word}: {cause}{others}"), mend))
}

fn port(address: SocketAddr, running: Option<&Status>) -> Check {
    const COMPONENT: &str = "port";
    let target = address.to_string();
    if running.is_some_and(|status| status.proxy.listen.contains(&address)) {
        return Check::pass(Area::Machine, COMPONENT, target, "held by the running agent");
    }
    match TcpListener::bind(address) {
        Ok(_) => Check::pass(Area::Machine, COMPONENT, target, "free"),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            let owner = port_owner::find(address).unwrap_or_else(|| "another program".to_owned());
            let check = Check::fail(Area::Machine, COMPONENT, target, format!("held by {owner}"));
            check.mend("end that program, or choose another address with proxy.listen")
        }
        Err(error) => {
            let check = Check::fail(Area::Machine, COMPONENT, target, format!("cannot be listened on: {error}"));
            check.mend("choose another address with proxy.listen")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::Status as Outcome;
    use std::thread::sleep;
    use std::time::Duration;

    use super::*;
    use crate::status::sample;

    #[test]
    fn a_port_is_free_or_its_holder_is_named() {
        let holder = TcpListener::bind("127.0.0.1:0").expect("bind");
        let address = holder.local_addr().expect("address");
        let check = port(address, None);
        assert_eq!(check.status, Outcome::Fail);
        #[cfg(target_os = "linux")]
        assert!(check.details.contains(&format!("process {}", std::process::id())), "{check:?}");
        let mut status = sample::busy();
        status.proxy.listen = vec![address];
        assert_eq!(port(address, Some(&status)).status, Outcome::Pass, "our own agent's");
        drop(holder);
        // What another test starts just then may hold the listener a moment longer.
        let is_free = |_| {
            sleep(Duration::from_millis(10));
            port(address, None).status == Outcome::Pass
        };
        assert!((0..500).any(is_free));
    }

    #[test]
    fn a_running_agent_s_worst_problem_is_told_with_its_hint() {
        let check = agent_check(&Ok(Ok(sample::busy())));
        assert_eq!(check.status, Outcome::Warn);
        assert!(check.details.contains("AWS throttles") && check.mend.is_some_and(|mend| mend.contains("concurrent")));
        assert_eq!(agent_check(&Ok(Err(AskError::NotRunning))).status, Outcome::Skip);
    }

    #[test]
    fn a_healthy_agent_passes_only_without_a_problem() {
        let healthy = Status { health: Overall::Healthy, ..sample::busy() };
        let check = agent_check(&Ok(Ok(healthy.clone())));
        assert_eq!((check.status, check.details.contains("AWS throttles")), (Outcome::Warn, true), "{check:?}");
        let twice = Status { problems: [healthy.problems.clone(), healthy.problems.clone()].concat(), ..healthy.clone() };
        assert!(agent_check(&Ok(Ok(twice))).details.ends_with("(1 more in `awslambdaproxy status`)"));
        assert_eq!(agent_check(&Ok(Ok(Status { problems: Vec::new(), ..healthy }))).status, Outcome::Pass);
    }
}
