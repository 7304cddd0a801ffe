//! Tests of what depends on time, with the clock stopped and legs in memory.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;
use tunnel::leg::port::sync;
use tunnel::limits::LEG_SILENCE;
use tunnel::ticket::Ticket;

use super::*;
use crate::admission::Limits;
use crate::metrics::{Census, Metrics};
use crate::pairing::Handle;

/// Small, so that a writer stalls at once.
const PIPE: usize = 256;

type Client = WebSocketStream<DuplexStream>;

fn start(seat: Seat, pipe: usize) -> (DuplexStream, JoinHandle<End>) {
    let (near, far) = duplex(pipe);
    (near, tokio::spawn(serve(far, seat, Buffers::default())))
}

async fn client(io: DuplexStream) -> Client {
    WebSocketStream::from_raw_socket(io, Role::Client, None).await
}

fn agent_seat(handle: &Handle, ticket: &Ticket) -> Seat {
    handle.seat_agent(&"a".parse().expect("name"), ticket.hash()).expect("seat")
}

/// The next message that is no ping.
async fn next(client: &mut Client) -> Message {
    loop {
        match client.next().await.expect("a message").expect("well-formed") {
            Message::Ping(_) => {}
            message => return message,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_leg_is_pinged_and_then_closed_with_4008() {
    let handle = Handle::new(Limits::default(), Metrics::default());
    let begin = Instant::now();
    let (mut io, leg) = start(agent_seat(&handle, &Ticket::mint()), 4096);
    let mut down = [0; 17];
    io.read_exact(&mut down).await.expect("notice");
    assert_eq!(&down[2..], br#"{"peer":"down"}"#);
    let mut ping = [0; 2];
    io.read_exact(&mut ping).await.expect("ping");
    assert_eq!((ping, begin.elapsed()), ([0x89, 0], RELAY_PING));
    assert_eq!(leg.await.expect("leg"), End::Silent);
    let mut close = [0; 6];
    io.read_exact(&mut close[..4]).await.expect("close");
    let close = if close[0] == 0x89 { [close[2], close[3], 0x0f, 0xa8] } else { [close[0], close[1], close[2], close[3]] };
    assert_eq!(close, [0x88, 2, 0x0f, 0xa8]);
    assert_eq!(handle.census(), Census { tunnels: 1, ..Census::default() });
}

#[tokio::test(start_paused = true)]
async fn a_leg_that_answers_pings_lives() {
    let handle = Handle::new(Limits::default(), Metrics::default());
    let (io, leg) = start(agent_seat(&handle, &Ticket::mint()), 4096);
    let mut client = client(io).await;
    let mut pings = 0;
    while pings < 100 {
        if client.next().await.expect("a message").expect("well-formed").is_ping() {
            pings += 1;
        }
    }
    assert!(!leg.is_finished());
    client.close(None).await.expect("closed");
    while client.next().await.is_some() {}
    assert_eq!(leg.await.expect("leg"), End::Closed(None));
}

#[tokio::test(start_paused = true)]
async fn a_leg_that_is_not_read_for_backpressure_is_pinged_and_not_taken_for_dead() {
    let handle = Handle::new(Limits::default(), Metrics::default());
    let ticket = Ticket::mint();
    let (agent_io, agent_leg) = start(agent_seat(&handle, &ticket), PIPE);
    let seat = handle.seat_function(ticket.hash(), "0".repeat(32).parse().expect("nonce")).expect("seat");
    let (function_io, function_leg) = start(seat, PIPE);
    let (mut agent, mut function) = (client(agent_io).await, client(function_io).await);
    let mut up = next(&mut agent).await;
    if up.to_string().contains("down") {
        up = next(&mut agent).await;
    }
    assert!(up.to_string().contains("up"), "{up}");
    agent.send(Message::text(sync(1))).await.expect("sync");

    // The function reads nothing, though it lives: it says so once a second.
    let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
    let silent = tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = &mut stopped => return function,
                () = sleep(Duration::from_secs(1)) => function.send(Message::Pong(Bytes::new())).await.expect("pong"),
            }
        }
    });
    let (mut sink, mut stream) = agent.split();
    let pings = tokio::spawn(async move {
        let mut pings = 0;
        while let Some(Ok(message)) = stream.next().await {
            pings += usize::from(message.is_ping());
            if pings == 12 {
                break;
            }
        }
        (stream, pings)
    });
    let flood = async {
        // More than the client's own buffer, the pipes and the relay hold together.
        for _ in 0..400 {
            sink.feed(Message::Binary(vec![7; 1000].into())).await.expect("sent");
        }
    };
    assert!(tokio::time::timeout(LEG_SILENCE * 6, flood).await.is_err(), "the writer stalls");
    assert_eq!(pings.await.expect("pings").1, 12);
    assert!(!agent_leg.is_finished() && !function_leg.is_finished());

    stop.send(()).expect("running");
    let mut function = silent.await.expect("function");
    assert!(next(&mut function).await.is_text());
    let mut got = Vec::new();
    while got.len() < 1000 {
        got.extend(next(&mut function).await.into_data());
    }
    assert!(got.iter().all(|byte| *byte == 7));
}

