//! A release: its version, its files, and how one of them becomes the program.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use self_update::backends::github;
use semver::Version;

use super::key::ReleaseKey;
use super::swap::Staging;
use super::transport::Transport;
use super::{Manager, Program, Server, UpdateError, own_file, sums, version};

/// The list of checksums, and its signature.
const SUMS: &str = "SHA256SUMS";
const SIGNATURE: &str = "SHA256SUMS.sig";
/// Most bytes of a signature: Ed25519 has 64.
const LARGEST_SIGNATURE: u64 = 1024;
/// Most bytes of an archive: several times what one has.
const LARGEST_ARCHIVE: u64 = 256 * 1024 * 1024;
/// How many times the server is asked again when it did not answer.
const RETRIES: u32 = 2;

/// What a server says of a release. None of it is trusted until the key has vouched for it.
pub struct Release {
    /// Its version.
    pub version: Version,
    files: Vec<(String, String)>,
    transport: Transport,
}

/// A release that can take the place of what runs.
#[derive(Debug)]
pub struct Offer {
    pub(super) program: Program,
    pub(super) release: Release,
}

impl Release {
    /// The latest one, or the one that is `wished`.
    pub(super) fn ask(program: Program, server: &Server, wished: Option<&Version>) -> Result<Self, UpdateError> {
        let transport = Transport::to(server)?;
        let (owner, name) = Server::repository();
        let update = github::Update::configure()
            .api_base_url(server.url())
            .repo_owner(owner)
            .repo_name(name)
            .bin_name(program.name)
            .current_version(program.version)
            .retries(RETRIES)
            .ureq_agent(transport.agent.clone())
            .build()
            .map_err(UpdateError::server("read releases"))?;
        let found = match wished {
            Some(version) => update.get_release_version(&format!("v{version}")),
            None => update.get_latest_release().and_then(|found| {
                found.latest().cloned().ok_or_else(|| self_update::Error::Io(io::Error::other("it has no release")))
            }),
        };
        let found = found.map_err(UpdateError::server(format!("ask {server} for the release")))?;
        let files = found.assets().iter().map(|file| (file.name().to_owned(), file.download_url().to_owned())).collect();
        let version = version(found.version())?;
        match wished {
            // What another release signed is signed all the same.
            Some(wished) if *wished != version => Err(UpdateError::OtherVersion { wished: wished.clone(), found: version }),
            _ => Ok(Self { version, files, transport }),
        }
    }

    fn url(&self, file: &str) -> Result<&str, UpdateError> {
        let found = self.files.iter().find(|(name, _)| name == file).map(|(_, url)| url.as_str());
        found.ok_or_else(|| UpdateError::NoFile { version: self.version.clone(), file: file.to_owned() })
    }

    /// A small file, whole.
    fn read(&self, file: &str, most: u64) -> Result<Vec<u8>, UpdateError> {
        let mut bytes = Vec::new();
        self.fetch(file, most, &mut bytes)?;
        Ok(bytes)
    }

    fn fetch(&self, file: &str, most: u64, out: impl io::Write) -> Result<(), UpdateError> {
        let is_whole = self.transport.fetch(self.url(file)?, most, out).map_err(UpdateError::server(format!("fetch {file}")))?;
        if is_whole { Ok(()) } else { Err(UpdateError::TooLarge { file: file.to_owned(), most }) }
    }

    /// What the release's own list says of `file`, once the key has vouched for the list.
    fn signed_sum(&self, file: &str, key: ReleaseKey) -> Result<[u8; 32], UpdateError> {
        let (list, signature) = (self.read(SUMS, sums::LARGEST_LIST)?, self.read(SIGNATURE, LARGEST_SIGNATURE)?);
        if !key.has_signed(&list, &signature) {
            return Err(UpdateError::Signature { version: self.version.clone() });
        }
        let sum = std::str::from_utf8(&list).ok().and_then(|list| sums::of_file(list, file));
        sum.ok_or_else(|| UpdateError::NotListed { version: self.version.clone(), file: file.to_owned() })
    }
}

impl std::fmt::Debug for Release {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Release").field("version", &self.version).finish_non_exhaustive()
    }
}

impl Offer {
    /// The version that is offered.
    pub fn version(&self) -> &Version {
        &self.release.version
    }

    /// The name of an archive without its ending, which is the folder in it too. It names program, version and system, so
    /// that one signed file cannot pass for another.
    fn stem(&self) -> String {
        format!("{}-{}-{}", self.program.name, self.release.version, self_update::get_target())
    }

    /// Puts the release in the place of the program's own file.
    pub fn install(&self) -> Result<PathBuf, UpdateError> {
        let path = own_file()?;
        if let Some(manager) = Manager::of(&path) {
            return Err(UpdateError::Managed { path, manager });
        }
        let key = ReleaseKey::compiled()?;
        let (stem, staging) = (self.stem(), Staging::beside(&path)?);
        let file = format!("{stem}.tar.gz");
        let sum = self.release.signed_sum(&file, key)?;
        let archive = staging.path(&file);
        self.download(&file, &archive)?;
        if sha256(&archive)? != sum {
            return Err(UpdateError::Checksum { file });
        }
        let program = staging.unpack(&archive, &stem, self.program.name)?;
        staging.swap(&program, self.program.name, &self.release.version)?;
        Ok(path)
    }

    fn download(&self, file: &str, archive: &Path) -> Result<(), UpdateError> {
        let out = File::create(archive).map_err(UpdateError::file("create", archive))?;
        self.release.fetch(file, LARGEST_ARCHIVE, out)
    }
}

fn sha256(path: &Path) -> Result<[u8; 32], UpdateError> {
    let failed = || UpdateError::file("read", path);
    let mut hash = Hash(Context::new(&SHA256));
    io::copy(&mut BufReader::new(File::open(path).map_err(failed())?), &mut hash).map_err(failed())?;
    let mut sum = [0; 32];
    sum.copy_from_slice(hash.0.finish().as_ref());
    Ok(sum)
}

struct Hash(Context);

impl io::Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
