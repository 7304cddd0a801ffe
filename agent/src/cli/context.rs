//! What every command needs: the printer, the configuration, and the agent that runs on it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use tokio::time::timeout;

use super::arguments::Global;
use super::failure::Failure;
use super::printer::Printer;
use crate::config::{self, Config, Flags, Loaded, Mode, Sources, doubts};
use crate::control_socket::{Client, NoPlace, Place};
use crate::status::model::Status;

/// How long an answer is waited for that only adds a word: an agent that is well takes milliseconds.
pub(super) const SOON: Duration = Duration::from_secs(1);

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

    /// Says which regions are perhaps misspelled.
    pub(super) fn doubt_regions(&self, config: &Config) {
        if config.mode == Mode::Cloud {
            doubts(&config.regions).iter().for_each(|doubt| self.printer.talk(&format!("warning: {doubt}")));
        }
    }

    /// Reads the configuration for what both modes have in common: a file that is sound for one of them is.
    pub(super) fn load_for_either_mode(&self) -> Result<Loaded, Failure> {
        let cloud = self.load(Flags::default(), Mode::Cloud);
        cloud.or_else(|failure| self.load(Flags::default(), Mode::Local).map_err(|_| failure))
    }

    /// The profile that the command line names.
    pub(super) fn profile(&self) -> Option<&str> {
        self.profile.as_deref()
    }

    /// The configuration file that was named, as a program that starts elsewhere finds it.
    pub(super) fn named_file(&self) -> Result<Option<PathBuf>, Failure> {
        let absolute = || std::path::absolute(&self.file).with_context(|| self.file.display().to_string());
        Ok(if self.file_required { Some(absolute()?) } else { None })
    }

    /// Where the running agent's proxy is reached from this machine.
    pub(super) async fn proxy_address(&self) -> Result<SocketAddr, Failure> {
        self.proxy_of(&self.agent()?.status().await?)
    }

    /// The same of an agent that was asked already.
    pub(super) fn proxy_of(&self, status: &Status) -> Result<SocketAddr, Failure> {
        let listen = status.proxy.listen.first().context("the agent listens nowhere")?;
        Ok(reachable(*listen))
    }

    /// Where the agent of this configuration is found.
    pub(super) fn place(&self) -> Result<Place, NoPlace> {
        Place::of(&self.file)
    }

    /// What the agent of this configuration says of itself, for who can do without: one that starts or hangs is not waited for.
    pub(super) async fn status_if_soon(&self) -> Option<Status> {
        timeout(SOON, self.agent().ok()?.status()).await.ok()?.ok()
    }

    /// The agent of this configuration.
    pub(super) fn agent(&self) -> Result<Client, NoPlace> {
        self.place().map(Client::new)
    }
}

/// The address at which programs of this machine reach a listener.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}
