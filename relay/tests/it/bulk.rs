//! One tunnel as fast as it goes, over TLS: all of it comes, and what it costs the relay is told.

use std::time::Instant;

use futures_util::SinkExt;
use tokio_tungstenite::tungstenite::Message;

use crate::watched::Watched;

/// What passes, MiB; `AWSLAMBDAPROXY_BULK_MIB` says another number.
const MIB: usize = 64;
/// As an end's messages are: a little less than 64 KiB.
const MESSAGE: usize = 65_431;

#[tokio::test]
async fn bulk_passes_whole() {
    let mib = std::env::var("AWSLAMBDAPROXY_BULK_MIB").ok().and_then(|mib| mib.parse().ok()).unwrap_or(MIB);
    let messages = mib * 1024 * 1024 / MESSAGE;
    let relay = Watched::start("").await;
    let (mut agent, mut function) = relay.target.pair(1).await;
    let (before, begun) = (relay.figures(), Instant::now());
    let sending = async move {
        let data = bytes::Bytes::from(vec![7; MESSAGE]);
        for _ in 0..messages {
            agent.ws.feed(Message::Binary(data.clone())).await.expect("sent");
        }
        agent.ws.flush().await.expect("sent");
        agent
    };
    let receiving = async {
        let mut left = messages * MESSAGE;
        while left > 0 {
            left = left.checked_sub(function.received().await.len()).expect("no more than was sent");
        }
    };
    let (_agent, ()) = tokio::join!(sending, receiving);
    let (after, took) = (relay.figures(), begun.elapsed().as_secs_f64());
    let bytes = (messages * MESSAGE) as f64;
    eprintln!(
        "bulk over TLS: {:.0} MB/s, {:.2} CPU-s/GB of the relay; memory +{} KiB",
        bytes / 1e6 / took,
        (after.cpu - before.cpu).as_secs_f64() / (bytes / 1e9),
        after.memory_kib.saturating_sub(before.memory_kib),
    );
}
