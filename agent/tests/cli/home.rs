//! A home directory for one test, and the program in it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The directory; gone with the test.
pub(crate) struct Home(tempfile::TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Where the program looks for its configuration.
    pub(crate) fn config(&self) -> PathBuf {
        self.path().join(".config/awslambdaproxy/config.toml")
    }

    /// Writes the configuration, with a mode.
    pub(crate) fn write_config(&self, text: &str, mode: u32) -> PathBuf {
        let file = self.config();
        fs::create_dir_all(file.parent().expect("a parent")).expect("made");
        fs::write(&file, text).expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("mode set");
        file
    }

    /// The program with arguments, in an environment that holds only this home.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_awslambdaproxy"));
        command.args(arguments).env_clear().env("HOME", self.path()).env("XDG_CONFIG_HOME", self.path().join(".config"));
        command.env("XDG_STATE_HOME", self.path().join(".state")).current_dir(self.path());
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.command(arguments).output().expect("started").into()
    }
}

/// How the program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}
