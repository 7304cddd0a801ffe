//! What can be typed.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use super::{
    completions::CompletionsArgs, config::ConfigArgs, doctor::DoctorArgs, init::InitArgs, rotate::RotateArgs, run::RunArgs,
    status::StatusArgs,
};

/// A rotating IP address out of any AWS Lambda region, as a local HTTP and SOCKS5 proxy.
///
/// Without a command it runs the proxy, and the options of `run` can stand here.
#[derive(Debug, Parser)]
#[command(name = "awslambdaproxy", version, max_term_width = 100)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) run: RunArgs,
}

/// Options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct Global {
    /// The configuration file [default: config.toml in the user's configuration directory]
    #[arg(long, global = true, value_name = "PATH")]
    pub(super) config: Option<PathBuf>,
    /// The AWS profile to use
    #[arg(long, global = true, value_name = "NAME")]
    pub(super) profile: Option<String>,
    /// Log more; twice for everything
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(super) verbose: u8,
    /// Log warnings only; twice for errors only
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "verbose")]
    pub(super) quiet: u8,
    /// How the log is written, to standard error
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) log_format: LogFormat,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// For people
    #[default]
    Text,
    /// One JSON object a line
    Json,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the proxy in the foreground (what happens without a command)
    Run(RunArgs),
    /// Ask for what is needed, test it, and write the configuration
    Init(InitArgs),
    /// Show what a running proxy does
    Status(StatusArgs),
    /// Take a new exit now, and print the old and the new address
    Rotate(RotateArgs),
    /// Look for what is wrong, from the configuration to one real invocation, and say the mend
    Doctor(DoctorArgs),
    /// Show or check the configuration
    Config(ConfigArgs),
    /// Print a shell's completions
    Completions(CompletionsArgs),
    /// Print the manual page
    Man,
}
