//! `rotate`: a new exit now; prints old → new address, region by region.

use std::net::IpAddr;

use clap::Args;

use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use crate::control_socket::{RotateOrder, RotateReport, RotatedRegion};
use crate::health::Refuser;

/// Options of `rotate`.
#[derive(Debug, Args)]
pub(super) struct RotateArgs {
    /// Insist on new instances, for a new address
    #[arg(long)]
    fresh: bool,
    /// In these regions [default: all]
    #[arg(value_name = "REGION")]
    regions: Vec<String>,
}

pub(super) async fn run(context: &Context, arguments: RotateArgs) -> Result<Exit, Failure> {
    let order = RotateOrder { fresh: arguments.fresh, regions: arguments.regions };
    let report = context.agent()?.rotate(order).await?;
    for region in &report.regions {
        if region.error.is_none() || region.new.is_some() {
            context.printer.data(&line(region))?;
        }
        if let Some(error) = &region.error {
            context.printer.talk(&format!("{}: {error}", region.region));
        }
        if let Some(note) = &region.note {
            context.printer.talk(&format!("{}: {note}", region.region));
        }
    }
    Ok(verdict(&report))
}

fn line(region: &RotatedRegion) -> String {
    let shown = |address: Option<IpAddr>| address.map_or_else(|| "unknown".to_owned(), |address| address.to_string());
    format!("{}  {} → {}\n", region.region, shown(region.old), shown(region.new))
}

fn verdict(report: &RotateReport) -> Exit {
    let failed: Vec<&RotatedRegion> = report.regions.iter().filter(|region| region.error.is_some()).collect();
    match failed.len() {
        0 => Exit::Ok,
        all if all < report.regions.len() => Exit::SomeRegions,
        _ => common_refuser(&failed).map_or(Exit::Failure, |refuser| match refuser {
            Refuser::Cloud => Exit::Aws,
            Refuser::Relay => Exit::Relay,
        }),
    }
}

/// Who said no to all of them.
fn common_refuser(failed: &[&RotatedRegion]) -> Option<Refuser> {
    let first = failed.first()?.refuser?;
    failed.iter().all(|region| region.refuser == Some(first)).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(error: Option<&str>) -> RotatedRegion {
        let old = Some("203.0.113.7".parse().expect("address"));
        RotatedRegion { region: "us-west-2".into(), old, new: None, error: error.map(str::to_owned), refuser: None, note: None }
    }

    #[test]
    fn addresses_are_printed_and_failures_counted() {
        assert_eq!(line(&region(None)), "us-west-2  203.0.113.7 → unknown\n");
        let report = |regions: &[Option<&str>]| RotateReport { regions: regions.iter().map(|error| region(*error)).collect() };
        assert_eq!(verdict(&report(&[None, None])), Exit::Ok);
        assert_eq!(verdict(&report(&[None, Some("throttled")])), Exit::SomeRegions);
        assert_eq!(verdict(&report(&[Some("throttled")])), Exit::Failure);
    }

    #[test]
    fn who_said_no_to_all_gives_the_exit_code() {
        let refused = |by| RotatedRegion { refuser: Some(by), ..region(Some("no")) };
        let verdict = |regions: &[RotatedRegion]| verdict(&RotateReport { regions: regions.to_vec() });
        let (cloud, relay) = (refused(Refuser::Cloud), refused(Refuser::Relay));
        assert_eq!(verdict(&[cloud.clone(), cloud.clone()]), Exit::Aws);
        assert_eq!(verdict(&[relay.clone(), relay.clone()]), Exit::Relay);
        assert_eq!(verdict(&[cloud.clone(), relay.clone()]), Exit::Failure);
        assert_eq!(verdict(&[relay, region(Some("throttled"))]), Exit::Failure);
        assert_eq!(verdict(&[cloud, region(None)]), Exit::SomeRegions);
    }
}
