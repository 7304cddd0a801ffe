//! The function's package: the zip that `deploy` uploads.
//!
//! ```text
//!   source: --function-zip, this executable, or what build.sh made ─▶ archive (zip, bounded) ─▶ executable (ELF) ─▶ FunctionZip
//! ```
//!
//! Never: nothing is uploaded that was not looked into. A function of another version would refuse its invitations, and one of
//! another architecture would not start.

mod archive;
mod embedded;
mod executable;
mod source;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use tunnel::ticket::sha256;

pub use archive::BadArchive;
pub use executable::{BadExecutable, Executable};
pub use source::{NoZip, find};

use crate::config::Architecture;

/// A zip that holds the function of this agent's version.
#[derive(Debug, Clone)]
pub struct FunctionZip {
    bytes: Bytes,
}

/// Why a zip is not taken.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadZip {
    /// It is no zip of a function.
    #[error(transparent)]
    Archive(#[from] BadArchive),
    /// Its program is not the function's.
    #[error(transparent)]
    Executable(#[from] BadExecutable),
    /// It is for another processor.
    #[error("its function is for {found}, and aws.architecture is {wanted}")]
    Architecture {
        /// Of the zip.
        found: &'static str,
        /// Of the configuration.
        wanted: &'static str,
    },
    /// It is of another version.
    #[error("its function is version {found}, and this agent is {}", env!("CARGO_PKG_VERSION"))]
    Version {
        /// Of the zip.
        found: String,
    },
}

impl FunctionZip {
    /// Looks into a zip: it must hold this agent's version of the function, for that processor.
    pub fn open(bytes: Bytes, wanted: Architecture) -> Result<Self, BadZip> {
        let executable = Executable::read(&archive::bootstrap(&bytes)?)?;
        if executable.architecture != wanted {
            return Err(BadZip::Architecture { found: executable.architecture.word(), wanted: wanted.word() });
        }
        if executable.version != env!("CARGO_PKG_VERSION") {
            return Err(BadZip::Version { found: executable.version });
        }
        Ok(Self { bytes })
    }

    /// What is uploaded.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The hash by which Lambda knows it: SHA-256 in base64.
    pub fn sha256(&self) -> String {
        STANDARD.encode(sha256(&self.bytes))
    }
}

/// Looks into a zip, for the fuzz target.
#[cfg(feature = "fuzzing")]
pub fn fuzz(bytes: &[u8]) {
    if let Ok(bootstrap) = archive::bootstrap(bytes) {
        let _read = Executable::read(&bootstrap);
    }
    let _read = Executable::read(bytes);
}

#[cfg(test)]
mod tests {
    use super::executable::tests::{ARM64, X86_64, elf};
    use super::*;

    #[test]
    fn only_this_version_for_this_processor_is_taken() {
        let zip = |machine, version: &str| Bytes::from(archive::tests::zip(&[("bootstrap", &elf(machine, version), 0o755)]));
        let here = env!("CARGO_PKG_VERSION");
        let taken = FunctionZip::open(zip(ARM64, here), Architecture::Arm64).expect("taken");
        assert_eq!(taken.sha256().len(), 44);
        let other = FunctionZip::open(zip(X86_64, here), Architecture::Arm64).expect_err("another processor");
        assert_eq!(other.to_string(), "its function is for x86_64, and aws.architecture is arm64");
        let older = FunctionZip::open(zip(ARM64, "0.0.9"), Architecture::Arm64).expect_err("another version");
        assert_eq!(older, BadZip::Version { found: "0.0.9".into() });
    }
}
