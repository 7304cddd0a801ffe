//! What a leg is told, and when it loses its place.

use tunnel::instance::InstanceNonce;
use tunnel::leg::port::Notice;
use tunnel::ticket::Ticket;

use crate::support::Relay;

#[tokio::test]
async fn both_are_told_the_same_pairing_and_each_loss() {
    let relay = Relay::start().await;
    let (ticket, instance) = (Ticket::mint(), InstanceNonce::mint());
    let mut agent = relay.agent(&ticket).await;
    assert_eq!(agent.notice().await, Notice::Down);
    let mut function = relay.function(&ticket, instance).await;
    assert_eq!(function.notice().await, Notice::Up { pairing: 1 });
    assert_eq!(agent.notice().await, Notice::Up { pairing: 1 });

    drop(function);
    assert_eq!(agent.notice().await, Notice::Down);
    let mut function = relay.function(&ticket, instance).await;
    assert_eq!(function.notice().await, Notice::Up { pairing: 2 });
    assert_eq!(agent.notice().await, Notice::Up { pairing: 2 });

    drop(agent);
    assert_eq!(function.notice().await, Notice::Down);
    let mut agent = relay.agent(&ticket).await;
    assert_eq!(agent.notice().await, Notice::Up { pairing: 3 });
    assert_eq!(function.notice().await, Notice::Up { pairing: 3 });
}

#[tokio::test]
async fn a_newer_leg_takes_the_older_ones_place() {
    let relay = Relay::start().await;
    let (ticket, instance) = (Ticket::mint(), InstanceNonce::mint());
    let (mut agent, mut function) = relay.pair(&ticket, instance).await;

    let mut newer = relay.agent(&ticket).await;
    assert_eq!(agent.closed().await, Some(4003));
    assert_eq!(newer.notice().await, Notice::Up { pairing: 2 });
    assert_eq!([function.notice().await, function.notice().await], [Notice::Down, Notice::Up { pairing: 2 }]);

    let mut newest = relay.function(&ticket, instance).await;
    assert_eq!(function.closed().await, Some(4003));
    assert_eq!(newest.notice().await, Notice::Up { pairing: 3 });
    assert_eq!([newer.notice().await, newer.notice().await], [Notice::Down, Notice::Up { pairing: 3 }]);
}

#[tokio::test]
async fn a_functions_1000_unbinds_nothing_and_ends_nothing() {
    let relay = Relay::start().await;
    let (ticket, instance) = (Ticket::mint(), InstanceNonce::mint());
    let (mut agent, mut function) = relay.pair(&ticket, instance).await;
    function.close(1000).await;
    assert_eq!(agent.notice().await, Notice::Down);
    let mut function = relay.function(&ticket, instance).await;
    assert_eq!(function.notice().await, Notice::Up { pairing: 2 });
}

#[tokio::test]
async fn the_close_of_a_leg_that_lost_its_place_ends_nothing() {
    let relay = Relay::start().await;
    let (ticket, instance) = (Ticket::mint(), InstanceNonce::mint());
    let (mut older, mut function) = relay.pair(&ticket, instance).await;
    let mut newer = relay.agent(&ticket).await;
    older.close(1000).await;
    assert_eq!(newer.synced().await, 2);
    assert_eq!(function.synced().await, 2);
    newer.binary("still here").await;
    assert_eq!(function.received().await, "still here");
}
