//! `policy`: the least IAM policy for this configuration, as JSON.

use clap::{Args, ValueEnum};

use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use crate::config::{Flags, Mode, resolve};
use crate::deploy::State;
use crate::policy::{Purpose, policy};

/// Options of `policy`.
#[derive(Debug, Args)]
pub(super) struct PolicyArgs {
    /// The command that is to work with it
    #[arg(value_enum)]
    purpose: For,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum For {
    /// Make and change role and functions
    Deploy,
    /// Run the proxy, rotate
    Run,
    /// Remove everything
    Destroy,
}

impl From<For> for Purpose {
    fn from(purpose: For) -> Self {
        match purpose {
            For::Deploy => Self::Deploy,
            For::Run => Self::Run,
            For::Destroy => Self::Destroy,
        }
    }
}

pub(super) fn run(context: &Context, arguments: &PolicyArgs) -> Result<Exit, Failure> {
    let config = context.load(Flags::default(), Mode::Cloud)?.config;
    let known = State::of(&context.place()?).known().map_err(anyhow::Error::from)?;
    let policy = policy(arguments.purpose.into(), &config.aws, &resolve(&config.regions), &known);
    let text = serde_json::to_string_pretty(&policy).map_err(anyhow::Error::from)?;
    context.printer.data(&(text + "\n"))?;
    Ok(Exit::Ok)
}
