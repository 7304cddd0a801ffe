//! `man`: the manual page, generated from the arguments.

use clap::CommandFactory;
use clap_mangen::Man;

use super::arguments::Cli;
use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;

pub(super) fn run(context: &Context) -> Result<Exit, Failure> {
    let mut page = Vec::new();
    Man::new(Cli::command()).render(&mut page)?;
    context.printer.data(&String::from_utf8_lossy(&page))?;
    Ok(Exit::Ok)
}
