//! Where the zip comes from: what the user names, else what this executable carries, else what the build script made.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::archive::{BadArchive, LARGEST_ZIP};
use super::{BadZip, FunctionZip, embedded};
use crate::config::Architecture;

/// What every build directory of cargo holds, and no other directory is likely to.
const TAG: &str = ".rustc_info.json";

/// Why there is nothing to upload.
#[derive(Debug, thiserror::Error)]
pub enum NoZip {
    /// The file cannot be read.
    #[error("{} cannot be read", path.display())]
    Io {
        /// The zip.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is not taken.
    #[error("{place} is refused")]
    Bad {
        /// Where it is from.
        place: String,
        /// Why.
        source: BadZip,
    },
    /// There is none.
    #[error(
        "this build carries no function for {0}: build one with `packaging/function/build.sh {0}`, or name one with --function-zip"
    )]
    Nowhere(&'static str),
}

/// Finds the zip, and looks into it.
pub fn find(named: Option<&Path>, architecture: Architecture) -> Result<FunctionZip, NoZip> {
    let carried =
        || embedded::zip(architecture).map(|bytes| (Bytes::from_static(bytes), "the function in this executable".to_owned()));
    let (bytes, place) = match (named, carried()) {
        (Some(path), _) => (read(path)?, path.display().to_string()),
        (None, Some(found)) => found,
        (None, None) => {
            let path = built(architecture).ok_or(NoZip::Nowhere(architecture.word()))?;
            (read(&path)?, path.display().to_string())
        }
    };
    FunctionZip::open(bytes, architecture).map_err(|source| NoZip::Bad { place, source })
}

/// What the build script made beside this executable, in a source tree.
fn built(architecture: Architecture) -> Option<PathBuf> {
    let executable = std::env::current_exe().ok()?;
    built_beside(&executable, architecture)
}

fn built_beside(executable: &Path, architecture: Architecture) -> Option<PathBuf> {
    let target = executable.parent()?.parent()?;
    let path = target.join("function").join(format!("{}.zip", architecture.word()));
    (target.join(TAG).is_file() && path.is_file()).then_some(path)
}

fn read(path: &Path) -> Result<Bytes, NoZip> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LARGEST_ZIP + 1).read_to_end(&mut bytes));
    read.map_err(|source| NoZip::Io { path: path.to_owned(), source })?;
    if bytes.len() as u64 > LARGEST_ZIP {
        return Err(NoZip::Bad { place: path.display().to_string(), source: BadArchive::Large.into() });
    }
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_the_script_made_is_found_in_a_build_directory_only() {
        let root = tempfile::tempdir().expect("a directory");
        let executable = root.path().join("debug/awslambdaproxy");
        let zip = root.path().join("function/arm64.zip");
        fs::create_dir(root.path().join("function")).expect("made");
        fs::write(&zip, "").expect("written");
        assert_eq!(built_beside(&executable, Architecture::Arm64), None);
        fs::write(root.path().join(TAG), "").expect("written");
        assert_eq!(built_beside(&executable, Architecture::Arm64), Some(zip));
        assert_eq!(built_beside(&executable, Architecture::X86_64), None);
    }

    #[test]
    fn a_refusal_names_the_file_and_the_reason() {
        let root = tempfile::tempdir().expect("a directory");
        let path = root.path().join("some.zip");
        let missing = find(Some(&path), Architecture::Arm64).expect_err("missing");
        assert!(missing.to_string().contains("some.zip"), "{missing}");
        fs::write(&path, "no zip").expect("written");
        let refused = find(Some(&path), Architecture::Arm64).expect_err("refused");
        let told = format!("{:#}", anyhow::Error::from(refused));
        assert!(told.contains("some.zip is refused: it is not a sound zip"), "{told}");
    }
}
