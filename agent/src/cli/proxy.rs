//! `proxy`: the desktop's own proxy setting.

use std::path::Path;

use clap::{Args, Subcommand};
use tokio::time::timeout;

use super::context::{Context, SOON};
use super::exit::Exit;
use super::failure::Failure;
use crate::config::state_dir;
use crate::control_socket::{AskError, Client, NoPlace, Place};
use crate::desktop::{Asked, Restored, State, SystemProxy};
use crate::tools::SystemTools;

/// Options of `proxy`.
#[derive(Debug, Args)]
pub(super) struct ProxyArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum Action {
    /// Let the desktop's programs use the running proxy, until it ends
    On,
    /// Put back what was set before
    Off,
    /// Say whether it is set
    Status,
}

pub(super) async fn run(context: &Context, arguments: &ProxyArgs) -> Result<Exit, Failure> {
    match arguments.action {
        Action::On => on(context).await,
        Action::Off => off(context),
        Action::Status => status(context).await,
    }
}

/// Only a proxy that runs is set: without one the desktop would have no network.
async fn on(context: &Context) -> Result<Exit, Failure> {
    let proxy = context.proxy_address().await?;
    let agent = context.place()?.config;
    desktop()?.on(Asked { proxy, agent: &agent })?;
    context.printer.data(&format!("on  {proxy}\n"))?;
    context.printer.talk("what was set before comes back with `awslambdaproxy proxy off`, and when the agent ends");
    Ok(Exit::Ok)
}

fn off(context: &Context) -> Result<Exit, Failure> {
    let restored = desktop()?.off()?;
    context.printer.data("off\n")?;
    if let Some(text) = told(&restored) {
        context.printer.talk(&text);
    }
    Ok(Exit::Ok)
}

async fn status(context: &Context) -> Result<Exit, Failure> {
    let state = desktop()?.state()?;
    let text = match &state {
        State::Off => "off\n".to_owned(),
        State::On { desktop, .. } => format!("on  {desktop}\n"),
        State::Changed { settings } => format!("changed since  {}\n", settings.join(", ")),
    };
    context.printer.data(&text)?;
    if let State::On { agent, .. } = state
        && !runs(&agent).await?
    {
        context.printer.talk("no agent runs: nothing answers there; `awslambdaproxy proxy off` puts back what was");
    }
    Ok(Exit::Ok)
}

/// Whether there is an agent of that configuration file, even one that is silent.
async fn runs(agent: &Path) -> Result<bool, Failure> {
    let agent = Client::new(Place::of(agent)?);
    Ok(!matches!(timeout(SOON, agent.status()).await, Ok(Err(AskError::NotRunning))))
}

/// Puts back what was set for the agent that ends, or that did not end well.
pub(super) async fn restore(context: &Context) {
    let Ok(agent) = context.place().map(|place| place.config) else { return };
    let work = move || -> Result<Restored, Failure> { Ok(desktop()?.off_for(&agent)?) };
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(restored)) => {
            if restored != Restored::Nothing {
                context.printer.talk("the desktop's proxy setting is as it was before `awslambdaproxy proxy on`");
            }
            if let Some(text) = told(&restored) {
                context.printer.talk(&text);
            }
        }
        Ok(Err(failure)) => context.printer.talk(&format!("warning: {failure}; `awslambdaproxy proxy off` tries again")),
        Err(error) => tracing::warn!(%error, "the desktop's proxy setting could not be put back"),
    }
}

fn told(restored: &Restored) -> Option<String> {
    match restored {
        Restored::Done { kept } if !kept.is_empty() => Some(format!("changed meanwhile, and left so: {}", kept.join(", "))),
        _ => None,
    }
}

fn desktop() -> Result<SystemProxy<'static>, Failure> {
    Ok(SystemProxy::new(&SystemTools, &state_dir().ok_or(NoPlace)?, std::env::var("XDG_CURRENT_DESKTOP").ok()))
}
