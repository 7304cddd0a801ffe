//! A relay on port 0 and clients for it.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt};
use relay::agents::{Agents, Token};
use relay::server::{self, Config};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::StatusCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};
use tokio_util::sync::CancellationToken;
use tunnel::instance::InstanceNonce;
use tunnel::leg::port::{Notice, sync};
use tunnel::ticket::{Ticket, TicketHash};

/// Longer than anything here takes: a test that hangs says where.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A port of 127.0.0.1 that nobody listens on and nobody else is given, as long as this lives. Servers that allow the reuse of
/// addresses, as nearly all do, may listen on it.
pub(crate) struct Port {
    pub(crate) address: SocketAddr,
    _socket: TcpSocket,
}

impl Port {
    pub(crate) fn reserved() -> Self {
        Self::of(SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    /// Keeps an address that its listener has left, or is about to leave.
    pub(crate) fn of(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_reuseaddr(true).expect("an option");
        socket.bind(address).expect("bind");
        Self { address: socket.local_addr().expect("an address"), _socket: socket }
    }
}

pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    pub(crate) token: Token,
    pub(crate) shutdown: CancellationToken,
    pub(crate) task: JoinHandle<std::io::Result<()>>,
}

impl Relay {
    pub(crate) async fn start() -> Self {
        Self::with(|_| ()).await
    }

    pub(crate) async fn with(edit: impl FnOnce(&mut Config)) -> Self {
        let token = Token::mint();
        let mut config = Config::plain(Agents::single("laptop", &token).expect("name"));
        edit(&mut config);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
        let address = listener.local_addr().expect("address");
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(server::run(listener, config, shutdown.clone()));
        Self { address, token, shutdown, task }
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("connected")
    }

    pub(crate) fn agent_request(&self, hash: TicketHash) -> Request {
        agent_request(self.address, self.token.expose(), &hash.to_string())
    }

    pub(crate) fn function_request(&self, ticket: &Ticket, instance: InstanceNonce) -> Request {
        function_request(self.address, &ticket.to_hex(), &instance.to_string())
    }

    pub(crate) async fn open(&self, request: Request) -> Result<Leg, StatusCode> {
        open(self.connect().await, request).await
    }

    pub(crate) async fn agent(&self, ticket: &Ticket) -> Leg {
        self.open(self.agent_request(ticket.hash())).await.expect("an agent's leg")
    }

    pub(crate) async fn function(&self, ticket: &Ticket, instance: InstanceNonce) -> Leg {
        self.open(self.function_request(ticket, instance)).await.expect("a function's leg")
    }

    /// Two legs of one tunnel that both know of each other, and have answered.
    pub(crate) async fn pair(&self, ticket: &Ticket, instance: InstanceNonce) -> (Leg, Leg) {
        let mut agent = self.agent(ticket).await;
        assert_eq!(agent.notice().await, Notice::Down);
        let mut function = self.function(ticket, instance).await;
        agent.synced().await;
        function.synced().await;
        (agent, function)
    }

