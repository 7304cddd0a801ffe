//! The relay as people install it: the program itself, with TLS of its own, one process after the other on one port.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};

use tempfile::TempDir;

use super::program::{EXE, send_signal};

/// A running relay with a self-signed certificate; ends with the value.
pub struct RelayProgram {
    home: TempDir,
    process: Child,
    /// Its end would be the relay's, if the relay wrote more.
    _stdout: BufReader<ChildStdout>,
    pub address: SocketAddr,
    pub token: String,
    pub pin: String,
}

impl RelayProgram {
    pub fn start() -> Self {
        let home = tempfile::tempdir().expect("home");
        let made = run(home.path(), &["init", "--self-signed", "--listen", "127.0.0.1:0"]);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let code = String::from_utf8(made.stdout).expect("text");
        let (token, pin) = parts(code.trim()).expect("a pairing code");
        let (token, pin) = (token.to_owned(), pin.to_owned());
        let (process, stdout, address) = spawn(home.path(), &["run"]);
        // The next process is to have the port that this one was given.
        let config = home.path().join("relay.toml");
        let text = std::fs::read_to_string(&config).expect("configuration");
        std::fs::write(&config, text.replace("127.0.0.1:0", &address.to_string())).expect("written");
        Self { home, process, _stdout: stdout, address, token, pin }
    }

    /// A section of an agent's configuration.
    pub fn section(&self) -> String {
        let Self { address, token, pin, .. } = self;
        format!("[[relay]]\nurl = \"wss://{address}\"\ntoken = \"{token}\"\ncertificate_sha256 = \"{pin}\"\n")
    }

    /// A new process takes the port over while the old one runs, which is then stopped in good order.
    pub fn hand_over(&mut self) -> ExitStatus {
        let (process, stdout, address) = spawn(self.home.path(), &["run", "--take-over"]);
        assert_eq!(address, self.address);
        let mut old = std::mem::replace(&mut self.process, process);
        send_signal(old.id(), "TERM");
        let status = old.wait().expect("its end");
        self._stdout = stdout;
        status
    }

    /// It ends without a word, and another one comes.
    pub fn kill_and_restart(&mut self) {
        self.process.kill().expect("kill");
        self.process.wait().expect("its end");
        let (process, stdout, _) = spawn(self.home.path(), &["run"]);
        (self.process, self._stdout) = (process, stdout);
    }
}

impl Drop for RelayProgram {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Built beside the agent by whoever tests the whole workspace.
fn program() -> PathBuf {
    let path = Path::new(EXE).with_file_name("awslambdaproxy-relay");
    assert!(path.exists(), "{}: build it first: cargo build --package awslambdaproxy-relay", path.display());
    path
}

fn command(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.arg("--config").arg(home.join("relay.toml")).args(arguments).env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

fn run(home: &Path, arguments: &[&str]) -> Output {
    command(home, arguments).output().expect("the relay runs")
}

fn spawn(home: &Path, arguments: &[&str]) -> (Child, BufReader<ChildStdout>, SocketAddr) {
    let log = std::fs::File::options().create(true).append(true).open(home.join("log")).expect("log");
    let mut process = command(home, arguments).stdout(Stdio::piped()).stderr(log).spawn().expect("the relay runs");
    let mut stdout = BufReader::new(process.stdout.take().expect("stdout"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("its address");
    let address = line.trim().strip_prefix("listening on wss://").expect("its address").parse().expect("an address");
    (process, stdout, address)
}

/// Token and pin of `wss://NAME:TOKEN@HOST:PORT#sha256=PIN`.
fn parts(code: &str) -> Option<(&str, &str)> {
    let (user, place) = code.strip_prefix("wss://")?.split_once('@')?;
    Some((user.split_once(':')?.1, place.split_once("#sha256=")?.1))
}
