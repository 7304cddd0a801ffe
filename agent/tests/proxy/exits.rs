//! Fail closed, wait, retry, and which exit is taken.

use std::time::Duration;

use agent::exits::{Demand, ExitId, UNPAIRED_PATIENCE};
use agent::routing::Via;
use tunnel::outcome::ProxyError;

use crate::world::{Manner, Options, Peer, Site, World, rule, within};

const SHORT: Duration = Duration::from_millis(50);

async fn connect_through(world: &World, site: &Site) -> Peer {
    world.ask(format!("CONNECT {} HTTP/1.1\r\n\r\n", site.authority())).await
}

async fn opened(world: &World, site: &Site) -> (Peer, Peer) {
    let mut client = connect_through(world, site).await;
    client.expect("HTTP/1.1 200 Connection Established\r\n\r\n").await;
    (client, site.accept().await)
}

#[tokio::test]
async fn without_an_exit_a_request_fails_and_nothing_leaves_this_machine() {
    let world = World::without_exits(Options { wait: SHORT, ..Options::default() }).await;
    let site = Site::new().await;
    let port = site.port();
    for request in [
        format!("CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n"),
        format!("GET http://127.0.0.1:{port}/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
    ] {
        let answer = world.ask(request).await.until_end().await;
        assert!(answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{answer}");
        assert!(answer.contains("\r\nRetry-After: 5\r\n") && answer.contains("error=destination_unavailable"), "{answer}");
    }
    assert!(site.is_left_alone().await);
}

#[tokio::test]
async fn the_control_stream_is_out_of_every_users_reach() {
    let world = World::without_exits(Options::default()).await;
    let mut exit = world.add_exit("one", "here", Manner::Connects).await;
    for request in [
        "CONNECT control.awslambdaproxy.invalid:1 HTTP/1.1\r\n\r\n",
        "CONNECT Control.AWSLambdaProxy.Invalid.:1 HTTP/1.1\r\n\r\n",
        "POST http://control.awslambdaproxy.invalid:1/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ] {
        let answer = world.ask(request).await.until_end().await;
        assert!(answer.starts_with("HTTP/1.1 403 ") && answer.contains("error=destination_ip_prohibited"), "{answer}");
    }
    assert_eq!(exit.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn after_a_503_the_connection_takes_the_next_request() {
    let world = World::without_exits(Options { wait: SHORT, ..Options::default() }).await;
    let mut client = world.ask("GET http://a.test/ HTTP/1.1\r\nHost: a\r\n\r\n".repeat(2)).await;
    client.finish().await;
    assert_eq!(client.until_end().await.matches("HTTP/1.1 503 ").count(), 2);
}

#[tokio::test]
async fn a_waiting_request_is_published_and_served_by_the_exit_that_comes() {
    let (world, site) = (World::without_exits(Options::default()).await, Site::new().await);
    let mut demand = world.proxy.pool.demand();
    let mut client = connect_through(&world, &site).await;
    within(demand.wait_for(|demand| demand.waiting == 1)).await.expect("published");
    world.add_exit("one", "here", Manner::Connects).await;
    client.expect("HTTP/1.1 200 ").await;
    let is_open = |demand: &Demand| demand.waiting == 0 && demand.open == 1 && demand.last_asked.is_some();
    within(demand.wait_for(is_open)).await.expect("published");
    drop(client);
    within(demand.wait_for(|demand| demand.open == 0)).await.expect("published");
}

#[tokio::test]
async fn a_rule_for_a_region_waits_for_that_region() {
    let rules = vec![rule("*.test", Via::Region("there".into()))];
    let world = World::without_exits(Options { rules, ..Options::default() }).await;
    let site = Site::new().await;
    let mut here = world.add_exit("one", "here", Manner::Connects).await;
    let mut demand = world.proxy.pool.demand();
    let mut client = connect_through(&world, &site).await;
    within(demand.wait_for(|demand| demand.waiting == 1)).await.expect("published");
    let mut there = world.add_exit("two", "there", Manner::Connects).await;
    client.expect("HTTP/1.1 200 ").await;
    assert_eq!((here.asked().len(), there.asked().len()), (0, 1));
}

#[tokio::test]
async fn a_rule_for_a_region_that_is_not_there_is_answered_at_once_and_wakes_nothing() {
    let rules = vec![rule("*.test", Via::Region("mars".into()))];
    let world = World::without_exits(Options { rules, wait: Duration::from_secs(3600), ..Options::default() }).await;
    let mut client = connect_through(&world, &Site::new().await).await;
    let answer = client.until_end().await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("mars is not one of this proxy's regions"), "{answer}");
    assert_eq!(world.proxy.pool.demand().borrow().last_asked, None);
}

#[tokio::test]
async fn another_exit_is_tried_once_for_the_faults_of_an_exit() {
    let site = Site::new().await;
    for fault in ["lost", "full"] {
        let world = World::without_exits(Options { wait: SHORT, ..Options::default() }).await;
        let mut good = world.add_exit("good", "here", Manner::Connects).await;
        let full = Manner::Refuses(ProxyError::ConnectionLimitReached);
        let bad = world.add_exit("bad", "here", if fault == "full" { full } else { Manner::Connects }).await;
        if fault == "lost" {
            bad.die().await;
        }
        let (mut client, mut far) = opened(&world, &site).await;
        client.send("hello").await;
        far.expect("hello").await;
        assert_eq!(good.asked().len(), 1, "{fault}");
    }
}

#[tokio::test]
async fn after_goaway_streams_go_on_and_new_ones_go_elsewhere() {
    let (world, site) = (World::without_exits(Options::default()).await, Site::new().await);
    let mut good = world.add_exit("good", "here", Manner::Connects).await;
    let mut ending = world.add_exit("ending", "here", Manner::Connects).await;
    let (mut client, mut far) = opened(&world, &site).await;
    ending.go_away().await;
    far.send("after it").await;
    client.expect("after it").await;
    opened(&world, &site).await;
    assert_eq!((good.asked().len(), ending.asked().len()), (1, 1));
    client.send("still").await;
    far.expect("still").await;
}

#[tokio::test]
async fn an_exit_unpaired_for_a_second_is_passed_over() {
    let (world, site) = (World::without_exits(Options::default()).await, Site::new().await);
    let mut paired = world.add_exit("paired", "here", Manner::Connects).await;
    let mut away = world.add_exit("away", "here", Manner::Connects).await;
    world.proxy.pool.set_paired(&away.id, false);
    opened(&world, &site).await;
    tokio::time::pause();
    tokio::time::advance(UNPAIRED_PATIENCE).await;
    tokio::time::resume();
    opened(&world, &site).await;
    assert_eq!((paired.asked().len(), away.asked().len()), (1, 1));
    world.proxy.pool.set_paired(&away.id, true);
    opened(&world, &site).await;
    assert_eq!((paired.asked().len(), away.asked().len()), (0, 1));
}

#[tokio::test]
async fn an_interrupted_exit_is_waited_for_no_longer_than_the_wait() {
    let world = World::without_exits(Options { wait: SHORT, ..Options::default() }).await;
    let away = world.add_exit("away", "here", Manner::Silent).await;
    world.proxy.pool.set_paired(&away.id, false);
    let answer = world.ask("CONNECT a.test:1 HTTP/1.1\r\n\r\n").await.until_end().await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("error=destination_unavailable"), "{answer}");
    assert!(answer.contains("Retry-After:"), "{answer}");
}

#[tokio::test]
async fn a_request_that_an_interruption_holds_goes_to_the_exit_that_is_there() {
    for was_paired in [true, false] {
        let (world, site) = (World::without_exits(Options::default()).await, Site::new().await);
        let mut away = world.add_exit("away", "here", Manner::Silent).await;
        world.proxy.pool.set_paired(&away.id, was_paired);
        let mut client = connect_through(&world, &site).await;
        within(async {
            while away.asked().is_empty() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
        world.proxy.pool.set_paired(&away.id, false);
        let mut paired = world.add_exit("paired", "here", Manner::Connects).await;
        client.expect("HTTP/1.1 200 ").await;
        site.accept().await;
        assert_eq!((paired.asked().len(), away.asked().len()), (1, 0), "{was_paired}");
    }
}

#[tokio::test]
async fn a_client_that_goes_while_it_waits_is_no_longer_waited_for() {
    let world = World::without_exits(Options::default()).await;
    let mut demand = world.proxy.pool.demand();
    for request in ["CONNECT a.test:1 HTTP/1.1\r\n\r\n", "GET http://a.test/ HTTP/1.1\r\nHost: a\r\n\r\n"] {
        let client = world.ask(request).await;
        within(demand.wait_for(|demand| demand.waiting == 1)).await.expect("published");
        client.reset();
        within(demand.wait_for(|demand| demand.waiting == 0)).await.expect("published");
    }
}

#[tokio::test]
async fn two_bad_exits_are_enough() {
    let world = World::without_exits(Options::default()).await;
    let full = Manner::Refuses(ProxyError::ConnectionLimitReached);
    let mut exits = Vec::new();
    for id in ["one", "two", "three"] {
        exits.push(world.add_exit(id, "here", full).await);
    }
    let answer = world.ask("CONNECT a.test:1 HTTP/1.1\r\n\r\n").await.until_end().await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("error=connection_limit_reached"), "{answer}");
    assert!(answer.contains("\r\nRetry-After: 1\r\n"), "{answer}");
    let asked: usize = exits.iter_mut().map(|exit| exit.asked().len()).sum();
    assert_eq!(asked, 2);
    let problem = world.proxy.counters.problem().expect("a problem while it is recent");
    assert!(problem.code == "exit_full" && problem.hint.is_some(), "{problem:?}");
}

#[tokio::test]
async fn an_answer_about_the_site_is_not_retried() {
    let world = World::without_exits(Options::default()).await;
    let mut good = world.add_exit("good", "here", Manner::Connects).await;
    let mut bad = world.add_exit("bad", "here", Manner::Refuses(ProxyError::DnsError)).await;
    let answer = world.ask("CONNECT a.test:1 HTTP/1.1\r\n\r\n").await.until_end().await;
    assert!(answer.contains("error=dns_error"), "{answer}");
    assert_eq!((good.asked().len(), bad.asked().len()), (0, 1));
}

#[tokio::test]
async fn regions_take_turns_and_the_newest_exit_of_a_region_is_taken() {
    let (world, site) = (World::without_exits(Options::default()).await, Site::new().await);
    let mut old = world.add_exit("old", "a", Manner::Connects).await;
    let mut new = world.add_exit("new", "a", Manner::Connects).await;
    let mut other = world.add_exit("other", "b", Manner::Connects).await;
    for _ in 0..4 {
        opened(&world, &site).await;
    }
    assert_eq!((old.asked().len(), new.asked().len(), other.asked().len()), (0, 2, 2));
    world.proxy.pool.set_active(&new.id, false);
    world.proxy.pool.remove(&other.id);
    opened(&world, &site).await;
    assert_eq!((old.asked().len(), new.asked().len(), other.asked().len()), (1, 0, 0));
}

#[tokio::test]
async fn a_draining_exit_keeps_its_streams_and_counts_them() {
    let (world, site) = (World::without_exits(Options::default()).await, Site::new().await);
    let old = world.add_exit("old", "a", Manner::Connects).await;
    let (mut client, mut far) = opened(&world, &site).await;
    world.add_exit("new", "a", Manner::Connects).await;
    world.proxy.pool.set_active(&old.id, false);
    client.send("up").await;
    far.expect("up").await;
    far.send("down").await;
    client.expect("down").await;
    let view = |id: &ExitId| world.proxy.pool.exits().into_iter().find(|exit| exit.id == *id).expect("there");
    let stats = view(&old.id).streams;
    assert_eq!((stats.open, stats.bytes_up, stats.bytes_down), (1, 2, 4));
    assert!(!view(&old.id).active && view(&ExitId::from("new")).active);
    client.finish().await;
    far.finish().await;
    assert_eq!((client.until_end().await, far.until_end().await), (String::new(), String::new()));
    within(world.proxy.pool.demand().wait_for(|demand| demand.open == 0)).await.expect("published");
    let totals = world.proxy.counters.stats();
    assert_eq!((totals.open, totals.entered, totals.bytes_up, totals.bytes_down), (0, 1, 2, 4));
    assert_eq!(world.proxy.pool.remove(&old.id).map(|stats| stats.bytes_down), Some(4));
}
