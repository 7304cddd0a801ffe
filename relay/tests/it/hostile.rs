//! Clients that mean ill, each from an address of its own, against the real program: they get the right answer, cost a
//! bounded amount, and an honest tunnel goes on.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use futures_util::{SinkExt, StreamExt};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tunnel::instance::InstanceNonce;
use tunnel::ticket::Ticket;

use crate::support::{PATIENCE, agent_request, open};
use crate::watched::{Target, TlsLeg, Watched};

/// The attacker's address on loopback.
const ATTACKER: u8 = 66;
/// Connections of a crowd, here; a soak takes ten thousand.
const CROWD: usize = 1500;

/// How many times more a soak asks for.
fn more() -> usize {
    std::env::var("AWSLAMBDAPROXY_SOAK").ok().and_then(|times| times.parse().ok()).unwrap_or(1)
}

#[tokio::test]
async fn slow_tls() {
    Watched::start("")
        .await
        .withstands("slow TLS", |target| async move {
            // A record that promises 4 KiB of a ClientHello.
            drip(&target, CROWD / 4, &[0x16, 3, 1, 0x10, 0], false).await;
        })
        .await;
}

#[tokio::test]
async fn slow_head() {
    Watched::start("")
        .await
        .withstands("slow head", |target| async move {
            drip(&target, CROWD / 10, b"GET /v1/agent HTTP/1.1\r\nX-Slow: ", true).await;
        })
        .await;
}

