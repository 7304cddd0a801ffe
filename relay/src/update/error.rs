//! Why an update did not come about. None of these has touched the program's file.

use std::io;
use std::path::PathBuf;

use semver::Version;

use super::manager::Manager;

/// Why an update did not come about.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// Built without a key.
    #[error(
        "this build carries no release key, so it cannot tell a release from a forgery: it was built from source; \
         update it as it was installed"
    )]
    NoKey,
    /// The key that it was built with is none.
    #[error("this build carries a release key that is none (AWSLAMBDAPROXY_RELEASE_KEY at its build); reinstall from a release")]
    BadKey,
    /// Somebody else's to update.
    #[error("{} was installed by {manager}; update it with: {}", path.display(), manager.command())]
    Managed {
        /// The program.
        path: PathBuf,
        /// Whose it is.
        manager: Manager,
    },
    /// The program cannot find itself.
    #[error("cannot find this program's own file: {source}")]
    OwnFile {
        /// What the system said.
        source: io::Error,
    },
    /// The release server did not give what was asked.
    #[error("cannot {what}: {source}{}", hint(source))]
    Server {
        /// What was tried.
        what: String,
        /// What came back.
        source: Box<self_update::Error>,
    },
    /// A text that is no version.
    #[error("{text:?} is not a version like 1.2.3")]
    Version {
        /// The text.
        text: String,
    },
    /// Another release than the one that was asked for.
    #[error("the server was asked for {wished} and gave {found}; nothing was changed")]
    OtherVersion {
        /// What was asked for.
        wished: Version,
        /// What came.
        found: Version,
    },
    /// A proxy that is none.
    #[error("{variable} names no proxy that can be used; mend it, or unset it")]
    Proxy {
        /// The environment's variable. Its value may hold a password.
        variable: &'static str,
    },
    /// A release without the file for this system.
    #[error(
        "release {version} has no {file}: it was not built for this system, or its upload is not complete; nothing was changed"
    )]
    NoFile {
        /// The release.
        version: Version,
        /// What is missing.
        file: String,
    },
    /// A list that the key did not sign.
    #[error(
        "the list of checksums of release {version} is not signed with the release key of this program, so somebody may have \
         tampered with it; nothing was changed"
    )]
    Signature {
        /// The release.
        version: Version,
    },
    /// A signed list that is unreadable, or without the file.
    #[error("the signed list of checksums of release {version} does not name {file}; nothing was changed")]
    NotListed {
        /// The release.
        version: Version,
        /// The file.
        file: String,
    },
    /// Other bytes than the release's.
    #[error("{file} is not what its release signed: it was cut off or changed on its way; nothing was changed; try again")]
    Checksum {
        /// The file.
        file: String,
    },
    /// More bytes than such a file has.
    #[error("{file} is larger than {most} bytes; nothing was changed")]
    TooLarge {
        /// The file.
        file: String,
        /// The bound.
        most: u64,
    },
    /// A file of this machine.
    #[error("cannot {what} {}: {source}; the program is as it was", path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// An archive that is none, or without the program.
    #[error("cannot unpack {file}: {source}; the program is as it was")]
    Unpack {
        /// The archive.
        file: String,
        /// What was wrong.
        source: Box<self_update::Error>,
    },
    /// A program that does not run here.
    #[error("the new program does not work on this machine ({problem}); the old one stays")]
    Answer {
        /// What it did.
        problem: String,
    },
}

impl UpdateError {
    pub(super) fn server(what: impl Into<String>) -> impl FnOnce(self_update::Error) -> Self {
        let what = what.into();
        move |source| Self::Server { what, source: Box::new(source) }
    }

    pub(super) fn file(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { what, path, source }
    }
}

/// What helps with what servers say.
fn hint(error: &self_update::Error) -> &'static str {
    match error {
        self_update::Error::NotFound { .. } => "; there is no such release",
        self_update::Error::RateLimited { .. } => "; the server takes no more questions from this address for now: try later",
        self_update::Error::Transport(_) => "; is the network up? A proxy is taken from HTTPS_PROXY, ALL_PROXY and NO_PROXY",
        _ => "",
    }
}
