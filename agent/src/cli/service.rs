//! `service`: the agent as a service of its user.

use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use clap::{Args, Subcommand};

use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use crate::config::{Flags, Mode};
use crate::control_socket::NoPlace;
use crate::service::{Manager, Service, lasting, manager, shell};
use crate::tools::SystemTools;

/// Options of `service`.
#[derive(Debug, Args)]
pub(super) struct ServiceArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum Action {
    /// Start it now and whenever you log in
    Install,
    /// End it, and do not start it any more
    Uninstall,
    /// Say whether it is installed, and whether it runs
    Status,
}

pub(super) async fn run(context: &Context, arguments: &ServiceArgs) -> Result<Exit, Failure> {
    let manager = here()?;
    match arguments.action {
        Action::Install => install(context, &*manager).await,
        Action::Uninstall => uninstall(context, &*manager),
        Action::Status => status(context, &*manager),
    }
}

fn here() -> Result<Box<dyn Manager>, Failure> {
    let directories = directories::BaseDirs::new().ok_or(NoPlace)?;
    Ok(manager(directories.home_dir(), directories.config_dir()))
}

/// A service that cannot work is not installed: the configuration must be right without this shell, and no other agent run on
/// it.
async fn install(context: &Context, manager: &dyn Manager) -> Result<Exit, Failure> {
    let loaded = context.load(Flags::default(), Mode::Cloud)?;
    if loaded.config.relays.is_empty() {
        let text = format!("nothing to run with: {} has no [relay]; see `awslambdaproxy init`", context.file.display());
        return Err(Failure::new(Exit::Config, anyhow!(text)));
    }
    let of_variables = shell::settings(&loaded.settings);
    if !of_variables.is_empty() {
        let (settings, file) = (of_variables.join(", "), context.file.display());
        let text = format!("a service has no variables of this shell; write into {file} what they set: {settings}");
        return Err(Failure::new(Exit::Config, anyhow!(text)));
    }
    let is_ours = manager.condition(&SystemTools)?.is_running;
    if !is_ours && context.agent()?.status().await.is_ok() {
        let text = "an agent runs on this configuration already, and the service would be a second one; end it first (Ctrl-C)";
        return Err(anyhow!(text).into());
    }
    let profile = shell::profile(&loaded.config.aws, context.profile(), |name| std::env::var(name).ok());
    let service = Service { program: program()?, config: context.named_file_anywhere()?, profile };
    manager.install(&SystemTools, &service)?;
    context.printer.data("installed\n")?;
    context.printer.talk(&format!("it starts whenever you log in; its log: {}", manager.log_hint()));
    let unseen = shell::unseen(std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()));
    if !unseen.is_empty() {
        let text = format!("note: unless your session sets them for every program, it runs without {}", unseen.join(", "));
        context.printer.talk(&text);
    }
    Ok(Exit::Ok)
}

/// The program by the name under which it was found, so that an update reaches the service too.
fn program() -> Result<PathBuf, Failure> {
    let file = std::env::current_exe().context("cannot find this program's own file")?;
    Ok(lasting(file, std::env::args_os().next(), std::env::var_os("PATH").as_deref()))
}

fn uninstall(context: &Context, manager: &dyn Manager) -> Result<Exit, Failure> {
    let was_there = manager.uninstall(&SystemTools)?;
    context.printer.data(if was_there { "uninstalled\n" } else { "not installed\n" })?;
    Ok(Exit::Ok)
}

fn status(context: &Context, manager: &dyn Manager) -> Result<Exit, Failure> {
    let condition = manager.condition(&SystemTools)?;
    let text = match (condition.is_installed, condition.is_running) {
        (true, true) => format!("runs  {}\n", condition.place),
        (true, false) => format!("does not run  {}\n", condition.place),
        (false, _) => "not installed\n".to_owned(),
    };
    context.printer.data(&text)?;
    Ok(if condition.is_running { Exit::Ok } else { Exit::NotRunning })
}
