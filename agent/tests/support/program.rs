//! The agent as a person starts it: the real program, a configuration, a home directory of its own.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use serde_json::Value;

use super::desktop::Desktop;
use super::tools::{Port, wait_for};

/// The program under test.
pub const EXE: &str = env!("CARGO_BIN_EXE_awslambdaproxy");

/// What every test's configuration begins with: a port of its own, sites on loopback allowed.
pub const BASE: &str = "[proxy]\nlisten = \"127.0.0.1:0\"\n[egress]\nallow = [\"127.0.0.0/8\"]\n[exits]\ncheck_url = \"\"\n";

/// Becomes a program that minds SIGHUP, also where the tests themselves run under `nohup`.
pub const MINDS_HANGUPS: [&str; 2] = ["env", "--default-signal=HUP"];

/// A running agent; ends with the value.
pub struct Program {
    pub desktop: Desktop,
    pub process: Child,
}

impl Program {
    /// Starts an agent in local mode and waits until every region has an exit.
    pub fn start(configuration: &str) -> Self {
        let program = Self::spawn(configuration);
        program.wait_until_healthy();
        program
    }

    /// Starts an agent in local mode.
    pub fn spawn(configuration: &str) -> Self {
        Self::spawn_with(configuration, &[])
    }

    /// Starts an agent in local mode with more on its command line.
    pub fn spawn_with(configuration: &str, arguments: &[&str]) -> Self {
        Self::spawn_under(&[], configuration, arguments)
    }

    /// Starts an agent in local mode under a program that becomes it, such as `unshare`.
    pub fn spawn_under(wrapper: &[&str], configuration: &str, arguments: &[&str]) -> Self {
        Self::on(Desktop::new(configuration), wrapper, &[&["--local"], arguments].concat())
    }

    /// Starts `run` on a desktop.
    pub fn on(desktop: Desktop, wrapper: &[&str], arguments: &[&str]) -> Self {
        let log = fs::File::create(desktop.path().join("log")).expect("log");
        let mut command = desktop.command_under(wrapper, &[&["-v", "run"], arguments].concat());
        let process = command.stdout(Stdio::null()).stderr(log).spawn().expect("the agent runs");
        Self { desktop, process }
    }

    pub fn wait_until_healthy(&self) {
        wait_for("a healthy agent", || (self.status()?["health"] == "healthy" && self.all_active()?).then_some(()));
    }

    fn all_active(&self) -> Option<bool> {
        Some(self.status()?["regions"].as_array()?.iter().all(|region| region["state"] == "active"))
    }

    /// `status --json`; `None` while the agent cannot be asked.
    pub fn status(&self) -> Option<Value> {
        let output = self.command(&["status", "--json"]);
        serde_json::from_slice(&output.stdout).ok()
    }

    /// Runs another command of the same program on the same configuration.
    pub fn command(&self, arguments: &[&str]) -> Output {
        self.prepare(arguments).output().expect("the command runs")
    }

    /// Another command of the same program on the same configuration.
    pub fn prepare(&self, arguments: &[&str]) -> Command {
        self.desktop.command(arguments)
    }

    /// Where the proxy listens.
    pub fn proxy(&self) -> SocketAddr {
        let status = self.status().expect("a status");
        status["proxy"]["listen"][0].as_str().expect("an address").parse().expect("an address")
    }

    /// The proxy as curl takes it.
    pub fn url(&self) -> String {
        format!("http://{}", self.proxy())
    }

    /// Everything that the agent and its processes logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.desktop.path().join("log")).unwrap_or_default()
    }

    /// The file that counts what the local Lambda billed.
    pub fn billing(&self) -> PathBuf {
        self.desktop.state().join("local-billing.jsonl")
    }

    /// Sends a signal to the agent.
    pub fn signal(&self, name: &str) {
        send_signal(self.process.id(), name);
    }

    /// Waits for the agent's own end.
    pub fn wait(&mut self) -> ExitStatus {
        self.process.wait().expect("the agent ends")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the agent's log ---\n{}", self.log());
        }
        if matches!(self.process.try_wait(), Ok(None)) {
            self.signal("TERM");
            let _ = self.process.wait();
        }
    }
}

/// Sends a signal to one process.
pub fn send_signal(pid: u32, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status().expect("kill runs");
    assert!(sent.success(), "kill -{name} {pid}");
}

/// A relay as a process of its own, whose token the test knows.
pub struct Relay {
    process: Child,
    /// Its own also while it does not run.
    _port: Port,
    pub address: SocketAddr,
    pub token: String,
}

impl Relay {
    pub fn start() -> Self {
        let (token, port) = ("0123456789abcdef".repeat(4), Port::reserved());
        Self { process: Self::run(&token, &port.address()), address: port.address(), _port: port, token }
    }

    /// Ends without a word to anyone; nothing listens at its address until [`Relay::restart`].
    pub fn kill(&mut self) {
        self.process.kill().expect("kill");
        self.process.wait().expect("its end");
    }

    /// Another process at the same address, which knows the same token and nothing else.
    pub fn restart(&mut self) {
        self.kill();
        self.process = Self::run(&self.token, &self.address);
    }

    fn run(token: &str, address: &SocketAddr) -> Child {
        let mut process =
            Command::new(EXE).arg("local-relay").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the relay runs");
        let mut stdin = process.stdin.take().expect("stdin");
        writeln!(stdin, "{token} {address}").expect("token");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("stdout")).read_line(&mut line).expect("address");
        assert_eq!(line.trim(), address.to_string(), "where it listens");
        process.stdin = Some(stdin);
        process
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
