//! Replaces a program's own file with another release of it, for the relay's program and the agent's alike.
//!
//! ```text
//!   server ─▶ release    which release there is, over GitHub's API (self_update), and the files of it     transport
//!             sums       what the release says of its files, in a list that the release key has signed    key
//!             swap       unpack beside the program, ask it for its version, rename
//!   manager              installs that are not ours to update
//! ```
//!
//! Everything here blocks: whoever has a runtime calls it on a blocking thread.
//! Never: nothing that the release key did not sign is unpacked or started, and the program's file is whole at every moment.

mod error;
mod key;
mod manager;
mod release;
mod server;
mod sums;
mod swap;
mod transport;

use std::path::PathBuf;

use semver::Version;

pub use error::UpdateError;
pub use manager::Manager;
pub use release::{Offer, Release};
pub use server::{BadServer, Server};

/// The program that is to be updated.
#[derive(Debug, Clone, Copy)]
pub struct Program {
    /// Its name: of its file, and at the head of its archives' names.
    pub name: &'static str,
    /// The version that runs.
    pub version: &'static str,
}

/// What the server has, seen from the program that runs.
#[derive(Debug)]
pub enum Found {
    /// Nothing newer, or just what runs.
    Current,
    /// A release to install.
    Offer(Box<Offer>),
}

/// Asks `server` for the latest release, or for the one that is `wished`, which may be older than what runs.
pub fn find(program: Program, server: &Server, wished: Option<&Version>) -> Result<Found, UpdateError> {
    let running = version(program.version)?;
    let release = Release::ask(program, server, wished)?;
    let is_wanted = match wished {
        Some(_) => release.version != running,
        None => release.version > running,
    };
    Ok(if is_wanted { Found::Offer(Box::new(Offer { program, release })) } else { Found::Current })
}

/// Whether this build carries a release key, without which it installs nothing.
pub fn can_verify() -> bool {
    key::ReleaseKey::compiled().is_ok()
}

/// The file of the program that runs, without links.
pub fn own_file() -> Result<PathBuf, UpdateError> {
    let file = std::env::current_exe().and_then(|path| path.canonicalize());
    file.map_err(|source| UpdateError::OwnFile { source })
}

fn version(text: &str) -> Result<Version, UpdateError> {
    Version::parse(text).map_err(|_| UpdateError::Version { text: text.to_owned() })
}
