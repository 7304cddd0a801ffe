//! Writes the configuration: whole or not at all, readable by its owner only.

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::system::make_private_directory;

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// There is one already, and nobody said that it may go.
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    /// The system does not let us.
    #[error("{} cannot be written: {source}", path.display())]
    System {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Writes `text` to `path`. `overwrite`: a file of that name may be replaced.
pub fn write(path: &Path, text: &str, overwrite: bool) -> Result<(), WriteError> {
    let fail = |source| WriteError::System { path: path.to_owned(), source };
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_private_directory(directory).map_err(fail)?;
    // Made with mode 0600, where there are modes.
    let mut file = tempfile::NamedTempFile::new_in(directory).map_err(fail)?;
    file.write_all(text.as_bytes()).map_err(fail)?;
    file.as_file().sync_all().map_err(fail)?;
    let persisted = if overwrite { file.persist(path) } else { file.persist_noclobber(path) };
    persisted.map(drop).map_err(|error| match error.error.kind() {
        ErrorKind::AlreadyExists if !overwrite => WriteError::Exists(path.to_owned()),
        _ => fail(error.error),
    })
}

#[cfg(all(test, unix))]
mod tests {
    use std::collections::HashMap;
    use std::os::unix::fs::PermissionsExt;

    use secrecy::ExposeSecret;

    use super::super::answers::{Answers, Credentials};
    use super::*;
    use crate::config::{AwsCredentials, Flags, Mode, Sources, load};

    const TOKEN: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    fn answers(credentials: Credentials) -> Answers {
        Answers {
            relay: format!("wss://laptop:{TOKEN}@relay.example.com:8443#sha256={TOKEN}").parse().expect("a code"),
            credentials,
            regions: vec!["us-east-1".into(), "eu-*".into()],
            frequency: "10m".into(),
            monthly_usd: Some(5.0),
        }
    }

    fn read(path: &Path) -> crate::config::Config {
        let (file, environment) = (path.to_owned(), HashMap::new().into_iter().collect());
        load(Sources { file, file_required: true, environment, flags: Flags::default(), mode: Mode::Cloud })
            .expect("sound")
            .config
    }

    #[test]
    fn what_is_written_is_what_was_chosen_and_nobody_else_reads_it() {
        let home = tempfile::tempdir().expect("tempdir");
        let path = home.path().join("deep").join("config.toml");
        let odd = "od\"d\\ key\u{e9}";
        let keys = Credentials::Keys { access_key_id: "AKIA1".into(), secret_access_key: odd.into() };
        for (credentials, chosen) in [
            (Credentials::Chain, "chain".to_owned()),
            (Credentials::Profile("wo\"rk".into()), "profile wo\"rk".to_owned()),
            (keys, format!("keys AKIA1 {odd}")),
        ] {
            write(&path, &answers(credentials).to_toml(), true).expect("written");
            assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
            let config = read(&path);
            assert_eq!(config.relays[0].url.to_string(), "wss://relay.example.com:8443");
            assert_eq!(config.relays[0].pin.map(hex::encode).as_deref(), Some(TOKEN));
            assert_eq!(config.regions.iter().map(ToString::to_string).collect::<Vec<_>>(), ["us-east-1", "eu-*"]);
            assert_eq!(config.budget.monthly_usd, Some(5.0));
            let read = match config.aws.credentials {
                AwsCredentials::Chain => "chain".to_owned(),
                AwsCredentials::Profile(name) => format!("profile {name}"),
                AwsCredentials::Keys { access_key_id, secret_access_key, .. } => {
                    format!("keys {access_key_id} {}", secret_access_key.expose_secret())
                }
            };
            assert_eq!(read, chosen);
        }
    }

    #[test]
    fn a_file_that_is_there_stays_unless_it_may_go() {
        let home = tempfile::tempdir().expect("tempdir");
        let path = home.path().join("config.toml");
        write(&path, "one", false).expect("written");
        assert!(matches!(write(&path, "two", false), Err(WriteError::Exists(_))));
        assert_eq!(std::fs::read_to_string(&path).expect("there"), "one");
        write(&path, "two", true).expect("written");
        assert_eq!(std::fs::read_to_string(&path).expect("there"), "two");
        assert_eq!(std::fs::read_dir(home.path()).expect("read").count(), 1, "nothing else stays");
    }
}
