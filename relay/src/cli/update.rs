//! `update`: another release in the place of this program.

use clap::Args;
use semver::Version;

use super::exit::CliError;
use super::print;
use crate::update::{Found, Program, Server, find};

/// This program.
const PROGRAM: Program = Program { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") };

/// Options of `update`.
#[derive(Args)]
pub(super) struct UpdateArgs {
    /// Only say whether there is a newer release
    #[arg(long)]
    check: bool,
    /// Take this release, even if it is older
    #[arg(long, value_name = "VERSION")]
    to: Option<Version>,
    /// Another release server that speaks GitHub's API
    #[arg(long, value_name = "URL", default_value_t)]
    url: Server,
}

pub(super) fn update(args: &UpdateArgs) -> Result<(), CliError> {
    let running = PROGRAM.version;
    let Found::Offer(offer) = find(PROGRAM, &args.url, args.to.as_ref())? else {
        return print::line(format_args!("{running} is up to date"));
    };
    if args.check {
        return print::line(format_args!("{} is available; this is {running}", offer.version()));
    }
    offer.install()?;
    print::line(format_args!("updated {running} to {}", offer.version()))?;
    print::note("a relay that runs goes on as it was; restart it (systemctl restart awslambdaproxy-relay): tunnels outlive that");
    Ok(())
}