    /// Sends `head` as it stands and reads the whole answer.
    pub(crate) async fn raw(&self, head: &str) -> String {
        exchange(self.connect().await, head).await
    }
}

pub(crate) async fn exchange(mut io: impl AsyncRead + AsyncWrite + Unpin, head: &str) -> String {
    io.write_all(head.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    let mut chunk = [0; 1024];
    // Up to the end of a head that is not followed by one of the connection, or to the end of the connection.
    while !answer.starts_with(b"HTTP/1.1 101") || !answer.ends_with(b"\r\n\r\n") {
        match io.read(&mut chunk).await {
            // A reset comes after an answer to a request that was not read whole.
            Ok(0) | Err(_) => break,
            Ok(count) => answer.extend_from_slice(&chunk[..count]),
        }
    }
    String::from_utf8(answer).expect("text")
}

pub(crate) fn agent_request(address: SocketAddr, token: &str, hash: &str) -> Request {
    request(&format!("ws://{address}/v1/agent"), &[("authorization", &format!("Bearer {token}")), ("x-tunnel", hash)])
}

pub(crate) fn function_request(address: SocketAddr, ticket: &str, instance: &str) -> Request {
    request(&format!("ws://{address}/v1/function"), &[("authorization", &format!("Bearer {ticket}")), ("x-instance", instance)])
}

fn request(url: &str, headers: &[(&'static str, &str)]) -> Request {
    let mut request = url.into_client_request().expect("request");
    let all = request.headers_mut();
    all.insert("sec-websocket-protocol", "awslambdaproxy.v1".parse().expect("header"));
    for (name, value) in headers {
        all.insert(*name, value.parse().expect("header"));
    }
    request
}

pub(crate) async fn open<T>(io: T, request: Request) -> Result<Leg<T>, StatusCode>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    match tokio::time::timeout(PATIENCE, client_async(request, io)).await.expect("an answer in time") {
        Ok((ws, answer)) => {
            assert_eq!(answer.headers()["sec-websocket-protocol"], "awslambdaproxy.v1");
            Ok(Leg { ws, got: BytesMut::new() })
        }
        Err(Error::Http(answer)) => Err(answer.status()),
        Err(error) => panic!("neither accepted nor refused: {error}"),
    }
}

/// One leg, as its end sees it.
pub(crate) struct Leg<T = TcpStream> {
    pub(crate) ws: WebSocketStream<T>,
    /// Payload that was received and not asked for yet.
    got: BytesMut,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Leg<T> {
    /// The next message that is no ping; `None` when the relay has hung up.
    pub(crate) async fn next(&mut self) -> Option<Message> {
        loop {
            match tokio::time::timeout(PATIENCE, self.ws.next()).await.expect("something in time")? {
                Ok(Message::Ping(_) | Message::Pong(_)) => {}
                Ok(message) => return Some(message),
                Err(_) => return None,
            }
        }
    }

    pub(crate) async fn notice(&mut self) -> Notice {
        let message = self.next().await.expect("a notice");
        Notice::parse(message.to_text().expect("text")).expect("a notice")
    }

    /// Waits for `up`, answers it, and returns the pairing.
    pub(crate) async fn synced(&mut self) -> u64 {
        loop {
            if let Notice::Up { pairing } = self.notice().await {
                self.text(sync(pairing)).await;
                return pairing;
            }
        }
    }

    pub(crate) async fn text(&mut self, text: impl Into<String>) {
        self.ws.send(Message::text(text.into())).await.expect("sent");
    }

    pub(crate) async fn binary(&mut self, data: impl Into<Bytes>) {
        self.ws.send(Message::Binary(data.into())).await.expect("sent");
    }

    /// Waits until the relay has taken all that was sent. Nothing else may come in between.
    pub(crate) async fn settled(&mut self) {
        self.ws.send(Message::Ping(Bytes::from_static(b"settled?"))).await.expect("sent");
        loop {
            match tokio::time::timeout(PATIENCE, self.ws.next()).await.expect("in time") {
                Some(Ok(Message::Pong(_))) => return,
                Some(Ok(Message::Ping(_))) => {}
                other => panic!("a pong was expected, came {other:?}"),
            }
        }
    }

    pub(crate) async fn received(&mut self) -> Bytes {
        match self.next().await {
            Some(Message::Binary(data)) => data,
            other => panic!("binary was expected, came {other:?}"),
        }
    }

    /// The next bytes of payload, in whatever messages they come.
    pub(crate) async fn received_bytes(&mut self, count: usize) -> Bytes {
        while self.got.len() < count {
            let more = self.received().await;
            self.got.extend_from_slice(&more);
        }
        self.got.split_to(count).freeze()
    }

    /// Reads to the end, which must come next, and returns its code.
    pub(crate) async fn closed(&mut self) -> Option<u16> {
        match self.next().await {
            Some(Message::Close(frame)) => frame.map(|frame| frame.code.into()),
            None => None,
            other => panic!("a close was expected, came {other:?}"),
        }
    }

    /// Closes with `code` and waits until the relay has hung up.
    pub(crate) async fn close(&mut self, code: u16) {
        let frame = tokio_tungstenite::tungstenite::protocol::CloseFrame { code: code.into(), reason: "".into() };
        self.ws.close(Some(frame)).await.expect("sent");
        while self.next().await.is_some() {}
    }
}
