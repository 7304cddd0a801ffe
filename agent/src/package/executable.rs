//! What an executable says of itself without being run: its processor (ELF), and the function's marker with the version.

use function::marker::{BEGIN, END};

use crate::config::Architecture;

/// What every ELF file for 64 bits, lowest byte first, begins with (System V ABI, "ELF Identification").
const IDENTIFICATION: [u8; 6] = [0x7f, b'E', b'L', b'F', 2, 1];

/// Where the machine stands (`e_machine`).
const MACHINE: std::ops::Range<usize> = 18..20;

/// `EM_X86_64` and `EM_AARCH64`.
const EM_X86_64: u16 = 62;
const EM_AARCH64: u16 = 183;

/// Longest version, bytes: no release has a longer one.
const LONGEST_VERSION: usize = 64;

/// The function's program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Executable {
    /// For which processor.
    pub architecture: Architecture,
    /// Of which version.
    pub version: String,
}

/// Why a file is not the function's program.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadExecutable {
    /// It is no program of Linux on 64 bits.
    #[error("its `bootstrap` is no 64-bit Linux program")]
    NotElf,
    /// No Lambda has such a processor.
    #[error("its `bootstrap` is for a processor that Lambda has not (ELF machine {0})")]
    Machine(u16),
    /// It is another program.
    #[error("its `bootstrap` is not awslambdaproxy's function")]
    NoMarker,
}

impl Executable {
    /// Reads the header and looks for the marker.
    pub fn read(bytes: &[u8]) -> Result<Self, BadExecutable> {
        Ok(Self { architecture: architecture(bytes)?, version: version(bytes).ok_or(BadExecutable::NoMarker)? })
    }
}

fn architecture(bytes: &[u8]) -> Result<Architecture, BadExecutable> {
    if !bytes.starts_with(&IDENTIFICATION) {
        return Err(BadExecutable::NotElf);
    }
    let machine = bytes.get(MACHINE).and_then(|machine| machine.try_into().ok()).map(u16::from_le_bytes);
    match machine.ok_or(BadExecutable::NotElf)? {
        EM_X86_64 => Ok(Architecture::X86_64),
        EM_AARCH64 => Ok(Architecture::Arm64),
        other => Err(BadExecutable::Machine(other)),
    }
}

/// The version in the first whole marker.
fn version(bytes: &[u8]) -> Option<String> {
    let begin = BEGIN.as_bytes();
    let places = bytes.windows(begin.len()).enumerate().filter(|(_, window)| *window == begin);
    places.filter_map(|(at, _)| bytes.get(at + begin.len()..)).find_map(version_before_end)
}

/// The version that a marker's rest begins with, if the marker ends behind it.
fn version_before_end(rest: &[u8]) -> Option<String> {
    let end = rest.iter().take(LONGEST_VERSION + 1).position(|byte| *byte == END as u8)?;
    let version = std::str::from_utf8(&rest[..end]).ok()?;
    (!version.is_empty() && version.chars().all(of_a_version)).then(|| version.to_owned())
}

/// What a version is made of (Semantic Versioning 2.0.0).
fn of_a_version(c: char) -> bool {
    c.is_ascii_alphanumeric() || ".-+".contains(c)
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(in super::super) const X86_64: u16 = EM_X86_64;
    pub(in super::super) const ARM64: u16 = EM_AARCH64;

    /// The least that is taken for a function.
    pub(in super::super) fn elf(machine: u16, version: &str) -> Vec<u8> {
        let mut bytes = IDENTIFICATION.to_vec();
        bytes.resize(MACHINE.start, 0);
        bytes.extend(machine.to_le_bytes());
        bytes.extend(format!("…{BEGIN}{version}{END}…").bytes());
        bytes
    }

    #[test]
    fn a_program_tells_processor_and_version() {
        let read = Executable::read(&elf(ARM64, "1.2.3-rc.1+5")).expect("read");
        assert_eq!(read, Executable { architecture: Architecture::Arm64, version: "1.2.3-rc.1+5".into() });
        assert_eq!(Executable::read(b"#!/bin/sh"), Err(BadExecutable::NotElf));
        assert_eq!(Executable::read(&IDENTIFICATION), Err(BadExecutable::NotElf));
        assert_eq!(Executable::read(&elf(40, "1.0.0")), Err(BadExecutable::Machine(40)));
    }

    #[test]
    fn what_only_begins_like_a_marker_is_passed_over() {
        let mut bytes = elf(X86_64, "a b");
        assert_eq!(Executable::read(&bytes), Err(BadExecutable::NoMarker));
        bytes.extend(format!("{BEGIN}{BEGIN}1.0.0{END}").bytes());
        assert_eq!(Executable::read(&bytes).expect("read").version, "1.0.0");
        assert_eq!(Executable::read(&elf(X86_64, &"1".repeat(65))), Err(BadExecutable::NoMarker));
        assert_eq!(Executable::read(&elf(X86_64, &"1".repeat(64))).expect("read").version.len(), 64);
        let unended = elf(X86_64, "1.0.0");
        let at = unended.iter().position(|byte| *byte == END as u8).expect("an end");
        assert_eq!(Executable::read(&unended[..at]), Err(BadExecutable::NoMarker));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, cut in 0..60_usize) {
            let _any = Executable::read(&bytes);
            let whole = elf(X86_64, "1.0.0");
            let _any = Executable::read(&whole[..cut.min(whole.len())]);
        }
    }
}
