//! An end that does not read bounds what the relay takes from the other.

use std::time::Duration;

use futures_util::SinkExt;
use socket2::SockRef;
use tokio::net::TcpSocket;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tunnel::instance::InstanceNonce;
use tunnel::ticket::Ticket;

use crate::support::{PATIENCE, Relay, open};

const CHUNK: usize = 64 * 1024;
/// What the kernel may hold on a loopback leg beside the relay's own few messages: its send and receive buffers grow to
/// 4 and 6 MiB by themselves, on both legs.
const MOST_HELD: usize = 24 * 1024 * 1024;

#[tokio::test]
async fn a_peer_that_does_not_read_stalls_the_writer_and_loses_nothing() {
    let relay = Relay::start().await;
    let (ticket, instance) = (Ticket::mint(), InstanceNonce::mint());
    let mut agent = relay.agent(&ticket).await;
    let socket = TcpSocket::new_v4().expect("socket");
    socket.set_recv_buffer_size(64 * 1024).expect("buffer");
    let io = socket.connect(relay.address).await.expect("connected");
    let mut function = open(io, relay.function_request(&ticket, instance)).await.expect("leg");
    function.synced().await;
    agent.synced().await;
    SockRef::from(agent.ws.get_ref()).set_send_buffer_size(64 * 1024).expect("buffer");

    // No sleep tells that a writer has stalled; only that it went on does, and it must stop doing so.
    let mut sent = 0usize;
    loop {
        let data = vec![u8::try_from(sent % 251).expect("small"); CHUNK];
        let fed = timeout(Duration::from_secs(1), agent.ws.feed(Message::Binary(data.into()))).await;
        sent += 1;
        if fed.is_err() {
            break;
        }
        assert!(sent * CHUNK < MOST_HELD, "the relay takes without end");
    }

    let reader = async {
        for expected in 0..sent - 1 {
            let data = timeout(PATIENCE, function.received_bytes(CHUNK)).await.expect("in time");
            assert!(data.iter().all(|byte| usize::from(*byte) == expected % 251), "message {expected}");
        }
    };
    let (flushed, ()) = tokio::join!(agent.ws.flush(), reader);
    flushed.expect("written");
    agent.binary("and on").await;
    // Whether the stalled message was sent in the end is the client's affair.
    let mut last = function.received_bytes(6).await;
    if last != "and on" {
        function.received_bytes(CHUNK - 6).await;
        last = function.received_bytes(6).await;
    }
    assert_eq!(last, "and on");
}
