//! The real program: init, run, agents, exit codes.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::process::Signal;
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::timeout;
use tunnel::instance::InstanceNonce;
use tunnel::ticket::Ticket;

use crate::home::{Home, Running, parts};
use crate::support::{PATIENCE, agent_request, exchange, function_request, open};
use crate::tls::connect;

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

    running.signal(Signal::TERM);
    assert_eq!((agent.closed().await, function.closed().await), (Some(1012), Some(1012)));
    drop((agent, function));
    let (status, log) = (running.ended().await, home.log());
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
async fn init_says_whom_its_code_serves_and_how_this_relay_is_started() {
    let told = async |args: &[&str]| {
        let home = Home::new();
        let output = home.output(args).await;
        let said = String::from_utf8(output.stderr).expect("text");
        assert!(output.status.success(), "{said}");
        assert!(said.contains(&format!("start with: awslambdaproxy-relay run --config {}", home.config.display())), "{said}");
        said.contains("serves programs of this machine only") && said.contains("--host NAME")
    };
    assert!(told(&["init", "--behind-proxy"]).await);
    assert!(!told(&["init", "--behind-proxy", "--host", "relay.example.com"]).await);
}

/// The service runs as a user of its own, and its administrator as root. Whoever is not root has one user only.
#[tokio::test]
async fn what_root_adds_belongs_to_whose_state_it_is() {
    const SOMEBODY: u32 = 65_534;
    let home = Home::new();
    home.ok(&["init", "--self-signed", "--listen", "127.0.0.1:0"]).await;
    let is_root = std::os::unix::fs::chown(home.state(), Some(SOMEBODY), Some(SOMEBODY)).is_ok();
    home.ok(&["agent", "add", "second"]).await;
    let file = std::fs::metadata(home.state().join("agents.toml")).expect("a file");
    let directory = std::fs::metadata(home.state()).expect("a directory");
    assert_eq!((file.uid(), file.gid(), file.mode() & 0o777), (directory.uid(), directory.gid(), 0o600));
    assert_eq!(directory.uid() == SOMEBODY, is_root);
    assert_eq!(std::fs::metadata(&home.config).expect("a file").mode() & 0o777, 0o644, "no secret, and the service reads it");
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
    running.signal(Signal::TERM);
    // The port is closed once the first signal was heard.
    let closed = async { while TcpStream::connect(running.address).await.is_ok() {} };
    timeout(PATIENCE, closed).await.expect("the port is closed");
    running.signal(Signal::TERM);
    assert_eq!(running.ended().await, Some(130));
}

#[tokio::test]
async fn a_relay_without_agents_runs_and_says_so() {
    let home = Home::new();
    home.ok(&["init", "--behind-proxy", "--listen", "127.0.0.1:0"]).await;
    home.ok(&["agent", "revoke", "agent"]).await;
    let running = Running::start(&home).await;
    running.signal(Signal::TERM);
    assert_eq!(running.ended().await, Some(0));
    let log = home.log();
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
    home.write("listen = \"127.0.0.1:0\"\n[tls]\nmode = \"certbot\"\n");
    let (code, error) = home.fails(&["run"]).await;
    assert_eq!(code, 3);
    assert!(error.contains("relay.toml:3: tls.mode") && error.contains("certbot"), "{error}");
}

#[tokio::test]
async fn an_init_without_its_configuration_can_be_repeated_and_makes_the_earlier_code_void() {
    let home = Home::new();
    let init = ["init", "--behind-proxy", "--listen", "127.0.0.1:0"];
    let first = home.ok(&init).await;
    std::fs::remove_file(&home.config).expect("removed");
    let again = home.output(&init).await;
    let said = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(again.status.success() && said.contains("earlier pairing code"), "{said}");
    assert_ne!(String::from_utf8_lossy(&again.stdout), first);
    assert_eq!(home.ok(&["agent", "list"]).await.lines().count(), 1);
}

#[tokio::test]
async fn init_for_a_ca_says_what_it_needs_and_its_code_names_the_domain() {
    let home = Home::new();
    let output = home.output(&["init", "--domain", "relay.example.com"]).await;
    let (_, _, authority, pin) = parts(&String::from_utf8(output.stdout).expect("text"));
    assert_eq!((authority.as_str(), pin), ("relay.example.com:443", None));
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(said.contains("terms") && said.contains("port 443"), "{said}");
    let configuration = std::fs::read_to_string(&home.config).expect("written");
    assert!(configuration.contains("mode = \"acme\"") && configuration.contains("domain = \"relay.example.com\""));
    assert_eq!(home.fails(&["init", "--domain", "192.0.2.1"]).await.0, 1, "what exists is not overwritten");
    let address = Home::new();
    let (code, error) = address.fails(&["init", "--domain", "192.0.2.1"]).await;
    assert!(code == 2 && error.contains("--domain 192.0.2.1"), "a CA certifies names: {error}");
}
