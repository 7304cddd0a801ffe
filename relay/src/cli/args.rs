//! What can be written on the command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{ArgGroup, Args as ClapArgs, Parser, Subcommand, ValueEnum};

use super::completions::{CompletionsArgs, ManArgs};
use super::update::UpdateArgs;
use crate::agents::AgentName;

const EXAMPLES: &str = "\
Examples:
  awslambdaproxy-relay init --self-signed --host relay.example.com
  awslambdaproxy-relay run
  awslambdaproxy-relay agent add laptop";
const UPDATE_EXAMPLES: &str = "\
Examples:
  awslambdaproxy-relay update --check
  awslambdaproxy-relay update && systemctl restart awslambdaproxy-relay";

/// Pairs the two ends of awslambdaproxy's tunnels and forwards what it cannot read.
#[derive(Parser)]
#[command(name = "awslambdaproxy-relay", version, max_term_width = 100, after_help = EXAMPLES)]
pub(super) struct Args {
    /// The configuration file
    ///
    /// Without it: /etc/awslambdaproxy-relay/relay.toml for root, else relay.toml in the user's config directory.
    #[arg(long, global = true, value_name = "PATH")]
    pub(super) config: Option<PathBuf>,
    /// Log more; twice for everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
    /// Log errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// How log lines look
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    pub(super) log_format: LogFormat,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    Text,
    Json,
}

#[derive(Subcommand)]
pub(super) enum Command {
    /// Run the relay in the foreground
    ///
    /// SIGHUP reads configuration and certificate again, SIGTERM stops it in good order, and a second SIGTERM at once.
    Run(RunArgs),
    /// Say whether configuration, port and certificate are sound
    Check,
    /// Write the configuration and print the first agent's pairing code
    Init(InitArgs),
    /// Add, list or revoke agents; a running relay follows within a second
    Agent {
        #[command(subcommand)]
        command: AgentCommand,
    },
    /// Put the latest release in the place of this program
    #[command(after_help = UPDATE_EXAMPLES)]
    Update(UpdateArgs),
    /// Print a shell's completions
    Completions(CompletionsArgs),
    /// Print the manual page
    Man(ManArgs),
}

#[derive(ClapArgs)]
pub(super) struct RunArgs {
    /// Take the port over from the running relay of this configuration, which is then to be stopped with SIGTERM
    #[arg(long)]
    pub(super) take_over: bool,
}

#[derive(ClapArgs)]
#[command(group = ArgGroup::new("mode").required(true).args(["domain", "self_signed", "behind_proxy", "certificate"]))]
pub(super) struct InitArgs {
    /// Have Let's Encrypt certify this name, which must point at this machine; its port 443 must be open to everybody
    #[arg(long, value_name = "NAME")]
    pub(super) domain: Option<String>,
    /// Make a certificate; the pairing code carries its fingerprint
    #[arg(long)]
    pub(super) self_signed: bool,
    /// Speak plain WebSocket, since something in front does TLS
    #[arg(long)]
    pub(super) behind_proxy: bool,
    /// The certificate chain (PEM)
    #[arg(long, requires = "key", value_name = "PATH")]
    pub(super) certificate: Option<PathBuf>,
    /// The certificate's key (PEM)
    #[arg(long, requires = "certificate", value_name = "PATH")]
    pub(super) key: Option<PathBuf>,
    /// The name or address, with or without a port, at which ends reach the relay [default: the domain, else the listen address]
    #[arg(long, value_name = "NAME")]
    pub(super) host: Option<String>,
    /// Address and port to listen on [default: 0.0.0.0:443, or 127.0.0.1:8000 behind a proxy]
    #[arg(long, value_name = "ADDR")]
    pub(super) listen: Option<SocketAddr>,
    /// The first agent's name
    #[arg(long, value_name = "NAME", default_value = "agent")]
    pub(super) agent: AgentName,
}

#[derive(Subcommand)]
pub(super) enum AgentCommand {
    /// Add an agent and print its pairing code, which is a secret and shown only once
    Add {
        /// The agent's name
        name: AgentName,
    },
    /// Print the agents' names
    List,
    /// Take an agent's token away and cut its tunnels
    Revoke {
        /// The agent's name
        name: AgentName,
    },
}