/// Many connections that begin and then send a byte now and then.
async fn drip(target: &Target, count: usize, begin: &[u8], tls: bool) {
    let mut crowd: Vec<Box<dyn tokio::io::AsyncWrite + Unpin>> = Vec::new();
    for _ in 0..count {
        // One that gave way to a newer one is gone; that is its end.
        crowd.push(if tls { Box::new(target.tls(ATTACKER).await) } else { Box::new(target.tcp(ATTACKER).await) });
        let newest = crowd.last_mut().expect("just pushed");
        let _gone = newest.write_all(begin).await;
    }
    for _ in 0..10 {
        for io in &mut crowd {
            let _gone = async { io.write_all(b"x").await.and(io.flush().await) }.await;
        }
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn an_endless_head() {
    Watched::start("")
        .await
        .withstands("endless head", |target| async move {
            for _ in 0..10 {
                let mut io = target.tls(ATTACKER).await;
                io.write_all(b"GET /v1/agent HTTP/1.1\r\n").await.expect("sent");
                let line = [b"X-Long: ", &[b'x'; 1000][..], b"\r\n"].concat();
                let mut sent = 0;
                while timeout(PATIENCE, io.write_all(&line)).await.expect("in time").is_ok() && sent < 64 * 1024 * 1024 {
                    sent += line.len();
                }
                assert!(sent < 16 * 1024 * 1024, "only what the kernel takes");
            }
        })
        .await;
}

/// A leg of the attacker's own, past its notice.
async fn leg(target: &Target) -> TlsLeg {
    let mut leg = target.agent(ATTACKER, &target.token, &Ticket::mint()).await.expect("a leg");
    leg.notice().await;
    leg
}

/// Sends bytes as they are; the close code that comes.
async fn answer(target: &Target, wire: &[u8]) -> Option<u16> {
    let mut leg = leg(target).await;
    let io = leg.ws.get_mut();
    // It may be closed before all is sent.
    let _closed = async { io.write_all(wire).await.and(io.flush().await) }.await;
    leg.closed().await
}

#[tokio::test]
async fn frames_that_break_the_rules_and_giant_ones() {
    Watched::start("")
        .await
        .withstands("broken frames", |target| async move {
            let giant = [&[0x82, 0xff, 0x7f][..], &[0xff; 7], &[0; 100_000]].concat();
            let fragment = [&[0x02, 0xfe, 0x10, 0, 0, 0, 0, 0][..], &[7; 4096]].concat();
            let fragments = [&fragment[..], &[&[0x00], &fragment[1..]].concat().repeat(40)].concat();
            for _ in 0..10 {
                assert_eq!(answer(&target, &giant).await, Some(1009));
                assert_eq!(answer(&target, &fragments).await, Some(1009));
                assert_eq!(answer(&target, &[0x82, 1, b'x']).await, Some(1002), "unmasked");
                assert_eq!(answer(&target, &[0xc2, 0x80, 0, 0, 0, 0]).await, Some(1002), "a reserved bit");
                assert_eq!(answer(&target, &[0x81, 0x81, 0, 0, 0, 0, 0xff]).await, Some(1007), "no UTF-8");
                assert_eq!(
                    answer(&target, &[&[0x81, 0xfe, 0x10, 0, 0, 0, 0, 0][..], &[b'x'; 4096]].concat()).await,
                    Some(1009),
                    "a long text"
                );
            }
        })
        .await;
}

#[tokio::test]
async fn fragments_without_end_and_without_content() {
    Watched::start("")
        .await
        .withstands("empty fragments", |target| async move {
            let mut leg = leg(&target).await;
            let empty = [0x00, 0x80, 0, 0, 0, 0].repeat(10_000);
            let io = leg.ws.get_mut();
            io.write_all(&[0x02, 0x80, 0, 0, 0, 0]).await.expect("sent");
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_secs(1) {
                io.write_all(&empty).await.expect("taken");
            }
        })
        .await;
}

#[tokio::test]
async fn floods_of_pings() {
    Watched::start("")
        .await
        .withstands("ping floods", |target| async move {
            for _ in 0..20 {
                let (mut sink, mut stream) = leg(&target).await.ws.split();
                let flood = async { while sink.send(Message::Ping(vec![7; 100].into())).await.is_ok() {} };
                let close = async {
                    loop {
                        match timeout(PATIENCE, stream.next()).await.expect("in time") {
                            Some(Ok(Message::Close(frame))) => return frame.map(|frame| u16::from(frame.code)),
                            Some(Ok(_)) => {}
                            // The relay has said so and hung up, and the flood went on.
                            Some(Err(_)) | None => return None,
                        }
                    }
                };
                let code = tokio::select! { code = close => code, () = flood => None };
                assert!(code.is_none_or(|code| code == 1013), "{code:?}");
            }
        })
        .await;
}

#[tokio::test]
async fn a_crowd_that_says_nothing() {
    Watched::start("")
        .await
        .withstands("silent crowd", |target| async move {
            let mut crowd = Vec::new();
            for _ in 0..(CROWD * more()).min(10_000) {
                crowd.push(target.tcp(ATTACKER).await);
            }
            sleep(Duration::from_millis(500)).await;
            let mut nothing = [0; 1];
            assert!(matches!(crowd[0].read(&mut nothing).await, Ok(0) | Err(_)), "the oldest gave way");
        })
        .await;
}

#[tokio::test]
async fn the_wrong_subprotocol_again_and_again() {
    Watched::start("")
        .await
        .withstands("wrong subprotocol", |target| async move {
            for _ in 0..100 {
                let mut request = agent_request(target.address, &target.token, &Ticket::mint().hash().to_string());
                request.headers_mut().insert("sec-websocket-protocol", "chat".parse().expect("header"));
                assert_eq!(open(target.tls(ATTACKER).await, request).await.err().expect("refused"), 426);
            }
        })
        .await;
}

#[tokio::test]
async fn tickets_that_are_guessed() {
    Watched::start("")
        .await
        .withstands("guessed tickets", |target| async move {
            let (mut unknown, mut over) = (0, 0);
            for _ in 0..12 {
                let guesses =
                    (0..50).map(|_| async { target.function(ATTACKER, &Ticket::mint(), InstanceNonce::mint()).await.err() });
                for status in join_all(guesses).await {
                    match status.expect("refused").as_u16() {
                        404 => unknown += 1,
                        429 => over += 1,
                        other => panic!("{other}"),
                    }
                }
            }
            assert!(unknown >= 500, "{unknown}: so many are honest");
            assert!(over > 0 || unknown == 600, "{unknown} and {over}");
            // Who has a good one is let in from there all the same.
            target.pair(ATTACKER).await;
        })
        .await;
}

#[tokio::test]
async fn tokens_that_are_guessed() {
    Watched::start("")
        .await
        .withstands("guessed tokens", |target| async move {
            let begun = Instant::now();
            let mut guesses: FuturesUnordered<_> =
                (0..12).map(|_| async { target.agent(ATTACKER, "guessed", &Ticket::mint()).await.err() }).collect();
            for _ in 0..5 {
                assert_eq!(guesses.next().await.expect("an answer").expect("refused"), 401);
            }
            let slowed = Duration::from_secs(1);
            let good = async {
                let begun = Instant::now();
                leg(&target).await;
                begun.elapsed()
            };
            let (good, statuses) = tokio::join!(good, guesses.collect::<Vec<_>>());
            assert!(statuses.into_iter().all(|status| status.expect("refused") == 401));
            assert!(begun.elapsed() >= slowed, "{:?}: they are slowed", begun.elapsed());
            assert!(good < slowed, "{good:?}: a good token from there is not");
        })
        .await;
}

#[tokio::test]
async fn taking_the_place_of_a_leg_without_its_secret() {
    Watched::start("")
        .await
        .withstands("superseding", |target| async move {
            let ticket = Ticket::mint();
            let mut agent = target.agent(2, &target.token, &ticket).await.expect("honest");
            let mut function = target.function(2, &ticket, InstanceNonce::mint()).await.expect("honest");
            agent.synced().await;
            function.synced().await;
            for _ in 0..3 {
                assert_eq!(target.agent(ATTACKER, "wrong", &ticket).await.err().expect("refused"), 401);
                assert_eq!(target.function(ATTACKER, &Ticket::mint(), InstanceNonce::mint()).await.err().expect("refused"), 404);
                assert_eq!(target.function(ATTACKER, &ticket, InstanceNonce::mint()).await.err().expect("refused"), 409);
            }
            agent.binary("still").await;
            assert_eq!(function.received_bytes(5).await, "still");
        })
        .await;
}

#[tokio::test]
async fn reading_slower_than_the_peer_writes() {
    Watched::start("")
        .await
        .withstands("slow readers", |target| async move {
            let mut held = Vec::new();
            for _ in 0..10 {
                let (mut agent, function) = target.pair(ATTACKER).await;
                let data = vec![7; 64 * 1024];
                while timeout(Duration::from_millis(200), agent.ws.send(Message::Binary(data.clone().into()))).await.is_ok() {}
                held.push((agent, function));
            }
        })
        .await;
}

#[tokio::test]
async fn a_relay_without_descriptors_waits_for_them_without_spinning() {
    let relay = Watched::start("").await;
    let (mut agent, mut function) = relay.target.pair(1).await;
    let before = relay.figures();
    let pid = Pid::from_raw(relay.pid()).expect("a pid");
    let maximum = getrlimit(Resource::Nofile).maximum;
    let few = Some(u64::try_from(before.descriptors).expect("few"));
    let old = prlimit(Some(pid), Resource::Nofile, Rlimit { current: few, maximum }).expect("lowered");
    let waiting: Vec<_> = join_all((0..20).map(|_| relay.target.tcp(ATTACKER))).await;
    sleep(Duration::from_secs(2)).await;
    let spent = relay.figures().cpu - before.cpu;
    assert!(spent < Duration::from_millis(500), "{spent:?} in 2 s");
    agent.binary("what stands goes on").await;
    assert_eq!(function.received_bytes(19).await, "what stands goes on");
    assert!(relay.log().contains("no connection can be accepted"), "{}", relay.log());
    prlimit(Some(pid), Resource::Nofile, old).expect("raised");
    drop(waiting);
    relay.target.pair(1).await;
}
