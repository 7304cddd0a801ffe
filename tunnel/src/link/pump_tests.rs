//! The pump against a leg that a test holds: what a hostile relay can make it keep.

use std::future::poll_fn;

use futures_util::SinkExt;
use tokio::io::{DuplexStream, duplex};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::*;
use crate::leg::watched::Watched;
use crate::link::core::Link;

/// A pump and the relay's end of its leg, with this much room between them.
async fn pump(room: usize) -> (Pump, Shared, WebSocketStream<DuplexStream>) {
    let (near, far) = duplex(room);
    let (watched, heard) = Watched::new(Box::new(near) as Box<dyn crate::leg::dial::Io>);
    let socket = WebSocketStream::from_raw_socket(watched, Role::Client, None).await;
    let relay = WebSocketStream::from_raw_socket(far, Role::Server, None).await;
    (Pump::new(Leg { socket, heard }), Shared::new(Link::new([7; 16])), relay)
}

#[tokio::test(start_paused = true)]
async fn a_relay_that_tells_of_pairings_and_reads_nothing_makes_nothing_grow() {
    let (mut pump, shared, mut relay) = pump(64).await;
    let telling = tokio::spawn(async move {
        for pairing in 0..5_000 {
            relay.send(LegMessage::text(Notice::Up { pairing }.to_text())).await.expect("read");
        }
        relay
    });
    while timeout(Duration::from_secs(1), poll_fn(|cx| pump.poll(cx, &shared))).await.is_ok() {
        assert!(pump.control.len() <= 1, "{} messages wait", pump.control.len());
    }
    assert!(telling.is_finished(), "an end always reads its leg");
}

#[tokio::test(start_paused = true)]
async fn sync_goes_before_hello_and_both_before_a_close() {
    use futures_util::StreamExt;
    let (mut pump, shared, mut relay) = pump(4096).await;
    relay.send(LegMessage::text(Notice::Up { pairing: 3 }.to_text())).await.expect("sent");
    pump.close(1001);
    let closing =
        async { while !matches!(poll_fn(|cx| pump.poll(cx, &shared)).await, Happening::Closed(_) | Happening::Failed(_)) {} };
    let hearing = async {
        let mut heard = Vec::new();
        while let Some(Ok(message)) = relay.next().await {
            heard.push(message);
        }
        heard
    };
    let ((), heard) = tokio::join!(closing, hearing);
    assert!(heard.len() == 3 && heard[0] == LegMessage::text(sync(3)), "{heard:?}");
    assert!(heard[1].is_binary() && heard[2].is_close(), "{heard:?}");
}

/// What the other end would send first.
fn hello() -> LegMessage {
    let mut peer = Link::new([7; 16]);
    peer.paired();
    LegMessage::Binary(peer.transmit(false).expect("HELLO"))
}

#[tokio::test(start_paused = true)]
async fn a_pairing_that_follows_another_in_one_read_is_news() {
    let (mut pump, shared, mut relay) = pump(4096).await;
    let [down, first, second] = [Notice::Down, Notice::Up { pairing: 1 }, Notice::Up { pairing: 2 }];
    for notices in [&[first][..], &[down, second], &[first]] {
        for notice in notices {
            relay.feed(LegMessage::text(notice.to_text())).await.expect("fed");
        }
        relay.feed(hello()).await.expect("fed");
        relay.flush().await.expect("sent");
        for notice in notices {
            assert_eq!(poll_fn(|cx| pump.poll(cx, &shared)).await, Happening::Notice(*notice));
        }
        let next = timeout(Duration::from_secs(1), poll_fn(|cx| pump.poll(cx, &shared))).await;
        assert_eq!(next.expect("its HELLO is told"), Happening::Changed);
        assert!(shared.link().is_open());
    }
}
