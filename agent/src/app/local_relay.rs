//! The relay of local mode: the real relay, plain WebSocket on a loopback port, in a process of its own.
//!
//! Its token travels over standard input, whose end is also its order to go: it never outlives its agent. An address may
//! follow the token; without one the system chooses a port.

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use relay::agents::{Agents, Token};
use relay::server;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tunnel::invitation::RelayEndpoint;
use tunnel::leg::authorities::Authorities;
use tunnel::leg::dial::AgentRelay;
use tunnel::leg::known::Known;
use tunnel::leg::tls::{public_roots, trusting};

use crate::system::in_a_group_of_its_own;

/// How long the process may take to listen.
const READY_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest line of either process, bytes: a token or an address.
const LONGEST_LINE: u64 = 256;
/// The name of the only agent of a local relay.
const AGENT: &str = "local";

/// A running local relay. Dropped, it goes.
pub(super) struct LocalRelay {
    address: SocketAddr,
    token: String,
    _stdin: ChildStdin,
    _child: Child,
}

impl LocalRelay {
    /// Starts `exe local-relay` and waits until it listens.
    pub(super) async fn start(exe: &Path) -> anyhow::Result<Self> {
        let token = hex::encode(tunnel::random::bytes::<32>());
        let mut command = Command::new(exe);
        command.arg("local-relay").stdin(Stdio::piped()).stdout(Stdio::piped());
        in_a_group_of_its_own(&mut command);
        let mut child = command.spawn().context("cannot start the local relay")?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (mut stdin, stdout) = pipes.context("the local relay has no pipes")?;
        let introducing = async {
            stdin.write_all(format!("{token}\n").as_bytes()).await?;
            let mut line = String::new();
            BufReader::new(stdout.take(LONGEST_LINE)).read_line(&mut line).await?;
            line.trim().parse().map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "no address"))
        };
        let address = timeout(READY_TIMEOUT, introducing).await.context("the local relay did not become ready")?;
        let address = address.context("the local relay did not become ready")?;
        Ok(Self { address, token, _stdin: stdin, _child: child })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// As the agent dials it.
    pub(super) fn endpoint(&self) -> anyhow::Result<AgentRelay> {
        let url = format!("ws://{}", self.address).parse().context("the local relay's address")?;
        let endpoint = RelayEndpoint { url, pin: None, authorities: Authorities::default() };
        let (token, trust) = (self.token.clone().into(), trusting(public_roots())?);
        Ok(AgentRelay { endpoint, token, trust, proxy: None, known: Known::default() })
    }
}

/// The body of the hidden subcommand `local-relay`.
pub async fn run_process() -> anyhow::Result<()> {
    let mut input = BufReader::new(tokio::io::stdin());
    let mut line = String::new();
    (&mut input).take(LONGEST_LINE).read_line(&mut line).await.context("no token on standard input")?;
    let mut words = line.split_whitespace();
    let agents = Agents::single(AGENT, &Token::presented(words.next().unwrap_or_default()))?;
    let address = words.next().map(str::parse::<SocketAddr>).transpose().context("no address after the token")?;
    let address = address.unwrap_or_else(|| (Ipv4Addr::LOCALHOST, 0).into());
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    let address = listener.local_addr()?;
    let shutdown = CancellationToken::new();
    let mut output = io::stdout().lock();
    writeln!(output, "{address}").and_then(|()| output.flush()).context("nobody reads the address")?;
    drop(output);
    let gone = async {
        // Nothing more is expected; what matters is the end.
        let _end = input.read_to_end(&mut Vec::new()).await;
    };
    tokio::select! {
        ended = server::run(listener, server::Config::plain(agents), shutdown) => Ok(ended?),
        () = gone => Ok(()),
    }
}
