//! What every command needs: the printer, the configuration, and the agent that runs on it.

use std::path::PathBuf;

use super::arguments::Global;
use super::failure::Failure;
use super::printer::Printer;
use crate::config::{self, Flags, Loaded, Mode, Sources};
use crate::control_socket::{Client, NoPlace, Place};

/// The command's surroundings.
pub(super) struct Context {
    pub(super) printer: Printer,
    /// The configuration file.
    pub(super) file: PathBuf,
    file_required: bool,
    profile: Option<String>,
}

impl Context {
    pub(super) fn new(global: Global) -> Result<Self, Failure> {
        let file_required = global.config.is_some();
        let file = global.config.or_else(config::default_path).ok_or(NoPlace)?;
        Ok(Self { printer: Printer, file, file_required, profile: global.profile })
    }

    /// Reads the configuration, with a command's own flags on top.
    pub(super) fn load(&self, flags: Flags, mode: Mode) -> Result<Loaded, Failure> {
        let sources = Sources {
            file: self.file.clone(),
            file_required: self.file_required,
            environment: std::env::vars_os().collect(),
            flags: flags.set("--profile", "aws.profile", self.profile.clone()),
            mode,
        };
        Ok(config::load(sources)?)
    }

    /// The profile that the command line names.
    pub(super) fn profile(&self) -> Option<&str> {
        self.profile.as_deref()
    }

    /// Where the agent of this configuration is found.
    pub(super) fn place(&self) -> Result<Place, NoPlace> {
        Place::of(&self.file)
    }

    /// The agent of this configuration.
    pub(super) fn agent(&self) -> Result<Client, NoPlace> {
        self.place().map(Client::new)
    }
}
