//! A CA that suggests when to renew (RFC 9773), which pebble of this version does not, or that loses what it issues: a front that
//! adds just that to it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::tls::anybody;

/// Where pebble hands out what it has issued.
const CERTIFICATES: &str = "/certZ/";

/// A front of a CA; its task ends with the test.
pub(crate) struct Suggesting {
    pub(crate) url: String,
    orders: Arc<Mutex<Vec<Value>>>,
}

impl Suggesting {
    /// Before the CA at `ca`, with the certificate and key in `directory`. It suggests to renew whatever it is asked about
    /// at once.
    pub(crate) async fn start(ca: SocketAddr, directory: &Path) -> Self {
        Self::losing(None, ca, directory).await
    }

    /// The same, and no certificate that is issued arrives.
    pub(crate) async fn start_losing(ca: SocketAddr, directory: &Path) -> Self {
        Self::losing(Some(CERTIFICATES), ca, directory).await
    }

    /// Answers nothing below the path `lost`.
    async fn losing(lost: Option<&'static str>, ca: SocketAddr, directory: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
        let address = listener.local_addr().expect("address");
        let acceptor = TlsAcceptor::from(Arc::new(server_config(directory)));
        let orders = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&orders);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (acceptor, seen) = (acceptor.clone(), Arc::clone(&seen));
                tokio::spawn(async move { serve(&acceptor, socket, (address, lost), ca, &seen).await });
            }
        });
        Self { url: format!("https://{address}/dir"), orders }
    }

    /// What was ordered.
    pub(crate) fn orders(&self) -> Vec<Value> {
        self.orders.lock().expect("orders").clone()
    }
}

async fn serve(
    acceptor: &TlsAcceptor,
    socket: TcpStream,
    (here, lost): (SocketAddr, Option<&str>),
    ca: SocketAddr,
    orders: &Mutex<Vec<Value>>,
) {
    let mut io = BufReader::new(acceptor.accept(socket).await.expect("tls"));
    let (mut head, mut length) = (String::new(), 0);
    while !head.ends_with("\r\n\r\n") {
        let begin = head.len();
        assert!(io.read_line(&mut head).await.expect("a line") > 0, "{head}");
        if let Some(value) = head[begin..].to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
    }
    let mut body = vec![0; length];
    io.read_exact(&mut body).await.expect("a body");
    let path = head.split(' ').nth(1).expect("a path").to_owned();
    if lost.is_some_and(|lost| path.starts_with(lost)) {
        return;
    }
    let answer = if path.starts_with("/suggestion/") { suggestion() } else { ask(ca, &head, &body).await };
    // What it refuses is asked for again, and is no order.
    if path == "/order-plz" && answer.starts_with(b"HTTP/1.1 201 ") {
        orders.lock().expect("orders").push(payload(&body));
    }
    let answer = if path == "/dir" { with_suggestions(&answer, here) } else { answer };
    io.write_all(&answer).await.expect("an answer");
    io.shutdown().await.expect("an end");
}

/// The CA's own answer. It makes its URLs of the name by which it is asked, and so names this front.
async fn ask(ca: SocketAddr, head: &str, body: &[u8]) -> Vec<u8> {
    let connector = anybody();
    let socket = TcpStream::connect(ca).await.expect("the CA");
    let mut io = connector.connect(ServerName::try_from("localhost").expect("name"), socket).await.expect("tls");
    let head = head.replacen("\r\n", "\r\nConnection: close\r\n", 1);
    io.write_all(&[head.as_bytes(), body].concat()).await.expect("a request");
    let mut answer = Vec::new();
    io.read_to_end(&mut answer).await.expect("an answer");
    answer
}

fn with_suggestions(answer: &[u8], here: SocketAddr) -> Vec<u8> {
    let text = String::from_utf8_lossy(answer);
    let (_, body) = text.split_once("\r\n\r\n").expect("a head");
    let mut directory: Value = serde_json::from_str(body).expect("a directory");
    directory["renewalInfo"] = format!("https://{here}/suggestion").into();
    respond(&directory)
}

fn suggestion() -> Vec<u8> {
    let at = |back: u64| humantime::format_rfc3339_seconds(SystemTime::now() - Duration::from_secs(back)).to_string();
    respond(&json!({"suggestedWindow": {"start": at(7200), "end": at(3600)}}))
}

fn respond(body: &Value) -> Vec<u8> {
    let body = body.to_string();
    format!("HTTP/1.1 200 OK\r\nRetry-After: 21600\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()).into()
}

/// What a signed request says (RFC 7515).
fn payload(body: &[u8]) -> Value {
    let signed: Value = serde_json::from_slice(body).expect("a signed request");
    let payload = BASE64_URL_SAFE_NO_PAD.decode(signed["payload"].as_str().expect("a payload")).expect("base64");
    serde_json::from_slice(&payload).expect("a payload")
}

fn server_config(directory: &Path) -> ServerConfig {
    let certificate = CertificateDer::from_pem_file(directory.join("certificate.pem")).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(directory.join("key.pem")).expect("a key");
    let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().expect("versions").with_no_client_auth();
    builder.with_single_cert(vec![certificate], key).expect("a pair")
}
