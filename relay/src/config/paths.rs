//! Where the relay's files are when nobody says otherwise: the system's places for root, the user's for everyone else.

use std::path::{Path, PathBuf};

use directories::ProjectDirs;

use super::ConfigError;
use crate::system::is_root;

const PROGRAM: &str = "awslambdaproxy-relay";
const FILE_NAME: &str = "relay.toml";

/// The default configuration file: `/etc/awslambdaproxy-relay/relay.toml` for root, else in the user's config directory.
pub fn default_config() -> Result<PathBuf, ConfigError> {
    if is_root() {
        return Ok(system_config());
    }
    Ok(project().ok_or(ConfigError::NoHome)?.config_dir().join(FILE_NAME))
}

/// Where the state of the relay with this configuration is: `/var/lib/awslambdaproxy-relay` for the system's, the user's
/// state directory for the user's. A configuration in a place of its own keeps its state beside it, so that two relays of one
/// user do not share agents. Whoever asks gets the same answer, so that root can add agents to a relay of another user.
pub(super) fn state_of(config: &Path) -> PathBuf {
    if config == system_config() {
        return PathBuf::from("/var/lib").join(PROGRAM);
    }
    if let Some(project) = project()
        && config == project.config_dir().join(FILE_NAME)
    {
        return project.state_dir().unwrap_or(project.data_local_dir()).to_owned();
    }
    let name = config.file_stem().unwrap_or(config.as_os_str()).to_string_lossy();
    config.with_file_name(format!("{name}-state"))
}

fn system_config() -> PathBuf {
    Path::new("/etc").join(PROGRAM).join(FILE_NAME)
}

fn project() -> Option<ProjectDirs> {
    ProjectDirs::from("", "", PROGRAM)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_belongs_to_the_configuration_whoever_asks() {
        assert_eq!(state_of(&system_config()), Path::new("/var/lib/awslambdaproxy-relay"));
        assert_eq!(state_of(Path::new("/srv/one/relay.toml")), Path::new("/srv/one/relay-state"));
        assert_eq!(state_of(Path::new("/srv/one/other.toml")), Path::new("/srv/one/other-state"));
    }
}
