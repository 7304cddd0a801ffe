//! Plain HTTP: what passes, and how it looks on the other side.

use crate::world::{Manner, Options, Peer, Site, World, within};

fn get(site: &Site, path: &str) -> String {
    format!("GET http://{}{path} HTTP/1.1\r\nHost: {}\r\n\r\n", site.authority(), site.authority())
}

async fn asked(world: &World, site: &Site) -> (Peer, Peer) {
    let client = world.ask(get(site, "/")).await;
    let mut far = site.accept().await;
    far.head().await;
    (client, far)
}

#[tokio::test]
async fn connections_are_kept_on_both_sides() {
    let (world, site) = (World::with_exit().await, Site::new().await);
    let mut client = world.ask(get(&site, "/1")).await;
    let mut far = site.accept().await;
    for number in 1..4 {
        assert_eq!(far.head().await, format!("GET /{number} HTTP/1.1\r\nHost: {}\r\n\r\n", site.authority()));
        far.send("HTTP/1.1 200 OK\r\nX-Order: 1\r\nserver: x\r\nSet-Cookie: a\r\nContent-Length: 2\r\nSet-Cookie: b\r\n\r\nok")
            .await;
        client
            .expect("HTTP/1.1 200 OK\r\nX-Order: 1\r\nserver: x\r\nSet-Cookie: a\r\nContent-Length: 2\r\nSet-Cookie: b\r\n\r\nok")
            .await;
        client.send(get(&site, &format!("/{}", number + 1))).await;
    }
    assert!(site.is_left_alone().await);
    assert_eq!(world.proxy.counters.stats().entered, 1);
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let (world, site) = (World::with_exit().await, Site::new().await);
    let mut client = world.ask([get(&site, "/1"), get(&site, "/2")].concat()).await;
    client.finish().await;
    let mut far = site.accept().await;
    for number in 1..3 {
        assert!(far.head().await.starts_with(&format!("GET /{number} ")));
        far.send(format!("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{number}")).await;
    }
    assert_eq!(client.until_end().await.split("\r\n\r\n").map(|part| &part[..1]).collect::<String>(), "H12");
}

#[tokio::test]
async fn bodies_stream_both_ways_at_once() {
    let (world, site) = (World::with_exit().await, Site::new().await);
    let head = format!("POST http://{}/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", site.authority());
    let mut client = world.ask(head).await;
    let mut far = site.accept().await;
    far.head().await;
    client.send("1\r\na\r\n").await;
    far.expect("1\r\na\r\n").await;
    far.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n").await;
    assert!(client.head().await.ends_with("\r\nTransfer-Encoding: chunked\r\n\r\n"));
    client.expect("1\r\nx\r\n").await;
    client.send("1\r\nb\r\n0\r\n\r\n").await;
    far.expect("1\r\nb\r\n0\r\n\r\n").await;
    far.send("0\r\n\r\n").await;
    client.expect("0\r\n\r\n").await;
    client.send(get(&site, "/next")).await;
    assert!(far.head().await.starts_with("GET /next "));
}

#[tokio::test]
async fn trailers_pass_both_ways() {
    let (world, site) = (World::with_exit().await, Site::new().await);
    let head = format!("POST http://{}/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", site.authority());
    let mut client = world.ask(format!("{head}3;ext=1\r\nabc\r\n0\r\nX-Sum: 1\r\nContent-Length: 9\r\n\r\n")).await;
    let mut far = site.accept().await;
    far.head().await;
    far.expect("3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n").await;
    far.send(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Declared\r\n\r\n0\r\nX-Declared: 1\r\nX-Not: 2\r\n\r\n",
    )
    .await;
    assert!(client.head().await.contains("\r\nTrailer: X-Declared\r\n"));
    client.expect("0\r\nX-Declared: 1\r\nX-Not: 2\r\n\r\n").await;
}

#[tokio::test]
async fn responses_without_a_body_leave_the_connection_usable() {
    let (world, site) = (World::with_exit().await, Site::new().await);
    let mut client = world.ask(get(&site, "/").replace("GET", "HEAD")).await;
    let mut far = site.accept().await;
    for response in ["HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"]
    {
        far.head().await;
        far.send(response).await;
        client.expect(response).await;
        client.send(get(&site, "/")).await;
    }
    far.head().await;
    far.send("HTTP/1.1 204 No Content\r\n\r\n").await;
    client.expect("HTTP/1.1 204 No Content\r\n\r\n").await;
}

