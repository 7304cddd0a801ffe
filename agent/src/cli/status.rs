//! `status`: what a running agent does, once or again and again.

use std::time::Duration;

use clap::Args;
use tokio::time::{MissedTickBehavior, interval};

use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use crate::control_socket::Client;
use crate::status::{model::Status, text};

/// How often `--watch` asks.
const WATCH: Duration = Duration::from_secs(1);

/// Options of `status`.
#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// As JSON, one line each time
    #[arg(long)]
    json: bool,
    /// Again every second, until interrupted
    #[arg(long)]
    watch: bool,
}

pub(super) async fn run(context: &Context, arguments: StatusArgs) -> Result<Exit, Failure> {
    let agent = context.agent()?;
    if !arguments.watch {
        context.printer.data(&shown(&agent.status().await?, arguments.json)?)?;
        return Ok(Exit::Ok);
    }
    tokio::select! {
        result = watch(context, &agent, arguments.json) => result,
        interrupted = tokio::signal::ctrl_c() => Ok(interrupted.map(|()| Exit::Interrupted)?),
    }
}

async fn watch(context: &Context, agent: &Client, json: bool) -> Result<Exit, Failure> {
    let mut ticks = interval(WATCH);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let text = shown(&agent.status().await?, json)?;
        if json {
            context.printer.data(&text)?;
        } else {
            context.printer.redraw(&text)?;
        }
    }
}

fn shown(status: &Status, json: bool) -> Result<String, Failure> {
    if json {
        let line = serde_json::to_string(status).map_err(anyhow::Error::from)?;
        return Ok(line + "\n");
    }
    Ok(text::render(status))
}
