//! What is forwarded, and what must not be.

use futures_util::SinkExt;
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::Message;
use tunnel::instance::InstanceNonce;
use tunnel::leg::port::{Notice, sync};
use tunnel::limits::{LARGEST_MESSAGE, LARGEST_NOTICE};
use tunnel::ticket::Ticket;

use crate::support::Relay;

#[tokio::test]
async fn binary_passes_both_ways_up_to_the_largest_message() {
    let relay = Relay::start().await;
    let (mut agent, mut function) = relay.pair(&Ticket::mint(), InstanceNonce::mint()).await;
    for size in [1, 125, 126, 65_535, 65_536, LARGEST_MESSAGE] {
        let data: Vec<u8> = (0..size).map(|n| u8::try_from(n % 251).expect("small")).collect();
        agent.binary(data.clone()).await;
        assert_eq!(function.received_bytes(size).await, data);
        function.binary(data.clone()).await;
        assert_eq!(agent.received_bytes(size).await, data);
    }
}

#[tokio::test]
async fn a_message_is_passed_on_before_it_is_whole() {
    let relay = Relay::start().await;
    let (mut agent, mut function) = relay.pair(&Ticket::mint(), InstanceNonce::mint()).await;
    // The head of a message of five bytes, with a mask of zeros, and two of them.
    agent.ws.get_mut().write_all(&[0x82, 0x85, 0, 0, 0, 0, b'a', b'b']).await.expect("sent");
    assert_eq!(function.received_bytes(2).await, "ab");
    agent.ws.get_mut().write_all(b"cde").await.expect("sent");
    agent.settled().await;
    assert_eq!(function.received_bytes(3).await, "cde");
}

#[tokio::test]
async fn what_follows_an_answer_in_the_same_write_is_passed_on() {
    let relay = Relay::start().await;
    let (ticket, instance) = (Ticket::mint(), InstanceNonce::mint());
    let mut agent = relay.agent(&ticket).await;
    assert_eq!(agent.notice().await, Notice::Down);
    let mut function = relay.function(&ticket, instance).await;
    function.synced().await;
    assert_eq!(agent.notice().await, Notice::Up { pairing: 1 });
    agent.ws.feed(Message::Binary("thrown away".into())).await.expect("fed");
    agent.ws.feed(Message::text(sync(1))).await.expect("fed");
    agent.ws.feed(Message::Binary("passed".into())).await.expect("fed");
    agent.ws.flush().await.expect("sent");
    assert_eq!(function.received().await, "passed");
}

#[tokio::test]
async fn binary_is_thrown_away_until_the_current_pairing_was_answered() {
    let relay = Relay::start().await;
    let (ticket, instance) = (Ticket::mint(), InstanceNonce::mint());
    let mut agent = relay.agent(&ticket).await;
    assert_eq!(agent.notice().await, Notice::Down);
    agent.binary("without a peer").await;
    agent.text(sync(1)).await;
    agent.binary("answered too early").await;
    agent.settled().await;
    let mut function = relay.function(&ticket, instance).await;
    assert_eq!(function.synced().await, 1);
    assert_eq!(agent.notice().await, Notice::Up { pairing: 1 });
    agent.binary("unanswered").await;
    agent.text(sync(1)).await;
    agent.binary("one").await;
    assert_eq!(function.received().await, "one");

    drop(function);
    let mut function = relay.function(&ticket, instance).await;
    assert_eq!(function.synced().await, 2);
    assert_eq!([agent.notice().await, agent.notice().await], [Notice::Down, Notice::Up { pairing: 2 }]);
    agent.binary("of the older pairing").await;
    agent.text(sync(1)).await;
    agent.binary("by the older answer").await;
    agent.text(sync(2)).await;
    agent.binary("two").await;
    assert_eq!(function.received().await, "two");
}

#[tokio::test]
async fn what_came_before_a_clean_end_is_delivered_before_it() {
    let relay = Relay::start().await;
    for _ in 0..20 {
        let (mut agent, mut function) = relay.pair(&Ticket::mint(), InstanceNonce::mint()).await;
        agent.binary("the last acknowledgement").await;
        agent.close(1000).await;
        assert_eq!(function.received().await, "the last acknowledgement");
        assert_eq!(function.closed().await, Some(4001));

        let (mut agent, mut function) = relay.pair(&Ticket::mint(), InstanceNonce::mint()).await;
        function.binary("the last acknowledgement").await;
        function.close(1000).await;
        assert_eq!(agent.received().await, "the last acknowledgement");
        assert_eq!(agent.notice().await, Notice::Down);
    }
}

#[tokio::test]
async fn a_message_above_the_limit_closes_its_leg_with_1009_and_reaches_nobody() {
    let relay = Relay::start().await;
    let (mut agent, mut function) = relay.pair(&Ticket::mint(), InstanceNonce::mint()).await;
    agent.binary(vec![0; LARGEST_MESSAGE + 1]).await;
    assert_eq!(agent.closed().await, Some(1009));
    assert_eq!(function.notice().await, Notice::Down);

    function.text("x".repeat(LARGEST_NOTICE + 1)).await;
    assert_eq!(function.closed().await, Some(1009));
}

#[tokio::test]
async fn text_that_means_nothing_is_ignored() {
    let relay = Relay::start().await;
    let (mut agent, mut function) = relay.pair(&Ticket::mint(), InstanceNonce::mint()).await;
    for text in ["", "{}", "[]", r#"{"sync":99}"#, r#"{"newer":"word"}"#] {
        agent.text(text).await;
    }
    agent.binary("goes on").await;
    assert_eq!(function.received().await, "goes on");
}
