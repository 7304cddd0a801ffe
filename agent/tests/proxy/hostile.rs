//! Hostile and broken input: the right status or a close; nothing passes to a site, nothing hangs.

use std::time::Duration;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestRunner};

use crate::world::{Options, Peer, Site, World};

async fn answer(world: &World, request: impl AsRef<[u8]>) -> String {
    world.ask(request).await.until_end().await
}

fn status(answer: &str) -> &str {
    answer.get(9..12).unwrap_or_default()
}

#[tokio::test]
async fn a_head_that_could_be_read_in_two_ways_never_reaches_a_site() {
    let (world, site) = (World::with_exit().await, Site::new().await);
    let line = format!("POST http://{}/ HTTP/1.1\r\nHost: a\r\n", site.authority());
    let smuggled = "GET http://evil.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n";
    for fields in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 6\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: 5 5\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding : chunked\r\n",
        "X: a\r\n folded\r\n",
        "X: a\0b\r\n",
        "X: a\nY: b\r\n",
        "X: a\rY: b\r\n",
        "X\r\n",
        "Host: b\r\n",
        " X: a\r\n",
    ] {
        let answer = answer(&world, format!("{line}{fields}\r\n{smuggled}")).await;
        assert_eq!(status(&answer), "400", "{fields:?}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{fields:?}: one answer, then the end: {answer}");
    }
    let bare = format!("GET http://{}/ HTTP/1.1\nHost: a\n\n", site.authority());
    assert_eq!(status(&answer(&world, bare).await), "400");
    assert!(site.is_left_alone().await);
}

#[tokio::test]
async fn a_web_request_gets_a_hint() {
    let world = World::with_exit().await;
    for request in [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET https://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        let answer = answer(&world, request).await;
        assert_eq!(status(&answer), "400", "{answer}");
        assert!(answer.contains("proxy") && answer.contains("error=http_request_error"), "{answer}");
    }
}

#[tokio::test]
async fn oversized_heads_are_refused() {
    let world = World::with_exit().await;
    for request in [
        format!("GET http://a.test/ HTTP/1.1\r\nX: {}", "a".repeat(64 * 1024)),
        format!("GET http://a.test/{}", "a".repeat(64 * 1024)),
        format!("GET http://a.test/ HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(300)),
    ] {
        assert_eq!(status(&answer(&world, request).await), "431");
    }
}

#[tokio::test(start_paused = true)]
async fn slow_clients_are_not_waited_for() {
    let world = World::without_exits(Options::default()).await;
    let slow = async |begin: &str| {
        let started = tokio::time::Instant::now();
        let mut client = world.ask(begin).await;
        let mut read = Vec::new();
        // Not `within`, whose patience would run out first on this clock.
        let _some_end = tokio::io::AsyncReadExt::read_to_end(&mut client.0, &mut read).await;
        assert!(started.elapsed() < Duration::from_secs(13), "{begin:?}: {:?}", started.elapsed());
        String::from_utf8_lossy(&read).into_owned()
    };
    assert_eq!(slow("").await, "");
    assert_eq!(status(&slow("GET http://a.test/ HT").await), "408");
    assert_eq!(slow("\x05").await, "");
    assert_eq!(slow("\x05\x03\x00").await, "");
    assert_eq!(slow("\x05\x01\x00\x05\x01\x00\x03\x20abc").await, "\x05\x00");
}

#[tokio::test]
async fn tls_on_the_plain_port_is_closed() {
    let world = World::with_exit().await;
    assert_eq!(answer(&world, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").await, "");
}

#[tokio::test]
async fn half_greetings_and_cut_heads_end_quietly() {
    let world = World::with_exit().await;
    for half in ["\x05", "\x05\x02\x00", "GET http://a.te", "\r\n", "G"] {
        let mut client = world.ask(half).await;
        client.finish().await;
        assert_eq!(client.until_end().await, "", "{half:?}");
    }
}

#[tokio::test]
async fn malformed_chunks_of_a_request_are_refused_and_the_site_sees_no_end() {
    let (world, site) = (World::with_exit().await, Site::new().await);
    let head = format!("POST http://{}/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", site.authority());
    for chunks in ["3\r\nabcd\r\n0\r\n\r\n", "3\nabc\r\n0\r\n\r\n", "x\r\n\r\n", "3\r\nabc\r\n0\r\n folded\r\n\r\n"] {
        let mut client = world.ask(&head).await;
        let mut far = site.accept().await;
        far.head().await;
        client.send(chunks).await;
        assert_eq!(status(&client.until_end().await), "400", "{chunks:?}");
        far.until_reset().await;
    }
}

#[test]
fn any_bytes_get_an_answer_or_a_close() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    let options = || Options { wait: Duration::ZERO, ..Options::default() };
    let world = runtime.block_on(World::without_exits(options()));
    let noise = proptest::collection::vec(proptest::num::u8::ANY, 0..300);
    let nearly =
        "(GET|POST|CONNECT|\r\n) (http://)?[a-z:0-9/]{0,9} HTTP/1.[01]\r\n([a-zA-Z-]{1,18}: ?[ -~\r\n]{0,9}\r\n){0,4}\r\n.{0,20}";
    let socks = "\x05\x01[\0\x02]\x05[\0-\x04]\0[\0-\x05].{0,20}";
    let input = proptest::prop_oneof![noise, nearly.prop_map(String::into_bytes), socks.prop_map(String::into_bytes)];
    let mut runner =
        TestRunner::new_with_rng(Config::with_cases(300), proptest::test_runner::TestRng::deterministic_rng(Default::default()));
    let ended = runner.run(&input, |bytes| {
        runtime.block_on(async {
            let mut client: Peer = world.ask(bytes).await;
            client.finish().await;
            client.until_closed().await;
        });
        Ok(())
    });
    assert_eq!(ended, Ok(()));
}
