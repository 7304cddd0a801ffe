//! `man`: the manual pages, generated from the arguments.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, CommandFactory};
use clap_mangen::Man;

use super::arguments::Cli;
use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;

/// Options of `man`.
#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// Write a page for every command into this directory instead
    #[arg(long, value_name = "DIRECTORY")]
    to: Option<PathBuf>,
}

pub(super) fn run(context: &Context, arguments: &ManArgs) -> Result<Exit, Failure> {
    if let Some(directory) = &arguments.to {
        let written = std::fs::create_dir_all(directory).and_then(|()| clap_mangen::generate_to(Cli::command(), directory));
        written.with_context(|| format!("cannot write to {}", directory.display()))?;
        return Ok(Exit::Ok);
    }
    let mut page = Vec::new();
    Man::new(Cli::command()).render(&mut page)?;
    context.printer.data(&String::from_utf8_lossy(&page))?;
    Ok(Exit::Ok)
}
