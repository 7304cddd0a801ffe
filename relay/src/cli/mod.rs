//! The command line: one command, one file. The only room that prints, reads configuration and knows exit codes.

mod agent;
mod args;
mod exit;
mod init;
mod logging;
mod print;
mod run;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};
use exit::CliError;

/// The program.
pub fn main() -> ExitCode {
    let args = Args::parse();
    logging::install(args.log_format, args.verbose, args.quiet);
    match dispatch(args) {
        Ok(code) => code,
        Err(error) => {
            print::error(&error);
            error.code()
        }
    }
}

fn dispatch(args: Args) -> Result<ExitCode, CliError> {
    let config = args.config.map_or_else(crate::config::default_config, Ok::<PathBuf, _>)?;
    match args.command {
        Command::Run => return run::run(&config),
        Command::Init(args) => init::init(&config, &args)?,
        Command::Agent { command } => agent::agent(&config, command)?,
    }
    Ok(ExitCode::SUCCESS)
}
