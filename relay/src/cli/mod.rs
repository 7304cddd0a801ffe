//! The command line: one command, one file. The only room that prints, reads configuration and knows exit codes.

mod agent;
mod args;
mod certificate;
mod check;
mod exit;
mod init;
mod logging;
mod port;
mod print;
mod reload;
mod run;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};
use exit::CliError;

use crate::config::default_config;

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
    let config = match args.config {
        // What stands beside it is found by its directory, and a bare file name has none.
        Some(path) => std::path::absolute(&path).map_err(CliError::system(path.display().to_string()))?,
        None => default_config()?,
    };
    match args.command {
        Command::Run(args) => return run::run(&config, &args),
        Command::Check => return check::check(&config),
        Command::Init(args) => init::init(&config, &args)?,
        Command::Agent { command } => agent::agent(&config, command)?,
    }
    Ok(ExitCode::SUCCESS)
}
