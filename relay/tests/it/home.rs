//! The program as a person starts it: a configuration of its own, a log to read.

use std::fs::{File, read_to_string};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::{sleep, timeout};

use crate::support::PATIENCE;

const EXE: &str = env!("CARGO_BIN_EXE_awslambdaproxy-relay");
/// What systemd does: the socket as descriptor 3, and whose it is. The test's own way to hand it over is standard input.
const HAND_OVER: &str = "exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" \"$@\"";

pub(crate) struct Home {
    directory: tempfile::TempDir,
    pub(crate) config: PathBuf,
}

impl Home {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().expect("directory");
        let config = directory.path().join("made").join("relay.toml");
        Self { directory, config }
    }

    /// With this configuration, which has no metrics unless it says so.
    pub(crate) fn with(configuration: &str) -> Self {
        let home = Self::new();
        std::fs::create_dir_all(home.config.parent().expect("parent")).expect("directory");
        home.write(configuration);
        home
    }

    pub(crate) fn write(&self, configuration: &str) {
        std::fs::write(&self.config, configuration).expect("written");
    }

    /// Where the relay with this configuration keeps its state.
    pub(crate) fn state(&self) -> PathBuf {
        self.config.with_file_name("relay-state")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// What all relays of this home have logged.
    pub(crate) fn log(&self) -> String {
        read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Waits until the log has this text so many times.
    pub(crate) async fn logged(&self, text: &str, times: usize) {
        let waiting = async {
            while self.log().matches(text).count() < times {
                sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        let in_time = timeout(PATIENCE, waiting).await.is_ok();
        assert!(in_time, "\"{text}\" is not {times} times in the log:\n{}", self.log());
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        self.started_by(Command::new(EXE), args)
    }

    fn started_by(&self, mut command: Command, args: &[&str]) -> Command {
        command.arg("--config").arg(&self.config).args(args).env_remove("RUST_LOG");
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    pub(crate) async fn output(&self, args: &[&str]) -> Output {
        timeout(PATIENCE, self.command(args).output()).await.expect("in time").expect("started")
    }

    /// Standard output of a command that must succeed.
    pub(crate) async fn ok(&self, args: &[&str]) -> String {
        let output = self.output(args).await;
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    /// Exit code and standard error of a command that must fail.
    pub(crate) async fn fails(&self, args: &[&str]) -> (i32, String) {
        let output = self.output(args).await;
        assert_eq!(output.stdout, b"", "{args:?}");
        (output.status.code().expect("a code"), String::from_utf8(output.stderr).expect("text"))
    }
}

impl Drop for Home {
    #[expect(clippy::print_stderr, reason = "a failed test shows what the relay said")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the relay's log ---\n{}", self.log());
        }
    }
}

/// A running program, and where it listens.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) scheme: String,
    _stdout: Lines<BufReader<ChildStdout>>,
}

impl Running {
    pub(crate) async fn start(home: &Home) -> Self {
        Self::start_as(home, home.command(&["run"])).await
    }

    /// With more of one's own, such as a flag or a variable.
    pub(crate) async fn start_as(home: &Home, mut command: Command) -> Self {
        let log = File::options().create(true).append(true).open(home.path("log")).expect("log");
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().expect("started");
        let mut stdout = BufReader::new(child.stdout.take().expect("piped")).lines();
        let line = timeout(PATIENCE, stdout.next_line()).await.expect("in time").expect("read");
        let line = line.unwrap_or_else(|| panic!("it ended:\n{}", home.log()));
        let (scheme, address) = line.strip_prefix("listening on ").and_then(|url| url.split_once("://")).expect("the ready line");
        let (scheme, address) = (scheme.to_owned(), address.parse().expect("an address"));
        Self { child, address, scheme, _stdout: stdout }
    }

    /// With a socket that is handed over, as systemd does.
    pub(crate) async fn start_with(home: &Home, listener: &TcpListener) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", HAND_OVER, EXE]);
        let mut command = home.started_by(shell, &["run"]);
        command.stdin(OwnedFd::from(listener.try_clone().expect("descriptor")));
        Self::start_as(home, command).await
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id().expect("running")).expect("a pid")).expect("a pid");
        kill_process(pid, signal).expect("sent");
    }

    /// Waits for the end; returns the exit code.
    pub(crate) async fn ended(mut self) -> Option<i32> {
        timeout(PATIENCE, self.child.wait()).await.expect("in time").expect("waited").code()
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("connected")
    }
}

/// Name, token, authority and pin of a pairing code.
pub(crate) fn parts(code: &str) -> (String, String, String, Option<String>) {
    assert_eq!(code.lines().count(), 1, "{code}");
    let (_, rest) = code.trim().split_once("://").expect("scheme");
    let (rest, pin) = match rest.split_once("#sha256=") {
        Some((rest, pin)) => (rest, Some(pin.to_owned())),
        None => (rest, None),
    };
    let (user, authority) = rest.split_once('@').expect("user");
    let (name, token) = user.split_once(':').expect("token");
    (name.to_owned(), token.to_owned(), authority.to_owned(), pin)
}