#[tokio::test(start_paused = true)]
async fn an_end_that_talks_without_pause_is_closed_with_1013() {
    let handle = Handle::new(Limits::default(), Metrics::default());
    let (io, leg) = start(agent_seat(&handle, &Ticket::mint()), 4096);
    let (mut sink, mut stream) = client(io).await.split();
    let flood = async { while sink.send(Message::Ping(Bytes::from_static(b"?"))).await.is_ok() {} };
    let answers = async {
        let mut pongs = 0;
        while let Some(Ok(message)) = stream.next().await {
            match message {
                Message::Pong(_) => pongs += 1,
                Message::Close(frame) => return (pongs, frame.map(|frame| frame.code.into())),
                _ => {}
            }
        }
        (pongs, None)
    };
    let (_, (pongs, code)) = tokio::join!(flood, answers);
    assert_eq!(code, Some(close::FULL));
    assert!(pongs <= 100, "{pongs}");
    assert_eq!(leg.await.expect("leg"), End::Talked);
}

/// Two legs of one tunnel that both have answered `up`, over pipes of this size.
async fn pair(handle: &Handle, pipe: usize) -> (Client, Client) {
    let ticket = Ticket::mint();
    let (agent_io, _) = start(agent_seat(handle, &ticket), pipe);
    let seat = handle.seat_function(ticket.hash(), "0".repeat(32).parse().expect("nonce")).expect("seat");
    let (function_io, _) = start(seat, pipe);
    let (mut agent, mut function) = (client(agent_io).await, client(function_io).await);
    for end in [&mut agent, &mut function] {
        while !next(end).await.to_string().contains("up") {}
        end.send(Message::text(sync(1))).await.expect("sync");
    }
    (agent, function)
}

#[tokio::test(start_paused = true)]
async fn an_agent_with_a_rate_is_read_at_that_rate_and_its_legs_live() {
    let handle = Handle::new(Limits { bytes_per_second: Some(100_000), ..Limits::default() }, Metrics::default());
    let (agent, mut function) = pair(&handle, 64 * 1024).await;
    let begin = Instant::now();
    let (mut sink, mut stream) = agent.split();
    // Nobody reads what the agent sends for as long as the rate forbids it: its pongs, too.
    let reader = tokio::spawn(async move { while let Some(Ok(_)) = stream.next().await {} });
    let writer = tokio::spawn(async move {
        for _ in 0..40 {
            sink.send(Message::Binary(vec![7; 50_000].into())).await.expect("sent");
        }
        sink
    });
    let mut got = 0;
    while got < 2_000_000 {
        got += next(&mut function).await.into_data().len();
    }
    let took = begin.elapsed();
    assert!((Duration::from_secs(17)..Duration::from_secs(22)).contains(&took), "{took:?}");
    assert!(!reader.is_finished());
    drop(writer.await.expect("all was sent"));
}
