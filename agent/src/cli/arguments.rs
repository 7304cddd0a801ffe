//! What can be typed.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use super::completions::CompletionsArgs;
use super::config::ConfigArgs;
use super::deploy::DeployArgs;
use super::destroy::DestroyArgs;
use super::doctor::DoctorArgs;
use super::examples;
use super::init::InitArgs;
use super::man::ManArgs;
use super::policy::PolicyArgs;
use super::proxy::ProxyArgs;
use super::rotate::RotateArgs;
use super::run::RunArgs;
use super::service::ServiceArgs;
use super::status::StatusArgs;
use super::update::UpdateArgs;
use super::variables::{EnvArgs, ExecArgs};

/// A rotating IP address out of any AWS Lambda region, as a local HTTP and SOCKS5 proxy.
///
/// Without a command it runs the proxy, and the options of `run` can stand here.
#[derive(Debug, Parser)]
#[command(name = "awslambdaproxy", version, max_term_width = 100, after_help = examples::ALL)]
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
    #[command(after_help = examples::RUN)]
    Run(RunArgs),
    /// Ask for what is needed, test it, and write the configuration
    #[command(after_help = examples::INIT)]
    Init(InitArgs),
    /// Show what a running proxy does
    #[command(after_help = examples::STATUS)]
    Status(StatusArgs),
    /// Take a new exit now, and print the old and the new address
    #[command(after_help = examples::ROTATE)]
    Rotate(RotateArgs),
    /// Look for what is wrong, from the configuration to one real invocation, and say the mend
    #[command(after_help = examples::DOCTOR)]
    Doctor(DoctorArgs),
    /// Make or change role and functions in the AWS account
    #[command(visible_alias = "setup", after_help = examples::DEPLOY)]
    Deploy(DeployArgs),
    /// Remove everything that deploy made
    #[command(after_help = examples::DESTROY)]
    Destroy(DestroyArgs),
    /// Print the least IAM policy that a command needs
    #[command(after_help = examples::POLICY)]
    Policy(PolicyArgs),
    /// Show or check the configuration
    #[command(after_help = examples::CONFIG)]
    Config(ConfigArgs),
    /// Put the latest release in the place of this program
    #[command(after_help = examples::UPDATE)]
    Update(UpdateArgs),
    /// Run the proxy as a service of yours, started whenever you log in
    #[command(after_help = examples::SERVICE)]
    Service(ServiceArgs),
    /// Set or put back the desktop's own proxy setting
    #[command(after_help = examples::PROXY)]
    Proxy(ProxyArgs),
    /// Print the variables by which a shell's programs find the proxy
    #[command(after_help = examples::ENV)]
    Env(EnvArgs),
    /// Run a command whose traffic goes through the proxy
    #[command(after_help = examples::EXEC)]
    Exec(ExecArgs),
    /// Print a shell's completions
    #[command(after_help = examples::COMPLETIONS)]
    Completions(CompletionsArgs),
    /// Print the manual page
    Man(ManArgs),
}
