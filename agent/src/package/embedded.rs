//! The zips that this executable carries; a build that was told of none carries none.

use crate::config::Architecture;

mod zips {
    include!(concat!(env!("OUT_DIR"), "/function_zips.rs"));
}

/// The zip for a processor.
pub(super) fn zip(architecture: Architecture) -> Option<&'static [u8]> {
    match architecture {
        Architecture::Arm64 => zips::ARM64,
        Architecture::X86_64 => zips::X86_64,
    }
}
