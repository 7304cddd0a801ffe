//! The command line: one command one file, one printer, one place for exit codes.
//!
//! ```text
//!   arguments  what can be typed        seed      the seed's two long flags with one dash
//!   context    what every command needs: printer, configuration file, the running agent
//!   printer    the only file that prints: stdout is data, stderr is talk        progress  bars, beside the talk
//!   failure    an error and its exit code (exit)
//! ```

mod arguments;
mod completions;
mod config;
mod context;
mod deploy;
mod destroy;
mod doctor;
mod examples;
mod exit;
mod failure;
mod init;
mod logging;
mod man;
mod policy;
mod printer;
mod progress;
mod proxy;
mod rotate;
mod run;
mod screen;
mod seed;
mod service;
mod settings;
mod status;
mod update;
mod variables;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser};

use arguments::{Cli, Command};
use context::Context;
pub use exit::Exit;
pub use failure::Failure;
use printer::Printer;

/// The program, from its arguments to its exit code.
pub fn start() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    if let Some(code) = crate::hidden::run(&arguments) {
        return code;
    }
    let exit = crate::process::block_on(main(arguments));
    exit.unwrap_or_else(|error| Failure::from(error).report(&Printer)).into()
}

/// One command.
async fn main(arguments: Vec<OsString>) -> Exit {
    let cli = match parse(arguments) {
        Ok(cli) => cli,
        Err(error) => return Printer.usage(&error),
    };
    // One command's future is as large as the largest of them.
    match Box::pin(dispatch(cli)).await {
        Ok(exit) => exit,
        Err(failure) => failure.report(&Printer),
    }
}

/// Reads the arguments. Options of `run` before another command are a mistake, not a wish.
fn parse(arguments: Vec<OsString>) -> Result<Cli, clap::Error> {
    let meant = seed::meant(&arguments);
    let cli = Cli::try_parse_from(seed::rewrite(arguments)).map_err(|error| with_meant(error, meant))?;
    if cli.command.is_some() && !cli.run.is_default() {
        let text = "options of `run` stand before another command; write them after `run`";
        return Err(Cli::command().error(ErrorKind::ArgumentConflict, text));
    }
    Ok(cli)
}

/// Adds the option of the first awslambdaproxy that was meant, to what is an error anyhow.
fn with_meant(mut error: clap::Error, meant: Option<&str>) -> clap::Error {
    if let Some(name) = meant.filter(|_| error.use_stderr()) {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![format!("`{name}` may be meant").into()]));
    }
    error
}

async fn dispatch(cli: Cli) -> Result<Exit, Failure> {
    logging::start(&cli.global)?;
    let context = Context::new(cli.global)?;
    let command = cli.command.unwrap_or(Command::Run(cli.run));
    carry_out(&context, command).await.map_err(|failure| failure.of_named(context.named_file()))
}

async fn carry_out(context: &Context, command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Run(arguments) => Box::pin(run::run(context, arguments)).await,
        Command::Doctor(arguments) => Box::pin(doctor::run(context, arguments)).await,
        Command::Init(arguments) => Box::pin(init::run(context, arguments)).await,
        Command::Status(arguments) => status::run(context, arguments).await,
        Command::Rotate(arguments) => rotate::run(context, arguments).await,
        Command::Deploy(arguments) => deploy::run(context, arguments).await,
        Command::Destroy(arguments) => destroy::run(context, arguments).await,
        Command::Policy(arguments) => policy::run(context, &arguments),
        Command::Service(arguments) => service::run(context, &arguments).await,
        Command::Proxy(arguments) => proxy::run(context, &arguments).await,
        Command::Env(arguments) => variables::env(context, &arguments).await,
        Command::Exec(arguments) => variables::exec(context, arguments).await,
        Command::Config(arguments) => config::run(context, &arguments).await,
        Command::Completions(arguments) => completions::run(context, &arguments),
        Command::Man(arguments) => man::run(context, &arguments),
        Command::Update(arguments) => update::run(context, arguments).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cli(line: &str) -> Result<Cli, clap::Error> {
        parse(line.split(' ').map(OsString::from).collect())
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_seeds_line_is_a_run() {
        let cli = cli("awslambdaproxy -regions us-west-2,us-west-1 -frequency 10").expect("parsed");
        assert!(cli.command.is_none());
        assert_eq!(cli.run.settings.regions, ["us-west-2,us-west-1"]);
        assert_eq!(cli.run.settings.frequency.as_deref(), Some("10"));
    }

    #[test]
    fn options_of_run_belong_to_run() {
        assert!(cli("awslambdaproxy -r us-west-2 run").is_err());
        assert!(cli("awslambdaproxy --local status").is_err());
        assert!(cli("awslambdaproxy run -r us-west-2 --local --drain 5m").is_ok());
        assert!(cli("awslambdaproxy --config x -v status --json").is_ok());
        assert!(cli("awslambdaproxy status --config x -q").is_ok());
    }
}
