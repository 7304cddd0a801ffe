//! Behind a real nginx and a real Caddy, which do TLS and name the client.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::client::TlsStream;
use tunnel::instance::InstanceNonce;
use tunnel::ticket::Ticket;

use crate::pebble::own_certificate;
use crate::support::{Leg, PATIENCE, Port, Relay, exchange, open};
use crate::tls::anybody;

/// A program in front of a relay; ends with the value.
struct Front {
    directory: tempfile::TempDir,
    process: Child,
    port: Port,
}

impl Front {
    /// Starts the program and waits until it listens; it writes its log into its directory.
    fn start(command: impl FnOnce(&Path, u16) -> Command) -> Self {
        let (directory, port) = (tempfile::tempdir().expect("directory"), Port::reserved());
        own_certificate(directory.path());
        let mut command = command(directory.path(), port.address.port());
        command.current_dir(directory.path()).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("HOME", directory.path());
        let log = std::fs::File::create(directory.path().join("log")).expect("log");
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
        let front = Self { directory, process: process.expect("it is installed by prepare.sh"), port };
        let begun = Instant::now();
        while std::net::TcpStream::connect(front.port.address).is_err() {
            assert!(begun.elapsed() < PATIENCE, "{}", front.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        front
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// A TLS connection from one of this machine's own addresses.
    async fn connect(&self, from: [u8; 4]) -> TlsStream<TcpStream> {
        let socket = TcpSocket::new_v4().expect("socket");
        socket.bind(SocketAddr::new(IpAddr::from(from), 0)).expect("a loopback address");
        let io = socket.connect(self.port.address).await.expect("connected");
        let name = "localhost".try_into().expect("name");
        anybody().connect(name, io).await.expect("tls")
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        // A master ends its workers on SIGTERM, not on SIGKILL.
        let pid = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw);
        let _ = pid.map(|pid| kill_process(pid, Signal::TERM));
        let _ = self.process.wait();
    }
}

fn nginx(relay: SocketAddr) -> Front {
    Front::start(|directory, port| {
        let configuration = format!(
            "daemon off; worker_processes 1; pid nginx.pid; error_log stderr;
events {{ }}
http {{
  access_log off;
  client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;
  map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate certificate.pem; ssl_certificate_key key.pem;
    location / {{
      proxy_pass http://{relay};
      proxy_http_version 1.1;
      proxy_set_header Host $host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_buffering off;
      proxy_read_timeout 1h;
    }}
  }}
}}
"
        );
        std::fs::write(directory.join("nginx.conf"), configuration).expect("written");
        let mut command = Command::new("nginx");
        command.args(["-e", "stderr", "-c", "nginx.conf", "-p"]).arg(directory);
        command
    })
}

fn caddy(relay: SocketAddr) -> Front {
    Front::start(|directory, port| {
        let configuration = format!(
            "{{\n admin off\n auto_https off\n}}\nhttps://:{port} {{\n bind 127.0.0.1\n \
             tls certificate.pem key.pem\n reverse_proxy {relay}\n}}\n"
        );
        std::fs::write(directory.join("Caddyfile"), configuration).expect("written");
        let mut command = Command::new("caddy");
        command.args(["run", "--config", "Caddyfile", "--adapter", "caddyfile"]);
        command
    })
}

async fn relay() -> Relay {
    Relay::with(|config| {
        config.adjustable.limits.per_address = 2;
        config.adjustable.trusted = vec!["127.0.0.1/32".parse().expect("net")];
    })
    .await
}

/// Ends behind the front see a relay as if there were none, and each client has an address of its own.
async fn is_transparent(relay: &Relay, front: &Front) {
    const HERE: [u8; 4] = [127, 0, 0, 2];
    let healthy =
        exchange(front.connect(HERE).await, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
    assert!(healthy.starts_with("HTTP/1.1 200 ") && healthy.contains("ok"), "{healthy}\n{}", front.log());

    let ticket = Ticket::mint();
    let mut agent = open(front.connect(HERE).await, relay.agent_request(ticket.hash())).await.expect("agent");
    let mut function =
        open(front.connect(HERE).await, relay.function_request(&ticket, InstanceNonce::mint())).await.expect("function");
    agent.synced().await;
    function.synced().await;
    for size in [1, 70_000] {
        agent.binary(vec![7; size]).await;
        assert_eq!(function.received_bytes(size).await, vec![7; size]);
        function.binary(vec![8; size]).await;
        assert_eq!(agent.received_bytes(size).await, vec![8; size]);
    }

    // Two legs are what an address may have, whatever it says of itself; another address has two of its own.
    let mut third = relay.agent_request(Ticket::mint().hash());
    third.headers_mut().insert("x-forwarded-for", "192.0.2.77".parse().expect("header"));
    assert_eq!(open(front.connect(HERE).await, third).await.err().expect("refused"), 429);
    let other = open(front.connect([127, 0, 0, 3]).await, relay.agent_request(Ticket::mint().hash())).await;
    other.expect("another client").notice().await;
    done(agent, function).await;
}

/// The close codes pass, too.
async fn done(mut agent: Leg<TlsStream<TcpStream>>, mut function: Leg<TlsStream<TcpStream>>) {
    agent.close(1000).await;
    assert_eq!(function.closed().await, Some(4001));
}

#[tokio::test]
async fn nginx_in_front_changes_nothing() {
    let relay = relay().await;
    let front = nginx(relay.address);
    is_transparent(&relay, &front).await;
}

#[tokio::test]
async fn caddy_in_front_changes_nothing() {
    let relay = relay().await;
    let front = caddy(relay.address);
    is_transparent(&relay, &front).await;
}
