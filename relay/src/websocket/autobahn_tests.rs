//! The Autobahn test suite against an echo on this codec: kosoku (PyPI) runs the suite's own case files on today's Python.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// What the suite's largest case sends.
const LARGEST: usize = 16 * 1024 * 1024;
/// All that RFC 6455 asks. The largest messages and the longest floods of sections 9 and 10 are a soak's; 12 and 13 are about
/// compression, which is no part of the relay.
const CASES: [&str; 14] =
    ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.1.1", "9.1.2", "9.2.1", "9.2.2", "9.3.9", "9.4.9", "10.*"];
const SOAK: [&str; 1] = ["9.*"];

#[tokio::test]
async fn autobahn() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
    let address = listener.local_addr().expect("address");
    let server = tokio::spawn(async move {
        loop {
            let (io, _) = listener.accept().await.expect("accepted");
            // A case may end with a reset: the suite says whether that was right.
            tokio::spawn(echo(io));
        }
    });
    let cases = if std::env::var_os("AWSLAMBDAPROXY_SOAK").is_some() { &SOAK[..] } else { &CASES };
    let cases: Vec<_> = cases.iter().map(|case| (*case).to_owned()).collect();
    let suite = tokio::task::spawn_blocking(move || suite(&format!("ws://{address}"), &cases));
    let (status, said) = suite.await.expect("no panic");
    assert!(status.success(), "{status}: {said}");
    assert!(said.contains(" cases: "), "{said}");
    server.abort();
}

/// Runs the suite: how it ended, and what it says.
fn suite(url: &str, cases: &[String]) -> (ExitStatus, String) {
    let develop = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/develop");
    let python = Command::new(develop.join("clients.sh")).stderr(Stdio::inherit()).output().expect("clients.sh runs");
    assert!(python.status.success(), "clients.sh: {}", python.status);
    let python = String::from_utf8(python.stdout).expect("a path");
    let output = Command::new(python.trim()).arg(develop.join("autobahn.py")).arg(url).args(cases).output().expect("python runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status, String::from_utf8_lossy(&said).into_owned())
}

/// Sends back each message and answers each ping, as the suite expects of a peer.
async fn echo(mut io: TcpStream) -> io::Result<()> {
    upgrade(&mut io).await?;
    let (mut decoder, mut message, mut buffer) = (Decoder::new(LARGEST), Vec::new(), vec![0; 64 * 1024]);
    loop {
        let length = io.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        let mut at = 0;
        while at < length {
            let input = &mut buffer[at..length];
            let (count, item) = match decoder.decode(input) {
                Ok(decoded) => decoded,
                Err(violation) => return close(io, Some(violation.code())).await,
            };
            match item {
                Some(Item::Data { kind, payload, end }) => {
                    message.extend_from_slice(&input[payload]);
                    if end {
                        let opcode = if kind == Kind::Text { Opcode::Text } else { Opcode::Binary };
                        send(&mut io, opcode, &std::mem::take(&mut message)).await?;
                    }
                }
                Some(Item::Ping(payload)) => io.write_all(&control_frame(Opcode::Pong, &payload)).await?,
                Some(Item::Close(code)) => return close(io, code).await,
                Some(Item::Pong) | None => {}
            }
            at += count;
        }
    }
}

async fn send(io: &mut TcpStream, opcode: Opcode, message: &[u8]) -> io::Result<()> {
    let mut head = [0; LONGEST_HEAD];
    let length = write_head(opcode, message.len(), &mut head);
    io.write_all(&head[..length]).await?;
    io.write_all(message).await
}

async fn close(mut io: TcpStream, code: Option<u16>) -> io::Result<()> {
    io.write_all(&close_frame(code)).await?;
    io.shutdown().await?;
    while io.read(&mut [0; 4096]).await? > 0 {}
    Ok(())
}

/// The opening handshake, which is not this suite's matter.
async fn upgrade(io: &mut TcpStream) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(io.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head);
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    let key = fields.find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key")).ok_or(ErrorKind::InvalidData)?.1;
    let accept = accept_key(key.trim());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    io.write_all(answer.as_bytes()).await
}