#[tokio::test]
async fn interim_responses_pass() {
    let (world, site) = (World::with_exit().await, Site::new().await);
    let (mut client, mut far) = asked(&world, &site).await;
    for response in [
        "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n",
        "HTTP/1.1 102 Processing\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    ] {
        far.send(response).await;
        client.expect(response).await;
    }
}

#[tokio::test]
async fn the_site_decides_on_expect_100_continue() {
    let (world, site) = (World::with_exit().await, Site::new().await);
    let head =
        format!("PUT http://{}/ HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n", site.authority());
    let mut client = world.ask(&head).await;
    let mut far = site.accept().await;
    assert!(far.head().await.contains("\r\nExpect: 100-continue\r\n"));
    far.send("HTTP/1.1 100 Continue\r\n\r\n").await;
    client.expect("HTTP/1.1 100 Continue\r\n\r\n").await;
    client.send("body").await;
    far.expect("body").await;
    far.send("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n").await;
    client.expect("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n").await;

    client.send(&head).await;
    far.head().await;
    far.send("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n").await;
    assert_eq!(client.until_end().await, "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n");
    far.until_reset().await;
}

#[tokio::test]
async fn a_websocket_becomes_a_tunnel() {
    let (world, site) = (World::with_exit().await, Site::new().await);
    let authority = site.authority();
    let fields = "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Key: k\r\n";
    let mut client = world.ask(format!("GET http://{authority}/chat HTTP/1.1\r\nHost: a\r\n{fields}\r\nearly")).await;
    let mut far = site.accept().await;
    let expected = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: k\r\n\r\n";
    assert_eq!(far.head().await, format!("GET /chat HTTP/1.1\r\nHost: {authority}\r\n{expected}"));
    far.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nhello").await;
    client.expect("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello").await;
    far.expect("early").await;
    client.send("more").await;
    far.expect("more").await;
    far.finish().await;
    assert_eq!(client.until_end().await, "");
    client.reset();
    far.until_reset().await;
}

#[tokio::test]
async fn a_refused_upgrade_is_an_ordinary_response() {
    let (world, site) = (World::with_exit().await, Site::new().await);
    let fields = "Upgrade: websocket\r\nConnection: Upgrade\r\n";
    let mut client = world.ask(format!("GET http://{}/ HTTP/1.1\r\nHost: a\r\n{fields}\r\n", site.authority())).await;
    let mut far = site.accept().await;
    far.head().await;
    far.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno").await;
    client.expect("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno").await;
}

#[tokio::test]
async fn an_old_client_gets_one_plain_answer() {
    let (world, site) = (World::with_exit().await, Site::new().await);
    let mut client = world.ask(format!("GET http://{}/ HTTP/1.0\r\n\r\n", site.authority())).await;
    let mut far = site.accept().await;
    assert_eq!(far.head().await, format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", site.authority()));
    far.send("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n").await;
    assert_eq!(client.until_end().await, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok");
}

#[tokio::test]
async fn a_body_without_a_length_becomes_chunks() {
    let (world, site) = (World::with_exit().await, Site::new().await);
    let (mut client, mut far) = asked(&world, &site).await;
    far.send("HTTP/1.0 200 OK\n\nold").await;
    far.finish().await;
    client.expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nold\r\n0\r\n\r\n").await;
    client.send(get(&site, "/2")).await;
    site.accept().await.head().await;
}

#[tokio::test]
async fn a_kept_site_connection_is_dropped_with_its_exit() {
    let (world, site) = (World::without_exits(Options::default()).await, Site::new().await);
    let mut old = world.add_exit("old", "here", Manner::Connects).await;
    let (mut client, mut far) = asked(&world, &site).await;
    far.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    client.head().await;
    let mut new = world.add_exit("new", "here", Manner::Connects).await;
    world.proxy.pool.set_active(&old.id, false);
    far.until_closed().await;
    within(world.proxy.pool.demand().wait_for(|demand| demand.open == 0)).await.expect("published");
    client.send(get(&site, "/2")).await;
    site.accept().await.head().await;
    assert_eq!((old.asked().len(), new.asked().len()), (1, 1));
}
