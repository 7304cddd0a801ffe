//! `doctor`: what is wrong, and the mend.

use clap::Args;

use super::config::ModeArgs;
use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use crate::config::{Flags, Mode, doubts};
use crate::deploy::State;
use crate::doctor::{self, Area, Check, Findings};

/// Options of `doctor`.
#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    mode: ModeArgs,
}

pub(super) async fn run(context: &Context, arguments: DoctorArgs) -> Result<Exit, Failure> {
    let findings = Box::pin(findings(context, arguments.mode.mode(), arguments.json)).await;
    let shown = if arguments.json { findings.to_json().map_err(anyhow::Error::from)? + "\n" } else { findings.to_text() };
    context.printer.data(&shown)?;
    Ok(verdict(&findings))
}

async fn findings(context: &Context, mode: Mode, quietly: bool) -> Findings {
    const COMPONENT: &str = "config";
    let file = context.file.display().to_string();
    let loaded = match context.load(Flags::default(), mode) {
        Ok(loaded) => loaded,
        Err(failure) => {
            let check = Check::fail(Area::Config, COMPONENT, file, failure.text());
            let rest = Check::skip(Area::Config, "all else", "-", "the configuration has to be sound first");
            return Findings(vec![check.mend(mend_of_config(context, mode)), rest]);
        }
    };
    if !quietly && mode == Mode::Cloud {
        context.printer.talk("looking; the last check invokes one function, which may take half a minute");
    }
    let doubts = if mode == Mode::Cloud { doubts(&loaded.config.regions) } else { Vec::new() };
    let config = match (loaded.file.was_there(), mode) {
        _ if !doubts.is_empty() => {
            Check::warn(Area::Config, COMPONENT, file, doubts.join("; ")).mend("put regions right, unless AWS has added it since")
        }
        (true, _) => Check::pass(Area::Config, COMPONENT, file, "sound"),
        (false, Mode::Local) => Check::pass(Area::Config, COMPONENT, file, "there is no such file, and `run --local` needs none"),
        (false, Mode::Cloud) => {
            Check::warn(Area::Config, COMPONENT, file, "there is no such file; defaults and the environment hold")
                .mend("`awslambdaproxy init` writes it")
        }
    };
    let (agent, state) = (context.agent().ok(), context.place().ok().map(|place| State::of(&place)));
    let mut findings = Box::pin(doctor::examine(&loaded.config, agent.as_ref(), state.as_ref())).await;
    findings.0.insert(0, config);
    findings
}

/// What is no mistake with local mode's own names is perhaps meant for it.
fn mend_of_config(context: &Context, mode: Mode) -> &'static str {
    match mode {
        Mode::Local => "`awslambdaproxy config check --local` tells every line",
        Mode::Cloud if context.load(Flags::default(), Mode::Local).is_ok() => {
            "if it is for `run --local`, ask with `awslambdaproxy doctor --local`; else `awslambdaproxy config check` tells every line"
        }
        Mode::Cloud => "`awslambdaproxy config check` tells every line",
    }
}

/// What everything else needs decides first.
fn verdict(findings: &Findings) -> Exit {
    if findings.fails(Area::Config) {
        Exit::Config
    } else if findings.fails(Area::Aws) {
        Exit::Aws
    } else if findings.fails(Area::Relay) {
        Exit::Relay
    } else if findings.fails(Area::Region) {
        if findings.fails_everywhere() { Exit::Aws } else { Exit::SomeRegions }
    } else if findings.fails(Area::Machine) {
        Exit::Failure
    } else {
        Exit::Ok
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_is_that_of_what_has_to_be_mended_first() {
        let verdict = |areas: &[Area]| {
            let failed = |area: &Area| Check::fail(*area, "x", "us-east-1", "");
            let sound = Check::pass(Area::Region, "x", "us-east-2", "");
            super::verdict(&Findings(areas.iter().map(failed).chain([sound]).collect()))
        };
        assert_eq!(verdict(&[]), Exit::Ok);
        assert_eq!(verdict(&[Area::Machine]), Exit::Failure);
        assert_eq!(verdict(&[Area::Machine, Area::Region]), Exit::SomeRegions);
        assert_eq!(verdict(&[Area::Relay, Area::Aws]), Exit::Aws);
        assert_eq!(verdict(&[Area::Relay, Area::Config]), Exit::Config);
    }
}
