//! The command line: one command, one file. The only room that prints, reads configuration and knows exit codes.

mod agent;
mod args;
mod certificate;
mod check;
mod completions;
mod descriptors;
mod exit;
mod init;
mod logging;
mod port;
mod print;
mod reload;
mod run;
mod update;

use std::path::PathBuf;
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
    // Not every command needs to know which configuration it is about.
    let config = configuration(args.config);
    match args.command {
        Command::Run(args) => return run::run(&config?, &args),
        Command::Check => return check::check(&config?),
        Command::Init(args) => init::init(&config?, &args)?,
        Command::Agent { command } => agent::agent(&config?, command)?,
        Command::Update(args) => update::update(&args)?,
        Command::Completions(args) => completions::completions(&args)?,
        Command::Man(args) => completions::man(&args)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn configuration(named: Option<PathBuf>) -> Result<PathBuf, CliError> {
    match named {
        // What stands beside it is found by its directory, and a bare file name has none.
        Some(path) => std::path::absolute(&path).map_err(CliError::system(path.display().to_string())),
        None => Ok(default_config()?),
    }
}
