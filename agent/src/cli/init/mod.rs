//! `init`: asks for what a configuration needs, tests each answer as it is given, and writes the file.
//!
//! ```text
//!   steps  one question each: asked or given by a flag, tested, asked again     asker  the terminal
//! ```
//! Never: the pairing code and the secret key are neither echoed nor taken from the command line.

mod asker;
mod steps;

use std::path::PathBuf;

use clap::Args;

use self::steps::Steps;
use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use crate::app;
use crate::setup::{self, WriteError};

/// What nobody should learn too late.
const NOTICE: &str = "\
Before you begin:
- Sites see addresses of AWS, and AWS sees your account behind them: traffic is traceable to you, and AWS's terms apply.
- Many sites block the addresses of AWS, or ask for captchas.
- There is no UDP. A browser's WebRTC leaks your own address past every proxy: turn it off there.
";

/// Options of `init`.
#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// `-` reads the relay's pairing code from standard input [default: it is asked for, unechoed]
    #[arg(long, value_name = "-", conflicts_with = "relay_file")]
    relay: Option<String>,
    /// Reads the relay's pairing code from a file
    #[arg(long, value_name = "PATH")]
    relay_file: Option<PathBuf>,
    /// Keep this access key in the configuration, instead of using a profile or what the AWS CLI finds
    #[arg(long, value_name = "ID", requires = "secret_key_file")]
    access_key_id: Option<String>,
    /// Reads the key's secret from a file
    #[arg(long, value_name = "PATH", requires = "access_key_id")]
    secret_key_file: Option<PathBuf>,
    /// Regions: names, eu-*, or * for all without opt-in; separated by commas
    #[arg(short, long, value_name = "REGIONS")]
    regions: Option<String>,
    /// A new exit per region this often: 5m, seconds, or never
    #[arg(short, long, value_name = "DURATION")]
    frequency: Option<String>,
    /// What a month may cost, US dollars; beyond it nothing is invoked
    #[arg(long, value_name = "USD")]
    budget: Option<String>,
    /// Replace a configuration that is there, without asking
    #[arg(long)]
    overwrite: bool,
    /// Ask nothing: what no flag says has its default
    #[arg(short, long)]
    yes: bool,
    /// Do not test the answers, for a machine without a network
    #[arg(long)]
    no_check: bool,
}

pub(super) async fn run(context: &Context, arguments: InitArgs) -> Result<Exit, Failure> {
    let steps = Steps::new(context, &arguments);
    steps.refuse_a_code_for_all_to_read()?;
    steps.refuse_wrong_flags()?;
    let overwrite = steps.overwrite()?;
    let printer = context.printer;
    printer.talk(NOTICE);
    let relay = steps.relay().await?;
    let (credentials, account) = steps.credentials().await?;
    let (answers, config) = steps.rest(relay, credentials, account.as_ref()).await?;
    printer.talk("What it costs:");
    app::estimate(&config).lines().iter().for_each(|line| printer.talk(&format!("- {line}")));
    setup::write(&context.file, &answers.to_toml(), overwrite).map_err(|error| match error {
        WriteError::Exists(_) => Failure::new(Exit::Failure, anyhow::anyhow!("{error}; it was not replaced")),
        WriteError::System { .. } => Failure::new(Exit::Failure, error),
    })?;
    printer.talk(&format!("\nwrote {}\nnext: awslambdaproxy deploy, then awslambdaproxy run", context.file.display()));
    Ok(Exit::Ok)
}
