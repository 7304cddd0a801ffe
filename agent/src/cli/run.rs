//! `run`: the proxy in the foreground.

use std::time::Duration;

use anyhow::anyhow;
use clap::Args;
use tokio::time::sleep;

use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use super::printer::Printer;
use super::proxy;
use super::settings::SettingArgs;
use crate::app::{self, RunEnd, RunOptions};
use crate::config::{Mode, duration};
use crate::control_socket::{ControlSocket, LockError, OpenError};
use crate::status::model::ENDING;
use crate::system::{Signals, raise_descriptor_limit};

/// How long the desktop may take to put its setting back: some hundred milliseconds, unless its session hangs.
const RESTORING: Duration = Duration::from_secs(5);

/// Options of `run`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Options of run")]
pub(super) struct RunArgs {
    #[command(flatten)]
    pub(super) settings: SettingArgs,
    /// Without an account: functions as processes of this machine (sites see this machine's own address)
    #[arg(long)]
    local: bool,
    /// How long streams may finish after the first signal [default: not at all]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    drain: Option<Duration>,
}

impl RunArgs {
    /// Whether nothing was given.
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

pub(super) async fn run(context: &Context, arguments: RunArgs) -> Result<Exit, Failure> {
    raise_descriptor_limit();
    let mode = if arguments.local { Mode::Local } else { Mode::Cloud };
    let loaded = context.load(arguments.settings.flags(), mode)?;
    if mode == Mode::Cloud && loaded.config.relays.is_empty() {
        return Err(Failure::new(Exit::Config, anyhow!(next_steps(context, loaded.file.was_there()))));
    }
    context.doubt_regions(&loaded.config);
    let socket = match ControlSocket::open(&context.place()?) {
        Ok(socket) => socket,
        Err(error) => return Err(taken(context, error).await),
    };
    proxy::restore(context).await;
    let options = RunOptions { drain: arguments.drain, socket, file: loaded.file, say: |text| Printer.talk(text) };
    let ended = app::run(loaded.config, options).await;
    restore_at_end(context).await;
    match ended? {
        RunEnd::Asked => Ok(Exit::Ok),
        RunEnd::Interrupted => Ok(Exit::Interrupted),
    }
}

/// Puts back the desktop's setting, for no longer than a person waits, nor beyond another signal. The journal stays until it
/// is done.
async fn restore_at_end(context: &Context) {
    let Ok(mut signals) = Signals::new() else { return proxy::restore(context).await };
    tokio::select! {
        () = proxy::restore(context) => return,
        () = sleep(RESTORING) => {}
        () = signals.next() => {}
    }
    context.printer.talk("warning: the desktop's proxy setting may not be as before; `awslambdaproxy proxy off` tries again");
}

/// Who has the configuration may be about to go.
async fn taken(context: &Context, error: OpenError) -> Failure {
    let is_running = matches!(error, OpenError::Lock(LockError::Running { .. }));
    let failure = Failure::from(error);
    if is_running && context.status_if_soon().await.is_some_and(|status| status.has_problem(ENDING)) {
        return failure.with_hint("it is ending, and lets running streams finish: `awslambdaproxy status` says for how long");
    }
    failure
}

/// What to do where nothing says which relay to use.
fn next_steps(context: &Context, file_found: bool) -> String {
    let file = context.file.display();
    let lack = if file_found { "has no [relay]" } else { "does not exist" };
    format!(
        "nothing to run with: {file} {lack}\n\
         \x20 to try it without an account:         awslambdaproxy run --local\n\
         \x20 for AWS, a relay on a small server:   awslambdaproxy-relay init   (it prints a pairing code)\n\
         \x20 then here, which asks for the code:   awslambdaproxy init\n\
         \x20 the functions, in your own account:   awslambdaproxy deploy   and then: awslambdaproxy"
    )
}
