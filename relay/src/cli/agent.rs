//! `agent add`, `list` and `revoke`.

use std::path::Path;

use super::args::AgentCommand;
use super::exit::CliError;
use super::{certificate, print};
use crate::agents::{AgentName, AgentsFile, Token};
use crate::config::{PublicUrl, Settings, Tls};

/// Does what `command` says with the agents of this configuration.
pub(super) fn agent(config: &Path, command: AgentCommand) -> Result<(), CliError> {
    let settings = Settings::load(config)?;
    let agents = AgentsFile::in_directory(&settings.state_dir);
    match command {
        AgentCommand::Add { name } => add(&settings, &agents, &name),
        AgentCommand::List => agents.names()?.iter().try_for_each(print::line),
        AgentCommand::Revoke { name } => {
            agents.revoke(&name)?;
            print::note(format_args!("{name} is revoked; a running relay cuts its tunnels within a second"));
            Ok(())
        }
    }
}

/// Adds an agent and prints its pairing code.
pub(super) fn add(settings: &Settings, agents: &AgentsFile, name: &AgentName) -> Result<(), CliError> {
    // All that can fail comes before the agent is added.
    let url = reached_at(settings)?;
    let pin = match settings.tls {
        Tls::SelfSigned => certificate::on_disk_or_made(settings)?.map(|certified| certified.pin()),
        Tls::Acme(_) | Tls::Files { .. } | Tls::Off => None,
    };
    let token = Token::mint();
    agents.add(name, token.hash())?;
    if url.is_of_this_machine() {
        print::note(format_args!(
            "this code serves programs of this machine only, and no function in AWS: nobody else reaches {url}; --host NAME of \
             init, or public_url in the configuration, makes codes for others"
        ));
    }
    print::note(format_args!("the pairing code of {name}, a secret that is shown only once:"));
    print::line(url.pairing_code(name.as_str(), token.expose(), pin.as_deref()))
}

fn reached_at(settings: &Settings) -> Result<PublicUrl, CliError> {
    settings.reached_at().ok_or_else(|| {
        let text = "nobody can connect to the listen address as it stands, so a pairing code needs another one: \
            give --host NAME to init, or set public_url in the configuration";
        CliError::Usage(text.to_owned())
    })
}
