//! The real program against a Runtime API of the test's own.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use function::deadline::UnixMs;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tunnel::identity::Identity;
use tunnel::instance::InstanceNonce;
use tunnel::invitation::{Egress, Invitation, RelayEndpoint};
use tunnel::leg::authorities::Authorities;
use tunnel::ticket::Ticket;

use crate::harness::{closed, site};

/// `bootstrap`, killed at the end of its test.
struct Program(Child);

impl Program {
    fn start(runtime_api: &str) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_bootstrap"))
            .env_clear()
            .envs([
                ("AWS_LAMBDA_RUNTIME_API", runtime_api),
                ("AWS_LAMBDA_FUNCTION_NAME", "awslambdaproxy"),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
                ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
                ("AWSLAMBDAPROXY_GENERATION", "4"),
                ("AWSLAMBDAPROXY_LOG", "trace"),
            ])
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        Self(child)
    }

    /// Ends it and returns all that it logged.
    fn logs(mut self) -> String {
        self.0.kill().expect("killed");
        let mut text = String::new();
        let mut stderr = self.0.stderr.take().expect("piped");
        std::io::Read::read_to_string(&mut stderr, &mut text).expect("text");
        text
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// A Runtime API with one connection of the program.
struct RuntimeApi(BufReader<TcpStream>);

impl RuntimeApi {
    async fn accept(listener: &TcpListener) -> Self {
        Self(BufReader::new(listener.accept().await.expect("the program asks").0))
    }

    /// The next request: its first line and its body.
    async fn request(&mut self) -> (String, Value) {
        let (mut first, mut length) = (String::new(), 0);
        self.0.read_line(&mut first).await.expect("a request");
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).await.expect("a header");
            if line.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length")) {
                length = value.trim().parse().expect(name);
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await.expect("the body");
        (first, serde_json::from_slice(&body).unwrap_or_default())
    }

    async fn reply(&mut self, head: &str, body: &str) {
        let text = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        self.0.write_all(text.as_bytes()).await.expect("written");
    }

    /// Hands out one invocation and returns where and what the program answered.
    async fn invoke(&mut self, payload: &Value) -> (String, Value) {
        let (asked, _) = self.request().await;
        assert!(asked.starts_with("GET /2018-06-01/runtime/invocation/next "), "{asked}");
        let deadline = UnixMs::now().plus(Duration::from_secs(60)).0;
        let head = format!(
            "200 OK\r\nLambda-Runtime-Aws-Request-Id: r1\r\nLambda-Runtime-Deadline-Ms: {deadline}\r\n\
             Lambda-Runtime-Invoked-Function-Arn: arn\r\nContent-Type: application/json"
        );
        self.reply(&head, &payload.to_string()).await;
        let answer = self.request().await;
        self.reply("202 Accepted", "").await;
        answer
    }
}

/// An invitation to a relay that is not there, given up after a moment, and what keeps others from its port.
fn to_nowhere() -> (TcpSocket, Invitation) {
    let (port, authority) = closed();
    let invitation = Invitation {
        agent: InstanceNonce::mint(),
        relays: vec![RelayEndpoint {
            url: format!("ws://{authority}").parse().expect("url"),
            pin: None,
            authorities: Authorities::default(),
        }],
        ticket: Ticket::mint(),
        identity: Identity::mint(),
        agent_key: Identity::mint().public().clone(),
        egress: Egress::default(),
        grace_ms: 300,
        live: vec![],
        renew: vec![],
        fresh: true,
        source: None,
    };
    (port, invitation)
}

#[tokio::test]
async fn the_program_answers_each_invocation_and_shows_no_secret() {
    let (listener, authority) = site().await;
    let program = Program::start(&authority);
    let mut api = RuntimeApi::accept(&listener).await;

    let (path, answer) = api.invoke(&json!({"version": 2})).await;
    assert!(path.starts_with("POST /2018-06-01/runtime/invocation/r1/error "), "{path}");
    assert_eq!(answer["errorType"], "UnknownProtocol");

    let (_port, mut invitation) = to_nowhere();
    let (path, answer) = api.invoke(&invitation.to_json()).await;
    assert!(path.starts_with("POST /2018-06-01/runtime/invocation/r1/response "), "{path}");
    assert_eq!((&answer["ended"], &answer["generation"]), (&json!("unreachable"), &json!(4)), "{answer}");

    invitation.fresh = false;
    let (_, second) = api.invoke(&invitation.to_json()).await;
    assert_eq!((&second["ended"], &second["instance"]), (&json!("told_to_end"), &answer["instance"]), "{second}");

    let logs = program.logs();
    assert!(logs.contains("function started"), "{logs}");
    for secret in [invitation.ticket.to_hex(), invitation.to_json()["identity"].to_string()] {
        assert!(!logs.contains(secret.trim_matches('"')), "{logs}");
    }
}
