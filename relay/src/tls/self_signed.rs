//! A certificate that only its pin vouches for. It is made once: a new one would need every agent to be told.

use std::path::Path;

use super::{Certified, TlsError};
use crate::system::{create_private_directory, write_private};

/// Certificate and key together, so that they can only be found or missing both.
const FILE_NAME: &str = "self-signed.pem";

/// The self-signed certificate of this state directory, if one was made.
pub fn made_before(directory: &Path) -> Result<Option<Certified>, TlsError> {
    let path = directory.join(FILE_NAME);
    if path.exists() { Certified::from_files(&path, &path).map(Some) } else { Ok(None) }
}

/// The self-signed certificate of this state directory; made for `host`, a name or address, when there is none yet.
pub fn self_signed(directory: &Path, host: &str) -> Result<Certified, TlsError> {
    let path = directory.join(FILE_NAME);
    if !path.exists() {
        let pem = generate(host)?;
        let write = create_private_directory(directory).and_then(|()| write_private(&path, pem.as_bytes()));
        write.map_err(|source| TlsError::Write { path: path.clone(), source })?;
    }
    Certified::from_files(&path, &path)
}

fn generate(host: &str) -> Result<String, TlsError> {
    let made = rcgen::generate_simple_self_signed([host.to_owned()]);
    let made = made.map_err(|source| TlsError::Generate { name: host.to_owned(), source })?;
    Ok(format!("{}{}", made.cert.pem(), made.signing_key.serialize_pem()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::CertificateSlot;
    use super::*;

    #[test]
    fn the_pair_is_made_once_and_only_its_owner_reads_it() {
        let directory = tempfile::tempdir().expect("directory");
        let state = directory.path().join("state");
        assert!(made_before(&state).expect("looked").is_none() && !state.exists());
        let first = self_signed(&state, "192.0.2.1").expect("made").pin();
        assert_eq!(first.len(), 64);
        let again = self_signed(&state, "another.example").expect("kept");
        assert_eq!(again.pin(), first);
        let mode = std::fs::metadata(state.join(FILE_NAME)).expect("file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        CertificateSlot::holding(again).expect("usable");
    }

    #[test]
    fn a_file_that_holds_something_else_is_named() {
        let directory = tempfile::tempdir().expect("directory");
        let path = directory.path().join("certificate.pem");
        let missing = Certified::from_files(&path, &path).err().expect("missing").to_string();
        assert!(missing.contains("certificate.pem"), "{missing}");
        std::fs::write(&path, "nothing").expect("written");
        let empty = Certified::from_files(&path, &path).err().expect("empty").to_string();
        assert!(empty.contains("no certificate"), "{empty}");
    }
}
