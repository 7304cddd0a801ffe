//! `config`: where the file is, whether it is right, what is in force and why.

use clap::{Args, Subcommand};

use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use crate::config::{Flags, Mode, Setting};
use crate::status::model::CONFIG_CHANGED;

/// A long list does not push the sources of all others off the screen.
const WIDEST: usize = 72;

/// Options of `config`.
#[derive(Debug, Args)]
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum Action {
    /// Print the file's path
    Path,
    /// Check it, and report every problem
    Check(ModeArgs),
    /// Print every value in force and where it came from; secrets stay hidden
    Show(ModeArgs),
}

/// In which mode a configuration is read.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct ModeArgs {
    /// As `run --local` reads it
    #[arg(long)]
    local: bool,
}

impl ModeArgs {
    pub(super) fn mode(self) -> Mode {
        if self.local { Mode::Local } else { Mode::Cloud }
    }
}

pub(super) async fn run(context: &Context, arguments: &ConfigArgs) -> Result<Exit, Failure> {
    match arguments.action {
        Action::Path => context.printer.data(&format!("{}\n", context.file.display()))?,
        Action::Check(arguments) => check(context, arguments.mode()).await?,
        Action::Show(arguments) => {
            let loaded = context.load(Flags::default(), arguments.mode())?;
            context.printer.data(&listing(&loaded.settings))?;
        }
    }
    Ok(Exit::Ok)
}

async fn check(context: &Context, mode: Mode) -> Result<(), Failure> {
    let loaded = context.load(Flags::default(), mode)?;
    if !loaded.file.was_there() {
        context.printer.talk(&format!("{} does not exist; the defaults hold", context.file.display()));
    }
    if mode == Mode::Cloud && loaded.config.relays.is_empty() {
        context.printer.talk("no [relay] is configured; only `run --local` works without one");
    }
    context.doubt_regions(&loaded.config);
    context.printer.data("ok\n")?;
    if context.status_if_soon().await.is_some_and(|status| status.has_problem(CONFIG_CHANGED)) {
        context.printer.talk("the running agent was started with another version of it; restart the agent to follow this one");
    }
    Ok(())
}

/// `key = value`, then the source as a comment in a column of its own.
fn listing(settings: &[Setting]) -> String {
    let lines: Vec<String> = settings.iter().map(|setting| format!("{} = {}", setting.key, setting.value)).collect();
    let width = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0).min(WIDEST);
    let row = |(line, setting): (&String, &Setting)| format!("{line:width$}  # {}\n", setting.origin);
    lines.iter().zip(settings).map(row).collect()
}
