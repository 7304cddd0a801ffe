//! `destroy`: removes all that `deploy` made, after asking.

use std::collections::BTreeSet;
use std::io::{self, BufRead, IsTerminal, Read};
use std::time::Duration;

use clap::Args;
use tokio::time::{Instant, sleep};

use super::context::Context;
use super::deploy::{exit, tell_of_faults, usage};
use super::exit::Exit;
use super::failure::Failure;
use super::progress::Progress;
use crate::cloud::aws::Account;
use crate::config::{Flags, Mode, resolve};
use crate::control_socket::AskError;
use crate::deploy::{Claim, Deployment, Destroyer, Found, Line, State, Targets, Tense, table};

/// How long a running agent may take to end: 2 s, and as long again on a loaded machine, several times.
const STOP_LIMIT: Duration = Duration::from_secs(20);
/// Between two looks whether it has.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// Longest answer that is read, bytes: `yes` and some.
const LONGEST_ANSWER: u64 = 64;

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
    let known = state.known().map_err(anyhow::Error::from)?;
    let owner = state.owner().map_err(anyhow::Error::from)?;
    let destroyer = Destroyer::new(&account, Claim { owner, adopt: arguments.adopt });
    let targets = Targets::new(&config.aws, &regions, &caller.account, &known);
    let found = Progress::over(async |watch| destroyer.find(&targets, watch).await).await;
    tell_of_other_accounts(context, &known.own, &caller.account);
    let plan = destroyer.lines_of(&found);
    let is_known = known.own.iter().any(|known| known.account == caller.account);
    if !is_known && destroyer.meets_another(&found) && plan.iter().all(Line::is_left_alone) {
        return give_up(context, &plan);
    }
    if plan.iter().all(Line::is_unchanged) {
        context.printer.talk("nothing of this configuration is in the account");
    } else if !may_go_on(context, arguments, &plan).await? {
        context.printer.talk("nothing was removed");
        return Ok(Exit::Failure);
    }
    if !is_hopeless(&plan) {
        stop_agent(context).await?;
    }
    let lines = Progress::over(async |watch| destroyer.execute(&found, watch).await).await;
    forget(&state, known.own.into_iter().filter(|known| known.account == caller.account), &found, &lines)?;
    if !lines.is_empty() {
        context.printer.data(&table(&lines, Tense::Result))?;
        tell_of_faults(context.printer, &lines);
    }
    if lines.iter().any(Line::is_left_alone) {
        context.printer.talk("what is left alone is not this desktop's; `awslambdaproxy destroy --adopt` removes it too");
    }
    Ok(exit(&lines))
}

/// Nothing says that this desktop made any of it, and it may have: then it is not gone, as the user wanted it to be.
fn give_up(context: &Context, plan: &[Line]) -> Result<Exit, Failure> {
    context.printer.data(&table(plan, Tense::Result))?;
    context.printer.talk(
        "nothing was removed: all of it is another's. If this desktop made it and has lost its state since, \
         `awslambdaproxy destroy --adopt` removes it",
    );
    Ok(Exit::Failure)
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
async fn may_go_on(context: &Context, arguments: &DestroyArgs, plan: &[Line]) -> Result<bool, Failure> {
    if arguments.yes {
        return Ok(true);
    }
    context.printer.talk(table(plan, Tense::Plan).trim_end());
    if !io::stdin().is_terminal() {
        return Err(usage("nobody can be asked here; `destroy --yes` removes without asking"));
    }
    context.printer.ask("remove all of this? [y/N] ")?;
    Ok(matches!(answer().await?.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// Reads a line on a thread of its own: the program's only other one hears an interrupt meanwhile.
async fn answer() -> Result<String, Failure> {
    let read = || {
        let mut line = String::new();
        io::stdin().lock().take(LONGEST_ANSWER).read_line(&mut line).map(|_| line)
    };
    Ok(tokio::task::spawn_blocking(read).await.map_err(io::Error::other)??)
}

/// Whether nothing can be removed, for nothing of what may be there can even be looked at. An agent that runs goes on then.
fn is_hopeless(plan: &[Line]) -> bool {
    let removes = |line: &Line| line.outcome.is_ok() && !line.is_unchanged();
    plan.iter().any(|line| line.outcome.is_err()) && !plan.iter().any(removes)
}

/// A running agent would only find its functions missing. Streams that it lets finish (`--drain`) cannot outlive them.
async fn stop_agent(context: &Context) -> Result<(), Failure> {
    let agent = context.agent()?;
    match agent.stop().await {
        Ok(pid) => context.printer.talk(&format!("the running proxy (process {pid}) ends first")),
        Err(AskError::NotRunning) => return Ok(()),
        Err(error) => return Err(error.into()),
    }
    // One that does not drain may be gone by now.
    let _cut = agent.stop().await;
    let begun = Instant::now();
    while begun.elapsed() < STOP_LIMIT {
        if matches!(agent.status().await, Err(AskError::NotRunning)) {
            return Ok(());
        }
        sleep(LOOK_AGAIN).await;
    }
    Err(Failure::new(Exit::Failure, anyhow::anyhow!("the running proxy does not end; stop it, then run this again")))
}

/// What is cleared is forgotten; a deployment as a whole when nothing is left.
fn forget(state: &State, known: impl Iterator<Item = Deployment>, found: &Found, lines: &[Line]) -> Result<(), Failure> {
    let (cleared, all) = (found.cleared(lines), lines.iter().all(|line| line.outcome.is_ok()));
    for deployment in known {
        let gone = Deployment { regions: cleared.clone(), ..deployment };
        state.forget(&gone, all).map_err(anyhow::Error::from)?;
    }
    Ok(())
}
