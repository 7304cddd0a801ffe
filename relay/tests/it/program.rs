//! The real program: init, run, agents, exit codes.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;
use tunnel::instance::InstanceNonce;
use tunnel::ticket::Ticket;

use crate::support::{PATIENCE, agent_request, exchange, function_request, open};
use crate::tls::connect;

struct Home {
    _directory: tempfile::TempDir,
    config: PathBuf,
}

impl Home {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("directory");
        let config = directory.path().join("made").join("relay.toml");
        Self { _directory: directory, config }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_awslambdaproxy-relay"));
        command.arg("--config").arg(&self.config).args(args).env_remove("RUST_LOG");
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    async fn output(&self, args: &[&str]) -> Output {
        timeout(PATIENCE, self.command(args).output()).await.expect("in time").expect("started")
    }

    /// Standard output of a command that must succeed.
    async fn ok(&self, args: &[&str]) -> String {
        let output = self.output(args).await;
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    /// Exit code and standard error of a command that must fail.
    async fn fails(&self, args: &[&str]) -> (i32, String) {
        let output = self.output(args).await;
        assert_eq!(output.stdout, b"", "{args:?}");
        (output.status.code().expect("a code"), String::from_utf8(output.stderr).expect("text"))
    }
}

/// A running program, and where it listens.
struct Running {
    child: Child,
    address: SocketAddr,
    scheme: String,
    _stdout: Lines<BufReader<ChildStdout>>,
}

impl Running {
    async fn start(home: &Home) -> Self {
        let mut child = home.command(&["run"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
        let mut stdout = BufReader::new(child.stdout.take().expect("piped")).lines();
        let line = timeout(PATIENCE, stdout.next_line()).await.expect("in time").expect("read").expect("a line");
        let (scheme, address) = line.strip_prefix("listening on ").and_then(|url| url.split_once("://")).expect("the ready line");
        let (scheme, address) = (scheme.to_owned(), address.parse().expect("an address"));
        Self { child, address, scheme, _stdout: stdout }
    }

    fn signal(&self) {
        let pid = Pid::from_raw(i32::try_from(self.child.id().expect("running")).expect("a pid")).expect("a pid");
        kill_process(pid, Signal::TERM).expect("sent");
    }

    /// Waits for the end; returns exit code and log.
    async fn ended(mut self) -> (Option<i32>, String) {
        let status = timeout(PATIENCE, self.child.wait()).await.expect("in time").expect("waited");
        let mut log = String::new();
        self.child.stderr.take().expect("piped").read_to_string(&mut log).await.expect("log");
        (status.code(), log)
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("connected")
    }
}

/// Name, token, authority and pin of a pairing code.
fn parts(code: &str) -> (String, String, String, Option<String>) {
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

fn files_below(path: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path).expect("directory").map(|entry| entry.expect("entry").path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

#[tokio::test]
async fn init_and_run_with_a_certificate_of_its_own_carry_a_tunnel_and_stop_in_good_order() {
    let home = Home::new();
    let code = home
        .ok(&["init", "--self-signed", "--listen", "127.0.0.1:0", "--host", "relay.example.com:8443", "--agent", "laptop"])
        .await;
    let (name, token, authority, pin) = parts(&code);
    assert_eq!((name.as_str(), authority.as_str()), ("laptop", "relay.example.com:8443"));
    let pin = pin.expect("a pin");
    for file in files_below(home.config.parent().expect("parent")) {
        assert!(!std::fs::read_to_string(&file).expect("text").contains(&token), "{}", file.display());
    }

    let running = Running::start(&home).await;
    assert_eq!(running.scheme, "wss");
    let ticket = Ticket::mint();
    let io = connect(running.connect().await, &pin).await.expect("tls");
    let mut agent = open(io, agent_request(running.address, &token, &ticket.hash().to_string())).await.expect("agent");
    let io = connect(running.connect().await, &pin).await.expect("tls");
    let request = function_request(running.address, &ticket.to_hex(), &InstanceNonce::mint().to_string());
    let mut function = open(io, request).await.expect("function");
    agent.synced().await;
    function.synced().await;
    function.binary("through").await;
    assert_eq!(agent.received().await, "through");

    running.signal();
    assert_eq!((agent.closed().await, function.closed().await), (Some(1012), Some(1012)));
    drop((agent, function));
    let (status, log) = running.ended().await;
    assert_eq!(status, Some(0), "{log}");
    assert!(log.contains("laptop") && !log.contains(&token) && !log.contains(&ticket.to_hex()), "{log}");
}

#[tokio::test]
async fn agents_come_and_go_while_the_relay_runs() {
    let home = Home::new();
    let first = home.ok(&["init", "--behind-proxy", "--listen", "127.0.0.1:0"]).await;
    assert!(first.starts_with("ws://agent:"), "{first}");
    let running = Running::start(&home).await;
    let (_, second, ..) = parts(&home.ok(&["agent", "add", "second"]).await);
    assert_eq!(home.ok(&["agent", "list"]).await, "agent\nsecond\n");

    // The relay looks every second; until then the token is nobody's.
    let hash = Ticket::mint().hash().to_string();
    let mut leg = timeout(PATIENCE, async {
        loop {
            match open(running.connect().await, agent_request(running.address, &second, &hash)).await {
                Ok(leg) => return leg,
                Err(status) => assert_eq!(status, 401),
            }
        }
    })
    .await
    .expect("in time");
    leg.notice().await;

    home.ok(&["agent", "revoke", "second"]).await;
    assert_eq!(leg.closed().await, Some(4001));
    let refused = open(running.connect().await, agent_request(running.address, &second, &hash)).await;
    assert_eq!(refused.err().expect("refused"), 401);
    let (code, error) = home.fails(&["agent", "revoke", "second"]).await;
    assert_eq!((code, error.contains("second")), (1, true), "{error}");
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let home = Home::new();
    home.ok(&["init", "--behind-proxy", "--listen", "127.0.0.1:0"]).await;
    std::fs::write(&home.config, std::fs::read_to_string(&home.config).expect("text") + "\n[drain]\ntime = \"60s\"\n")
        .expect("written");
    let running = Running::start(&home).await;
    let _half_open = running.connect().await;
    // Accepted once a later one is answered.
    exchange(running.connect().await, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await;
    running.signal();
    // The port is closed once the first signal was heard.
    while TcpStream::connect(running.address).await.is_ok() {}
    running.signal();
    assert_eq!(running.ended().await.0, Some(130));
}

#[tokio::test]
async fn a_relay_without_agents_runs_and_says_so() {
    let home = Home::new();
    home.ok(&["init", "--behind-proxy", "--listen", "127.0.0.1:0"]).await;
    home.ok(&["agent", "revoke", "agent"]).await;
    let running = Running::start(&home).await;
    running.signal();
    let (status, log) = running.ended().await;
    assert_eq!(status, Some(0));
    assert!(log.contains("WARN") && log.contains("agent add"), "{log}");
}

#[tokio::test]
async fn a_configuration_is_found_by_its_bare_name() {
    let directory = tempfile::tempdir().expect("directory");
    for args in [&["init", "--self-signed", "--listen", "127.0.0.1:0"][..], &["agent", "add", "other"], &["agent", "list"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_awslambdaproxy-relay"));
        command.current_dir(directory.path()).args(["--config", "relay.toml"]).args(args).stdin(Stdio::null());
        let output = timeout(PATIENCE, command.output()).await.expect("in time").expect("started");
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[tokio::test]
async fn exit_codes_tell_usage_and_configuration_apart() {
    let home = Home::new();
    assert_eq!(home.fails(&["init"]).await.0, 2);
    assert_eq!(home.fails(&["init", "--self-signed", "--behind-proxy"]).await.0, 2);
    let absent = ["init", "--certificate", "/absent.pem", "--key", "/absent.pem", "--host", "x"];
    assert_eq!(home.fails(&absent).await.0, 3, "a certificate that is not there");
    assert_eq!(home.fails(&["init", "--self-signed"]).await.0, 2, "0.0.0.0 is no address for a pairing code");
    let (code, error) = home.fails(&["run"]).await;
    assert_eq!((code, error.contains("init")), (3, true), "{error}");

    home.ok(&["init", "--behind-proxy", "--listen", "127.0.0.1:0"]).await;
    assert_eq!(home.fails(&["init", "--behind-proxy"]).await.0, 1, "what exists is not overwritten");
    std::fs::write(&home.config, "listen = \"127.0.0.1:0\"\n[tls]\nmode = \"acme\"\n").expect("written");
    let (code, error) = home.fails(&["run"]).await;
    assert_eq!(code, 3);
    assert!(error.contains("relay.toml:3: tls.mode") && error.contains("not built yet"), "{error}");
}
