//! A desktop for one test: a home directory with a configuration, and the environment that programs there see.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use tempfile::TempDir;

use super::program::{EXE, Program};

/// The directory is gone with the last of its clones.
#[derive(Clone)]
pub struct Desktop {
    home: Arc<TempDir>,
    environment: Vec<(String, String)>,
    program: String,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Desktop {
    pub fn new(configuration: &str) -> Self {
        let desktop =
            Self { home: Arc::new(tempfile::tempdir().expect("home")), environment: Vec::new(), program: EXE.to_owned() };
        desktop.configure(configuration);
        desktop
    }

    /// The same desktop with more variables.
    pub fn with(mut self, environment: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        self.environment.extend(environment.into_iter().map(|(name, value)| (name.to_owned(), value)));
        self
    }

    /// The same desktop with another executable for the program.
    pub fn of(mut self, program: &str) -> Self {
        program.clone_into(&mut self.program);
        self
    }

    /// Writes another configuration.
    pub fn configure(&self, configuration: &str) {
        self.write("config.toml", configuration);
    }

    /// Writes a file that holds secrets.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::write(&path, text).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("mode");
        path
    }

    pub fn path(&self) -> &Path {
        self.home.path()
    }

    /// Where the program keeps what it must remember.
    pub fn state(&self) -> PathBuf {
        self.path().join("state/awslambdaproxy")
    }

    /// The program on this desktop's configuration, started by `wrapper`.
    pub fn command_under(&self, wrapper: &[&str], arguments: &[&str]) -> Command {
        let line = [wrapper, &[self.program.as_str()]].concat();
        let mut command = Command::new(line[0]);
        command.args(&line[1..]).args(["--config", &self.path().join("config.toml").display().to_string()]).args(arguments);
        command.env_clear().env("HOME", self.path()).env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("XDG_STATE_HOME", self.path().join("state")).env("XDG_CONFIG_HOME", self.path());
        command.envs(self.environment.iter().map(|(name, value)| (name, value))).stdin(Stdio::null());
        command
    }

    /// The program on this desktop's configuration.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_under(&[], arguments)
    }

    /// Runs it to its end.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.command(arguments).output().expect("the command runs").into()
    }

    /// Starts an agent, with its talk in the file `log`.
    pub fn agent(self, arguments: &[&str]) -> Program {
        Program::on(self, &[], arguments)
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}
