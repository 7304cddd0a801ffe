//! A server that speaks just enough HTTP/1.1 to be wrong in every way that matters.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

/// What the server does once it has read a request.
#[derive(Debug, Clone)]
pub(super) enum Act {
    /// Sends these bytes and goes on.
    Send(String),
    /// Sends the first bytes, waits, sends the rest.
    Pause(String, Duration, String),
    /// Sends these bytes and closes.
    Cut(String),
    /// Says nothing for ever.
    Hang,
}

/// One request as it came.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// Method, path and headers, headers' names in lower case.
    pub(super) head: String,
    pub(super) body: String,
}

/// The server; ends with the value.
pub(super) struct Server {
    port: u16,
    seen: Arc<Mutex<Seen>>,
    _serving: AbortOnDropHandle<()>,
}

#[derive(Default)]
struct Seen {
    connections: usize,
    asked: Vec<Asked>,
}

impl Server {
    /// Answers every request by `act`, which is told how many came before.
    pub(super) async fn start(act: impl Fn(usize, &Asked) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let (seen, act) = (Arc::<Mutex<Seen>>::default(), Arc::new(act));
        let shared = seen.clone();
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                shared.lock().expect("seen").connections += 1;
                tokio::spawn(serve(stream, shared.clone(), act.clone()));
            }
        });
        Self { port, seen, _serving: AbortOnDropHandle::new(serving) }
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.seen.lock().expect("seen").asked.clone()
    }

    pub(super) fn connections(&self) -> usize {
        self.seen.lock().expect("seen").connections
    }
}

async fn serve(mut stream: TcpStream, seen: Arc<Mutex<Seen>>, act: Arc<impl Fn(usize, &Asked) -> Act>) {
    while let Some(asked) = read(&mut stream).await {
        let before = {
            let mut seen = seen.lock().expect("seen");
            seen.asked.push(asked.clone());
            seen.asked.len() - 1
        };
        let sent = match act(before, &asked) {
            Act::Send(bytes) => stream.write_all(bytes.as_bytes()).await.is_ok(),
            Act::Pause(first, pause, rest) => {
                let begun = stream.write_all(first.as_bytes()).await.is_ok();
                sleep(pause).await;
                begun && stream.write_all(rest.as_bytes()).await.is_ok()
            }
            Act::Cut(bytes) => {
                let _sent = stream.write_all(bytes.as_bytes()).await;
                false
            }
            Act::Hang => {
                let _closed = stream.read(&mut [0; 64]).await;
                false
            }
        };
        if !sent {
            return;
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let length = head.to_ascii_lowercase().lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    while bytes.len() < end + length.unwrap_or(0) {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some(Asked { head, body: String::from_utf8_lossy(&bytes[end..]).into_owned() })
}

/// An answer as Lambda gives it.
pub(super) fn answer(status: u16, headers: &str, body: &str) -> Act {
    let length = body.len();
    Act::Send(format!("HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{headers}\r\n{body}"))
}

/// A refusal as Lambda gives it.
pub(super) fn refusal(status: u16, code: &str, message: &str) -> Act {
    answer(status, &format!("x-amzn-errortype: {code}\r\nx-amzn-requestid: abc-1\r\n"), &format!(r#"{{"message":"{message}"}}"#))
}
