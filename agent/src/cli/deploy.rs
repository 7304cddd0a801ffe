//! `deploy`: makes role and functions in the account, or says what it would make.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;

use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use super::printer::Printer;
use super::progress::Progress;
use super::settings::SettingArgs;
use crate::app;
use crate::cloud::aws::{Account, Caller};
use crate::config::{AwsConfig, Config, Mode, resolve};
use crate::deploy::{Claim, Deployer, Deployment, Line, OwnerId, Plan, State, Tense, Verdict, table, verdict};
use crate::package;

/// Options of `deploy`.
#[derive(Debug, Args)]
pub(super) struct DeployArgs {
    #[command(flatten)]
    settings: SettingArgs,
    /// Say what would be created, updated and deleted, and change nothing
    #[arg(long)]
    plan: bool,
    /// The function's zip, in place of the one in this program
    #[arg(long, value_name = "PATH")]
    function_zip: Option<PathBuf>,
    /// Take over what another desktop, or this one before it lost its state, has deployed under these names
    #[arg(long)]
    adopt: bool,
}

pub(super) async fn run(context: &Context, arguments: DeployArgs) -> Result<Exit, Failure> {
    let config = context.load(arguments.settings.flags(), Mode::Cloud)?.config;
    context.doubt_regions(&config);
    let work = work(context, &config, &arguments);
    tokio::select! {
        ended = work => ended,
        interrupted = tokio::signal::ctrl_c() => {
            interrupted?;
            context.printer.talk("interrupted; run it again, and it goes on where it stopped");
            Ok(Exit::Interrupted)
        }
    }
}

async fn work(context: &Context, config: &Config, arguments: &DeployArgs) -> Result<Exit, Failure> {
    let regions = resolve(&config.regions);
    let zip = package::find(arguments.function_zip.as_deref(), config.aws.architecture).map_err(anyhow::Error::from)?;
    let state = State::of(&context.place()?);
    let account = Account::open(&config.aws, &regions).await?;
    let caller = account.caller().await?;
    context.printer.talk(&format!("account {}, as {}", caller.account, caller.arn));
    let claim = Claim { owner: owner(&state, arguments.plan)?, adopt: arguments.adopt };
    let known = state.known().map_err(anyhow::Error::from)?;
    let deployer = Deployer::new(&account, &caller, &config.aws, &regions, &zip, claim, known);
    let plan = Progress::over(async |watch| deployer.plan(watch).await).await;
    let (lines, tense) = if arguments.plan {
        (deployer.lines_of(&plan), Tense::Plan)
    } else {
        (execute(&deployer, &plan, &state, &caller, &config.aws).await?, Tense::Result)
    };
    context.printer.data(&table(&lines, tense))?;
    tell_of_faults(context.printer, &lines);
    tell_of_leftovers(context.printer, &plan);
    if arguments.plan {
        tell_of_costs(context.printer, config);
    }
    Ok(exit(&lines))
}

/// A plan writes nothing, not even who we are.
fn owner(state: &State, plan: bool) -> Result<OwnerId, Failure> {
    let known = state.known_owner().map_err(anyhow::Error::from)?;
    match known {
        Some(owner) => Ok(owner),
        None if plan => Ok(OwnerId::mint()),
        None => Ok(state.owner().map_err(anyhow::Error::from)?),
    }
}

async fn execute(
    deployer: &Deployer<'_>,
    plan: &Plan,
    state: &State,
    caller: &Caller,
    config: &AwsConfig,
) -> Result<Vec<Line>, Failure> {
    let deployment = Deployment {
        config: state.config().to_owned(),
        account: caller.account.clone(),
        role: config.role_name.clone(),
        function: config.function_name.clone(),
        regions: plan.regions(),
        logs: config.logs,
    };
    if !deployment.regions.is_empty() {
        state.remember(&deployment).map_err(anyhow::Error::from)?;
    }
    Ok(Progress::over(async |watch| deployer.execute(plan, watch).await).await)
}

/// Functions that are not invoked cost nothing; this is what a run would.
fn tell_of_costs(printer: Printer, config: &Config) {
    printer.talk("\nwhat a run costs:");
    app::estimate(config).lines().iter().for_each(|line| printer.talk(&format!("- {line}")));
}

fn tell_of_leftovers(printer: Printer, plan: &Plan) {
    let elsewhere: Vec<&str> = plan.elsewhere().iter().map(String::as_str).collect();
    if !elsewhere.is_empty() {
        let regions = elsewhere.join(", ");
        printer.talk(&format!(
            "functions may also stand in {regions}, not among these regions; `awslambdaproxy destroy` removes all"
        ));
    }
}

/// Each mend once, with the first place that needs it.
pub(super) fn tell_of_faults(printer: Printer, lines: &[Line]) {
    let mut told: Vec<&str> = Vec::new();
    for (line, fault) in lines.iter().filter_map(|line| line.outcome.as_ref().err().map(|fault| (line, fault))) {
        if !told.contains(&fault.hint.as_str()) {
            told.push(&fault.hint);
            printer.talk(&format!("{}, {}: {}\n  hint: {}", line.place, line.thing, fault.text, fault.hint));
        }
    }
}

/// The exit code of what came of it.
pub(super) fn exit(lines: &[Line]) -> Exit {
    match verdict(lines) {
        Verdict::Well => Exit::Ok,
        Verdict::Some => Exit::SomeRegions,
        Verdict::Refused => Exit::Aws,
        Verdict::Failed => Exit::Failure,
    }
}

/// An error of a command line that cannot go on by itself.
pub(super) fn usage(text: &'static str) -> Failure {
    Failure::new(Exit::Usage, anyhow!(text))
}
