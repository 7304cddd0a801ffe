//! `completions` and `man`: made from the same definition as the command line.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args as ClapArgs, CommandFactory};
use clap_complete::Shell;

use super::args::Args;
use super::exit::CliError;
use super::print;

/// Options of `completions`.
#[derive(ClapArgs)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Options of `man`.
#[derive(ClapArgs)]
pub(super) struct ManArgs {
    /// Write a page for every command into this directory instead
    #[arg(long, value_name = "DIRECTORY")]
    to: Option<PathBuf>,
}

pub(super) fn completions(args: &CompletionsArgs) -> Result<(), CliError> {
    let mut command = Args::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    print::text(&script)
}

pub(super) fn man(args: &ManArgs) -> Result<(), CliError> {
    if let Some(directory) = &args.to {
        return pages(directory).map_err(CliError::system(directory.display().to_string()));
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(Args::command()).render(&mut page).map_err(CliError::system("manual page"))?;
    print::text(&page)
}

fn pages(directory: &Path) -> std::io::Result<()> {
    fs::create_dir_all(directory)?;
    clap_mangen::generate_to(Args::command(), directory)
}
