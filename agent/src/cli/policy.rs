//! `policy`: the least IAM policy for this configuration, as JSON.

use std::collections::BTreeSet;

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
    let mut regions = resolve(&config.regions);
    if matches!(arguments.purpose, For::Destroy) {
        // Also where it was before.
        let known = State::of(&context.place()?).deployments().map_err(anyhow::Error::from)?;
        let before: BTreeSet<String> = known.into_iter().flat_map(|deployment| deployment.regions).collect();
        regions.extend(before.into_iter().filter(|region| !regions.contains(region)).collect::<Vec<_>>());
    }
    let policy = policy(arguments.purpose.into(), &config.aws, &regions);
    let text = serde_json::to_string_pretty(&policy).map_err(anyhow::Error::from)?;
    context.printer.data(&(text + "\n"))?;
    Ok(Exit::Ok)
}
