//! Plain HTTP: an abnormal end never looks like a clean one.

use crate::world::{Manner, Options, Peer, Site, World, within};

async fn asked_by(world: &World, site: &Site, version: &str) -> (Peer, Peer) {
    let client = world.ask(format!("GET http://{}/ HTTP/{version}\r\nHost: a\r\n\r\n", site.authority())).await;
    let mut far = site.accept().await;
    far.head().await;
    (client, far)
}

#[tokio::test]
async fn a_cut_response_ends_without_its_last_chunk() {
    let (world, site) = (World::with_exit().await, Site::new().await);
    for (response, seen) in [
        ("Content-Length: 9\r\n\r\nabc", "abc"),
        ("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "3\r\nabc\r\n"),
        ("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n5\r\nde", "3\r\nabc\r\n2\r\nde\r\n"),
    ] {
        for clean in [true, false] {
            let (mut client, mut far) = asked_by(&world, &site, "1.1").await;
            far.send(format!("HTTP/1.1 200 OK\r\n{response}")).await;
            client.head().await;
            client.expect(seen).await;
            if clean {
                far.finish().await;
            } else {
                far.reset();
            }
            assert_eq!(client.until_end().await, "", "{response:?}");
        }
    }
}

#[tokio::test]
async fn a_body_that_only_its_connection_ends_is_cut_by_a_reset() {
    let (world, site) = (World::with_exit().await, Site::new().await);
    let (mut client, mut far) = asked_by(&world, &site, "1.0").await;
    far.send("HTTP/1.1 200 OK\r\n\r\nabc").await;
    client.head().await;
    client.expect("abc").await;
    far.reset();
    client.until_reset().await;

    let (mut client, mut far) = asked_by(&world, &site, "1.1").await;
    far.send("HTTP/1.1 200 OK\r\n\r\nabc").await;
    client.head().await;
    client.expect("3\r\nabc\r\n").await;
    far.reset();
    assert_eq!(client.until_end().await, "");
}

#[tokio::test]
async fn a_lost_tunnel_cuts_the_response() {
    let (world, site) = (World::without_exits(Options::default()).await, Site::new().await);
    let exit = world.add_exit("one", "here", Manner::Connects).await;
    let (mut client, mut far) = asked_by(&world, &site, "1.1").await;
    far.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n").await;
    client.head().await;
    client.expect("3\r\nabc\r\n").await;
    exit.die().await;
    assert_eq!(client.until_end().await, "");
}

#[tokio::test]
async fn a_site_without_an_answer_is_a_terminated_connection() {
    let (world, site) = (World::with_exit().await, Site::new().await);
    for half in
        ["", "HTTP/1.1 200 OK\r\nX:", "no http\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "HTTP/1.1 101 X\r\n\r\n"]
    {
        let (mut client, mut far) = asked_by(&world, &site, "1.1").await;
        far.send(half).await;
        far.finish().await;
        let answer = client.until_end().await;
        assert!(answer.starts_with("HTTP/1.1 502 ") && answer.contains("error=connection_terminated"), "{half:?}: {answer}");
    }
}

#[tokio::test]
async fn a_kept_connection_that_the_site_closes_is_closed_to_the_client_or_replaced() {
    let (world, site) = (World::with_exit().await, Site::new().await);
    let (mut client, mut far) = asked_by(&world, &site, "1.1").await;
    far.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    client.head().await;
    client.send(format!("POST http://{}/ HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", site.authority())).await;
    far.head().await;
    drop(far);
    assert_eq!(client.until_end().await, "", "only the client knows whether it may repeat a POST");

    let (mut client, mut far) = asked_by(&world, &site, "1.1").await;
    far.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
    assert_eq!(client.head().await, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    client.send(format!("GET http://{}/ HTTP/1.1\r\nHost: a\r\n\r\n", site.authority())).await;
    site.accept().await.head().await;
}

#[tokio::test]
async fn an_early_answer_arrives_though_the_request_goes_on() {
    let (world, site) = (World::with_exit().await, Site::new().await);
    let length = 8 * 1024 * 1024;
    let mut client =
        world.ask(format!("POST http://{}/ HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n", site.authority())).await;
    client.send("begun").await;
    let mut far = site.accept().await;
    far.head().await;
    far.expect("begun").await;
    far.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig").await;
    assert_eq!(client.until_end().await, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig");
    far.until_reset().await;
}

#[tokio::test]
async fn a_client_that_goes_resets_the_site() {
    let (world, site) = (World::with_exit().await, Site::new().await);
    let (client, mut far) = asked_by(&world, &site, "1.1").await;
    client.reset();
    far.until_reset().await;

    let head = format!("POST http://{}/ HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n", site.authority());
    let mut client = world.ask(format!("{head}abc")).await;
    let mut far = site.accept().await;
    far.head().await;
    far.expect("abc").await;
    client.finish().await;
    far.until_reset().await;
    assert!(client.until_end().await.starts_with("HTTP/1.1 400 "), "the body is shorter than it said");
}

#[tokio::test]
async fn a_client_that_half_closes_still_gets_its_answer() {
    let (world, site) = (World::with_exit().await, Site::new().await);
    let (mut client, mut far) = asked_by(&world, &site, "1.1").await;
    client.finish().await;
    far.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate").await;
    assert_eq!(client.until_end().await, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate");
}

#[tokio::test]
async fn a_large_body_arrives_whole_at_a_slow_reader() {
    let (world, site) = (World::with_exit().await, Site::new().await);
    let (mut client, mut far) = asked_by(&world, &site, "1.1").await;
    let body = "0123456789abcdef".repeat(256 * 1024);
    let sent = body.clone();
    let sender = tokio::spawn(async move {
        far.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", sent.len())).await;
        far.send(sent).await;
        far
    });
    client.head().await;
    client.send("GET http://a.test/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    client.expect(&body).await;
    within(sender).await.expect("sent");
}
