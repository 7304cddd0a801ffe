//! What outlives a restart, in the state directory: the account and its contact, the certificate with its key, and the
//! attempts.
//!
//! Each CA has a folder of its own, so that one that was only tried leaves nothing in another's way. All files are 0600 and
//! written whole.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use instant_acme::AccountCredentials;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tunnel::ticket::sha256;

use super::attempts::Attempts;
use super::contact::Contact;
use super::order::Issued;
use super::{AcmeError, Authority};
use crate::system::{create_private_directory, write_private};
use crate::tls::{Certified, TlsError};

/// Letters of the hash that names a CA's folder: enough to tell a handful apart.
const NAME_LENGTH: usize = 12;

/// The folder of one CA.
pub(super) struct Store {
    folder: PathBuf,
    domain: String,
}

impl Store {
    /// The folder of this CA; it needs not exist yet.
    pub(super) fn new(state_dir: &Path, authority: &Authority) -> Self {
        let mut name = hex::encode(sha256(authority.directory.as_bytes()));
        name.truncate(NAME_LENGTH);
        Self { folder: state_dir.join("acme").join(name), domain: authority.domain.clone() }
    }

    /// The account, if one was made.
    pub(super) fn account(&self) -> Option<AccountCredentials> {
        self.read(&self.account_path())
    }

    pub(super) fn keep_account(&self, account: &AccountCredentials) -> Result<(), AcmeError> {
        self.write(&self.account_path(), account)
    }

    /// Forgets an account that the CA does not know.
    pub(super) fn forget_account(&self) -> Result<(), AcmeError> {
        let path = self.account_path();
        fs::remove_file(&path).map_err(|source| AcmeError::Store { path, source })
    }

    /// Whom the CA was told of.
    pub(super) fn contact(&self) -> Contact {
        self.read(&self.contact_path()).unwrap_or_default()
    }

    pub(super) fn keep_contact(&self, contact: &Contact) -> Result<(), AcmeError> {
        self.write(&self.contact_path(), contact)
    }

    /// What was tried before.
    pub(super) fn attempts(&self) -> Attempts {
        self.read(&self.attempts_path()).unwrap_or_default()
    }

    pub(super) fn keep_attempts(&self, attempts: &Attempts) -> Result<(), AcmeError> {
        self.write(&self.attempts_path(), attempts)
    }

    /// The certificate that was issued last; `None` if there is none.
    pub(super) fn certificate(&self) -> Result<Option<Certified>, TlsError> {
        let path = self.certificate_path();
        if path.exists() { Certified::from_files(&path, &path).map(Some) } else { Ok(None) }
    }

    /// What was issued, as it can be served, whether or not it can be kept.
    pub(super) fn certified(&self, issued: &Issued) -> Result<Certified, TlsError> {
        Certified::from_text(&issued.chain, &issued.key, &self.certificate_path())
    }

    /// Keeps a chain and its key in one file, so that they can only be found or missing both.
    pub(super) fn keep_certificate(&self, issued: &Issued) -> Result<(), AcmeError> {
        let path = self.certificate_path();
        self.put(&path, format!("{}\n{}", issued.chain, issued.key).as_bytes())
    }

    fn account_path(&self) -> PathBuf {
        self.folder.join("account.json")
    }

    fn contact_path(&self) -> PathBuf {
        self.folder.join("contact.json")
    }

    fn attempts_path(&self) -> PathBuf {
        self.folder.join(format!("{}.attempts.json", self.domain))
    }

    fn certificate_path(&self) -> PathBuf {
        self.folder.join(format!("{}.pem", self.domain))
    }

    /// What cannot be read is made anew, which is said.
    fn read<T: DeserializeOwned>(&self, path: &Path) -> Option<T> {
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "a file of the certificate's is not readable, and is made anew");
                return None;
            }
        };
        let read = serde_json::from_slice(&text);
        // The error's own text could quote the file, which holds a key.
        read.inspect_err(|_| tracing::warn!(path = %path.display(), "a file of the certificate's is broken, and is made anew"))
            .ok()
    }

    fn write(&self, path: &Path, value: &impl Serialize) -> Result<(), AcmeError> {
        let text = serde_json::to_vec(value).map_err(|error| AcmeError::Store { path: path.to_owned(), source: error.into() })?;
        self.put(path, &text)
    }

    fn put(&self, path: &Path, content: &[u8]) -> Result<(), AcmeError> {
        let written = create_private_directory(&self.folder).and_then(|()| write_private(path, content));
        written.map_err(|source| AcmeError::Store { path: path.to_owned(), source })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::time::SystemTime;

    use super::*;

    fn store(state: &Path, directory: &str) -> Store {
        let domain = "relay.example.com".to_owned();
        Store::new(state, &Authority { domain, directory: directory.to_owned(), root: None, email: None })
    }

    #[test]
    fn attempts_outlive_a_restart_and_each_ca_has_its_own() {
        let state = tempfile::tempdir().expect("directory");
        let one = store(state.path(), "https://one.example/directory");
        let attempts = Attempts::default().begin(SystemTime::now(), 0.5);
        one.keep_attempts(&attempts).expect("kept");
        assert_eq!(store(state.path(), "https://one.example/directory").attempts(), attempts);
        assert_eq!(store(state.path(), "https://two.example/directory").attempts(), Attempts::default());
        let mode = fs::metadata(one.attempts_path()).expect("file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_broken_file_is_as_good_as_none() {
        let state = tempfile::tempdir().expect("directory");
        let store = store(state.path(), "https://one.example/directory");
        fs::create_dir_all(&store.folder).expect("folder");
        fs::write(store.attempts_path(), "{").expect("written");
        fs::write(store.account_path(), "[]").expect("written");
        assert_eq!(store.attempts(), Attempts::default());
        assert!(store.account().is_none());
        assert!(store.certificate().expect("none").is_none());
        fs::write(store.certificate_path(), "nothing").expect("written");
        assert!(store.certificate().is_err());
    }
}
