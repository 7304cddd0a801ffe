//! `update`: another release in the place of this program. A running agent goes on as it was until it is restarted.

use anyhow::{Context as _, anyhow};
use clap::Args;
use relay::update::{Found, Offer, Server, UpdateError, find};
use semver::Version;

use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use crate::update::{PROGRAM, server};

/// Options of `update`.
#[derive(Debug, Args)]
pub(super) struct UpdateArgs {
    /// Only say whether there is a newer release
    #[arg(long)]
    check: bool,
    /// Take this release, even if it is older
    #[arg(long, value_name = "VERSION")]
    to: Option<Version>,
}

pub(super) async fn run(context: &Context, arguments: UpdateArgs) -> Result<Exit, Failure> {
    let (printer, running) = (context.printer, PROGRAM.version);
    let (server, wished) = (release_server(context)?, arguments.to);
    let found = blocking(move || find(PROGRAM, &server, wished.as_ref())).await?;
    let Found::Offer(offer) = found else {
        printer.data(&format!("{running} is up to date\n"))?;
        return Ok(Exit::Ok);
    };
    if arguments.check {
        printer.data(&format!("{} is available; this is {running}\n", offer.version()))?;
        return Ok(Exit::Ok);
    }
    printer.talk(&format!("fetching {}", offer.version()));
    let offer: Box<Offer> = blocking(move || offer.install().map(|_| offer)).await?;
    printer.data(&format!("updated {running} to {}\n", offer.version()))?;
    tell_what_is_left(context).await?;
    Ok(Exit::Ok)
}

/// Where releases come from.
fn release_server(context: &Context) -> Result<Server, Failure> {
    let config = |error| Failure::new(Exit::Config, error);
    let loaded = match context.load_for_either_mode() {
        Ok(loaded) => loaded,
        // A configuration for another version must not stand in the way of that version.
        Err(failure) => {
            context.printer.talk(&format!("warning: [update] url is not minded, since {failure}"));
            return Ok(Server::default());
        }
    };
    let server = server(&loaded.config.update).context("update.url").map_err(config)?;
    server.ok_or_else(|| config(anyhow!("update.url is \"\", so nobody is asked for releases")))
}

/// What runs on is not this file any more, and nothing is restarted behind the user's back.
async fn tell_what_is_left(context: &Context) -> Result<(), Failure> {
    if let Ok(status) = context.agent()?.status().await {
        let text = format!("the running agent goes on as {} until it is restarted", status.versions.agent);
        context.printer.talk(&text);
    }
    context.printer.talk("then `awslambdaproxy deploy` brings the functions to the same version");
    Ok(())
}

/// Off the thread that everything else runs on.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, UpdateError> + Send + 'static) -> Result<T, Failure> {
    let ended = tokio::task::spawn_blocking(work).await.map_err(anyhow::Error::from)?;
    Ok(ended.map_err(anyhow::Error::from)?)
}
