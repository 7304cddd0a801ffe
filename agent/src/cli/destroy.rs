//! `destroy`: removes all that `deploy` made, after asking.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal};
use std::time::Duration;

use clap::Args;
use tokio::time::{Instant, sleep};

use super::context::Context;
use super::deploy::{exit, tell_of_faults, usage};
use super::exit::Exit;
use super::failure::Failure;
use super::progress::Progress;
use crate::cloud::aws::Account;
use crate::config::{AwsConfig, Flags, Mode, resolve};
use crate::control_socket::AskError;
use crate::deploy::{Claim, Deployment, Destroyer, Found, Line, State, Target, Tense, table};

/// How long a running agent may take to end: 2 s, and as long again on a loaded machine, several times.
const STOP_LIMIT: Duration = Duration::from_secs(20);
/// Between two looks whether it has.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Options of `destroy`.
#[derive(Debug, Args)]
pub(super) struct DestroyArgs {
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// Remove also what another desktop, or nobody known, has made under these names
    #[arg(long)]
    adopt: bool,
}

pub(super) async fn run(context: &Context, arguments: DestroyArgs) -> Result<Exit, Failure> {
    tokio::select! {
        ended = work(context, &arguments) => ended,
        interrupted = tokio::signal::ctrl_c() => {
            interrupted?;
            context.printer.talk("interrupted; run it again to remove the rest");
            Ok(Exit::Interrupted)
        }
    }
}

async fn work(context: &Context, arguments: &DestroyArgs) -> Result<Exit, Failure> {
    let config = context.load(Flags::default(), Mode::Cloud)?.config;
    let regions = resolve(&config.regions);
    let state = State::of(&context.place()?);
    let account = Account::open(&config.aws, &regions).await?;
    let caller = account.caller().await?;
    context.printer.talk(&format!("account {}, as {}", caller.account, caller.arn));
    let known = state.deployments().map_err(anyhow::Error::from)?;
    let owner = state.owner().map_err(anyhow::Error::from)?;
    let destroyer = Destroyer::new(&account, Claim { owner, adopt: arguments.adopt });
    let mut found = Vec::new();
    for target in targets(&config.aws, &regions, &known, &caller.account) {
        found.push(Progress::over(async |watch| destroyer.find(target, watch).await).await);
    }
    tell_of_other_accounts(context, &known, &caller.account);
    let plan: Vec<Line> = found.iter().flat_map(|found| destroyer.lines_of(found)).collect();
    if plan.is_empty() {
        context.printer.talk("nothing of this configuration is in the account");
    } else if !may_go_on(context, arguments, &plan)? {
        context.printer.talk("nothing was removed");
        return Ok(Exit::Failure);
    }
    stop_agent(context).await?;
    let mut lines = Vec::new();
    for found in &found {
        let removed = Progress::over(async |watch| destroyer.execute(found, watch).await).await;
        forget(&state, &caller.account, found, &removed)?;
        lines.extend(removed);
    }
    if !lines.is_empty() {
        context.printer.data(&table(&lines, Tense::Result))?;
        tell_of_faults(context.printer, &lines);
    }
    Ok(exit(&lines))
}

/// The names of the configuration, and those under which it was deployed before.
fn targets(config: &AwsConfig, regions: &[String], known: &[Deployment], account: &str) -> Vec<Target> {
    let likely: BTreeSet<String> = regions.iter().cloned().collect();
    let now = Target { role: config.role_name.clone(), function: config.function_name.clone(), known: BTreeSet::new(), likely };
    let mut targets = vec![now];
    for deployment in known.iter().filter(|deployment| deployment.account == account) {
        match targets.iter_mut().find(|target| target.role == deployment.role && target.function == deployment.function) {
            Some(target) => target.known.extend(deployment.regions.iter().cloned()),
            None => targets.push(Target {
                role: deployment.role.clone(),
                function: deployment.function.clone(),
                known: deployment.regions.clone(),
                likely: BTreeSet::new(),
            }),
        }
    }
    targets
}

fn tell_of_other_accounts(context: &Context, known: &[Deployment], account: &str) {
    let others: BTreeSet<&str> =
        known.iter().map(|deployment| deployment.account.as_str()).filter(|other| *other != account).collect();
    for other in others {
        context
            .printer
            .talk(&format!("this configuration was also deployed in account {other}; run it with credentials of that account"));
    }
}

/// Shows the plan and asks.
fn may_go_on(context: &Context, arguments: &DestroyArgs, plan: &[Line]) -> Result<bool, Failure> {
    if arguments.yes {
        return Ok(true);
    }
    context.printer.talk(table(plan, Tense::Plan).trim_end());
    if !io::stdin().is_terminal() {
        return Err(usage("nobody can be asked here; `destroy --yes` removes without asking"));
    }
    context.printer.ask("remove all of this? [y/N] ")?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// A running agent would only find its functions missing.
async fn stop_agent(context: &Context) -> Result<(), Failure> {
    let agent = context.agent()?;
    match agent.stop().await {
        Ok(pid) => context.printer.talk(&format!("the running proxy (process {pid}) ends first")),
        Err(AskError::NotRunning) => return Ok(()),
        Err(error) => return Err(error.into()),
    }
    let begun = Instant::now();
    while begun.elapsed() < STOP_LIMIT {
        if matches!(agent.status().await, Err(AskError::NotRunning)) {
            return Ok(());
        }
        sleep(LOOK_AGAIN).await;
    }
    Err(Failure::new(Exit::Failure, anyhow::anyhow!("the running proxy does not end; stop it, then run this again")))
}

/// What is cleared is forgotten; a deployment as a whole when nothing of it is left.
fn forget(state: &State, account: &str, found: &Found, lines: &[Line]) -> Result<(), Failure> {
    let target = found.target();
    let gone = Deployment {
        config: state.config().to_owned(),
        account: account.to_owned(),
        role: target.role.clone(),
        function: target.function.clone(),
        regions: found.cleared(lines),
    };
    let all = lines.iter().all(|line| line.outcome.is_ok());
    Ok(state.forget(&gone, all).map_err(anyhow::Error::from)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Architecture, AwsCredentials};

    #[test]
    fn names_of_before_are_looked_for_too_but_not_in_another_account() {
        let config = AwsConfig {
            credentials: AwsCredentials::Chain,
            function_name: "new".into(),
            role_name: "role".into(),
            memory_mb: 128,
            architecture: Architecture::Arm64,
            timeout: Duration::from_secs(900),
            logs: false,
        };
        let deployment = |account: &str, function: &str, region: &str| Deployment {
            config: "/c".into(),
            account: account.into(),
            role: "role".into(),
            function: function.into(),
            regions: BTreeSet::from([region.to_owned()]),
        };
        let known =
            [deployment("1", "new", "eu-west-1"), deployment("1", "old", "eu-west-2"), deployment("2", "other", "eu-west-3")];
        let found = targets(&config, &["us-west-2".to_owned()], &known, "1");
        let shown: Vec<(&str, Vec<&String>, Vec<&String>)> = found
            .iter()
            .map(|target| (target.function.as_str(), target.known.iter().collect(), target.likely.iter().collect()))
            .collect();
        let (west, one, two) = ("us-west-2".to_owned(), "eu-west-1".to_owned(), "eu-west-2".to_owned());
        assert_eq!(shown, [("new", vec![&one], vec![&west]), ("old", vec![&two], vec![])]);
    }
}
