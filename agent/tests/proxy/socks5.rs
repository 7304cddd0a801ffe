//! SOCKS5 on the same port.

use tokio::io::AsyncReadExt;
use tunnel::outcome::ProxyError;

use crate::world::{Options, Peer, Site, World, within};

const NO_AUTH: &[u8] = b"\x05\x01\x00";
const OPENED: [u8; 10] = [5, 0, 0, 1, 0, 0, 0, 0, 0, 0];

fn by_name(name: &str, port: u16) -> Vec<u8> {
    let length = u8::try_from(name.len()).expect("short");
    [b"\x05\x01\x00\x03".as_slice(), &[length], name.as_bytes(), &port.to_be_bytes()].concat()
}

async fn bytes<const N: usize>(client: &mut Peer) -> [u8; N] {
    let mut read = [0; N];
    within(client.0.read_exact(&mut read)).await.expect("read");
    read
}

/// Greets, asks, and gives the reply.
async fn asked(world: &World, request: &[u8]) -> (Peer, [u8; 10]) {
    let mut client = world.ask(NO_AUTH).await;
    assert_eq!(bytes(&mut client).await, [5, 0]);
    client.send(request).await;
    let reply = bytes(&mut client).await;
    (client, reply)
}

#[tokio::test]
async fn names_and_addresses_are_connected_and_early_bytes_pass() {
    let (world, site) = (World::with_exit().await, Site::new().await);
    let literal = [b"\x05\x01\x00\x01\x7f\x00\x00\x01".as_slice(), &site.port().to_be_bytes()].concat();
    for request in [by_name("site.test", site.port()), literal] {
        let (mut client, reply) = asked(&world, &[&request, b"early".as_slice()].concat()).await;
        assert_eq!(reply, OPENED);
        let mut far = site.accept().await;
        far.expect("early").await;
        client.finish().await;
        assert_eq!(far.until_end().await, "");
        far.send("late").await;
        far.finish().await;
        assert_eq!(client.until_end().await, "late");
    }
}

#[tokio::test]
async fn a_handshake_may_come_in_single_bytes_or_all_at_once() {
    let (world, site) = (World::with_exit().await, Site::new().await);
    let whole = [NO_AUTH, &by_name("site.test", site.port())].concat();
    let mut client = world.ask(&whole).await;
    assert_eq!((bytes(&mut client).await, bytes(&mut client).await), ([5, 0], OPENED));
    let mut client = world.connect().await;
    for byte in whole {
        client.send([byte]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!((bytes(&mut client).await, bytes(&mut client).await), ([5, 0], OPENED));
}

#[tokio::test]
async fn every_refusal_has_the_reply_of_the_contract() {
    let world = World::with_exit().await;
    for error in ProxyError::ALL {
        let (mut client, reply) = asked(&world, &by_name(&format!("{}.test", error.token()), 443)).await;
        assert_eq!(reply[1], error.socks_reply(), "{}", error.token());
        assert_eq!(client.until_end().await, "");
    }
    let v6 = [b"\x05\x01\x00\x04".as_slice(), &[0x20; 16], &[0, 80]].concat();
    assert_eq!(asked(&world, &v6).await.1[1], 3);
    assert_eq!(asked(&world, b"\x05\x02\x00\x01\x7f\x00\x00\x01\x00\x50").await.1[1], 7);
    assert_eq!(asked(&world, b"\x05\x03\x00\x01\x7f\x00\x00\x01\x00\x50").await.1[1], 7);
    assert_eq!(asked(&world, b"\x05\x01\x00\x09\x7f\x00\x00\x01\x00\x50").await.1[1], 8);
    assert_eq!(asked(&world, &by_name("a b", 80)).await.1[1], 1);
    assert_eq!(asked(&world, b"\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x00").await.1[1], 1);
}

#[tokio::test]
async fn a_reset_passes_both_ways() {
    let (world, site) = (World::with_exit().await, Site::new().await);
    let (mut client, _) = asked(&world, &by_name("site.test", site.port())).await;
    site.accept().await.reset();
    client.until_reset().await;
    let (client, _) = asked(&world, &by_name("site.test", site.port())).await;
    let mut far = site.accept().await;
    client.reset();
    far.until_reset().await;
}

#[tokio::test]
async fn credentials_are_asked_for() {
    let world = World::with_exit_and(Options { credentials: true, ..Options::default() }).await;
    let site = Site::new().await;
    let mut client = world.ask(NO_AUTH).await;
    assert_eq!(bytes(&mut client).await, [5, 0xFF]);
    assert_eq!(client.until_end().await, "");

    let mut client = world.ask(b"\x05\x02\x00\x02\x01\x04user\x05wrong").await;
    assert_eq!(bytes(&mut client).await, [5, 2, 1, 1]);
    assert_eq!(client.until_end().await, "");

    let mut client =
        world.ask([b"\x05\x01\x02\x01\x04user\x06secret".as_slice(), &by_name("site.test", site.port())].concat()).await;
    assert_eq!((bytes(&mut client).await, bytes(&mut client).await), ([5, 2, 1, 0], OPENED));
}

#[tokio::test]
async fn a_client_that_offers_only_a_password_is_served_where_none_is_wanted() {
    let (world, site) = (World::with_exit().await, Site::new().await);
    let mut client = world.ask([b"\x05\x01\x02\x01\x01a\x01b".as_slice(), &by_name("site.test", site.port())].concat()).await;
    assert_eq!((bytes(&mut client).await, bytes(&mut client).await), ([5, 2, 1, 0], OPENED));
}

#[tokio::test]
async fn socks4_is_refused_in_its_own_words() {
    let world = World::with_exit().await;
    let mut client = world.ask(b"\x04\x01\x00\x50\x7f\x00\x00\x01user\x00").await;
    assert_eq!(bytes(&mut client).await, [0, 0x5B, 0, 0, 0, 0, 0, 0]);
    assert_eq!(client.until_end().await, "");
}
