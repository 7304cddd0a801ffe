//! CONNECT: opened, refused, and what passes through it.

use crate::world::{Options, Peer, Site, World, rule, within};
use agent::routing::Via;
use tunnel::outcome::ProxyError;

async fn connected(world: &World, site: &Site) -> (Peer, Peer) {
    let authority = site.authority();
    let mut client = world.ask(format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n")).await;
    client.expect("HTTP/1.1 200 Connection Established\r\n\r\n").await;
    (client, site.accept().await)
}

#[tokio::test]
async fn bytes_sent_along_with_connect_reach_the_site() {
    let (world, site) = (World::with_exit().await, Site::new().await);
    let mut client = world.ask(format!("CONNECT {} HTTP/1.1\r\n\r\nearly", site.authority())).await;
    let mut far = site.accept().await;
    far.expect("early").await;
    client.expect("HTTP/1.1 200 Connection Established\r\n\r\n").await;
    far.send("answer").await;
    client.expect("answer").await;
}

#[tokio::test]
async fn half_close_passes_both_ways() {
    let (world, site) = (World::with_exit().await, Site::new().await);
    let (mut client, mut far) = connected(&world, &site).await;
    client.send("request").await;
    client.finish().await;
    assert_eq!(far.until_end().await, "request");
    far.send("late answer").await;
    far.finish().await;
    assert_eq!(client.until_end().await, "late answer");

    let (mut client, mut far) = connected(&world, &site).await;
    far.finish().await;
    assert_eq!(client.until_end().await, "");
    client.send("still here").await;
    client.finish().await;
    assert_eq!(far.until_end().await, "still here");
}

#[tokio::test]
async fn a_reset_of_one_end_is_a_reset_at_the_other() {
    let (world, site) = (World::with_exit().await, Site::new().await);
    let (mut client, far) = connected(&world, &site).await;
    far.reset();
    client.until_reset().await;
    let (client, mut far) = connected(&world, &site).await;
    client.reset();
    far.until_reset().await;
}

#[tokio::test]
async fn a_lost_tunnel_is_a_reset_at_the_client() {
    let (world, site) = (World::without_exits(Options::default()).await, Site::new().await);
    let exit = world.add_exit("one", "here", crate::world::Manner::Connects).await;
    let (mut client, _far) = connected(&world, &site).await;
    exit.die().await;
    client.until_reset().await;
}

#[tokio::test]
async fn a_cut_resets_what_still_runs() {
    let (world, site) = (World::with_exit().await, Site::new().await);
    let (mut client, mut far) = connected(&world, &site).await;
    world.shutdown.stop.cancel();
    client.send("still served").await;
    far.expect("still served").await;
    world.shutdown.cut.cancel();
    client.until_reset().await;
    far.until_reset().await;
}

#[tokio::test]
async fn every_refusal_of_the_exit_reaches_the_client() {
    let world = World::with_exit().await;
    for error in ProxyError::ALL {
        let mut client = world.ask(format!("CONNECT {}.test:443 HTTP/1.1\r\n\r\n", error.token())).await;
        let answer = client.until_end().await;
        let status = error.status();
        assert!(answer.starts_with(&format!("HTTP/1.1 {} ", status.as_u16())), "{answer}");
        assert!(answer.contains(&format!("\r\nProxy-Status: awslambdaproxy; error={};", error.token())), "{answer}");
    }
    assert_eq!(world.proxy.counters.failed(), 12);
}

#[tokio::test]
async fn credentials_are_asked_for_and_never_passed_on() {
    let world = World::with_exit_and(Options { credentials: true, ..Options::default() }).await;
    let site = Site::new().await;
    let request = |line: &str| format!("CONNECT {} HTTP/1.1\r\n{line}\r\n", site.authority());
    for wrong in ["", "Proxy-Authorization: Basic dXNlcjp3cm9uZw==\r\n", "Authorization: Basic dXNlcjpzZWNyZXQ=\r\n"] {
        let answer = world.ask(request(wrong)).await.until_end().await;
        assert!(answer.starts_with("HTTP/1.1 407 Proxy Authentication Required\r\n"), "{answer}");
        assert!(answer.contains("\r\nProxy-Authenticate: Basic realm="), "{answer}");
    }
    assert!(site.is_left_alone().await);
    let mut client = world.ask(request("Proxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n")).await;
    client.expect("HTTP/1.1 200 ").await;

    let proof = "Proxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n";
    let (mut far, authority) = (site.accept().await, site.authority());
    drop(client);
    within(far.until_closed()).await;
    let _client = world.ask(format!("GET http://{authority}/ HTTP/1.1\r\nHost: x\r\n{proof}X: y\r\n\r\n")).await;
    assert_eq!(site.accept().await.head().await, format!("GET / HTTP/1.1\r\nHost: {authority}\r\nX: y\r\n\r\n"));
}

#[tokio::test]
async fn rules_send_direct_or_nowhere() {
    let rules = vec![rule("127.0.0.1", Via::Direct), rule("localhost", Via::Direct), rule("*.blocked.test", Via::Block)];
    let world = World::without_exits(Options { rules, ..Options::default() }).await;
    let site = Site::new().await;
    for host in ["127.0.0.1", "localhost"] {
        let mut client = world.ask(format!("CONNECT {host}:{} HTTP/1.1\r\n\r\nhello", site.port())).await;
        client.expect("HTTP/1.1 200 Connection Established\r\n\r\n").await;
        let mut far = site.accept().await;
        client.finish().await;
        assert_eq!(far.until_end().await, "hello");
        far.send("bye").await;
        far.finish().await;
        assert_eq!(client.until_end().await, "bye");
        let mut client = world.ask(format!("CONNECT {host}:{} HTTP/1.1\r\n\r\n", site.port())).await;
        client.expect("HTTP/1.1 200 Connection Established\r\n\r\n").await;
        site.accept().await.reset();
        client.until_reset().await;
    }
    let blocked = world.ask("CONNECT a.blocked.test:1 HTTP/1.1\r\n\r\n").await.until_end().await;
    assert!(blocked.starts_with("HTTP/1.1 403 ") && blocked.contains("error=http_request_denied"), "{blocked}");
    for own in ["127.0.0.1", "localhost"] {
        let answer = world.ask(format!("CONNECT {own}:{} HTTP/1.1\r\n\r\n", world.address.port())).await.until_end().await;
        assert!(answer.starts_with("HTTP/1.1 502 ") && answer.contains("error=proxy_loop_detected"), "{answer}");
    }
    let stats = world.proxy.counters.stats();
    assert_eq!((stats.entered, stats.bytes_up, stats.bytes_down), (4, 10, 6));
}

#[tokio::test]
async fn three_hundred_tunnels_at_once_carry_their_own_bytes() {
    let (world, site) = (World::with_exit().await, Site::new().await);
    let echo = async {
        for _ in 0..300 {
            let mut far = site.accept().await;
            tokio::spawn(async move {
                let request = far.until_end().await;
                far.send(request).await;
            });
        }
    };
    let clients = async {
        let mut clients = Vec::new();
        for number in 0..300 {
            clients.push((number, world.ask(format!("CONNECT {} HTTP/1.1\r\n\r\n{number}", site.authority())).await));
        }
        for (_, client) in &mut clients {
            client.expect("HTTP/1.1 200 Connection Established\r\n\r\n").await;
            client.finish().await;
        }
        for (number, client) in &mut clients {
            assert_eq!(client.until_end().await, number.to_string());
        }
    };
    tokio::join!(echo, clients);
}

#[tokio::test]
async fn five_thousand_tunnels_200_at_once_leave_no_task_behind() {
    let (world, site) = (World::with_exit().await, Site::new().await);
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let at_rest = tasks();
    for _ in 0..25 {
        let mut pairs = Vec::new();
        for _ in 0..200 {
            pairs.push(connected(&world, &site).await);
        }
        assert!(tasks() >= at_rest + 200, "each connection is a task");
        for (number, (mut client, far)) in pairs.into_iter().enumerate() {
            match number % 4 {
                0 => client.reset(),
                1 => far.reset(),
                2 => drop((client, far)),
                _ => {
                    client.finish().await;
                    drop(far);
                    client.until_end().await;
                }
            }
        }
    }
    within(async {
        while tasks() > at_rest {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
