//! How an invocation ends, and what becomes of the tunnel.

use std::time::Duration;

use function::exit::Invocation;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, interval, timeout};
use tunnel::answer::Ended;
use tunnel::control::{FromAgent, FromFunction};
use tunnel::identity::Identity;
use tunnel::session::client::{self, OpenError};

use crate::harness::{Begun, Tunnel, begin, connector, long, site, times, tunnel};

const MOMENT: Duration = Duration::from_secs(1);

/// Waits until the exit takes no more streams: asks for one that it always refuses until it no longer answers.
async fn goaway(tunnel: &Tunnel) {
    let mut pause = interval(Duration::from_millis(50));
    while let Err(OpenError::Refused(_)) = tunnel.opener.open("127.0.0.1:1").await {
        pause.tick().await;
    }
}

#[tokio::test]
async fn an_end_is_obeyed_although_a_stream_runs() {
    let tunnel = tunnel(long()).await;
    let mut control = tunnel.control().await;
    let (listener, authority) = site().await;
    let (stream, accepted) = tokio::join!(tunnel.opener.open(&authority), listener.accept());
    let (mut stream, mut site) = (stream.expect("opened"), accepted.expect("accepted").0);
    let ordered = Instant::now();
    control.order(FromAgent::End {}).await;
    assert!(stream.read_u8().await.is_err(), "cut, not ended");
    assert!(site.read_u8().await.is_err(), "cut, not ended");
    assert!(tunnel.opener.open(&authority).await.is_err_and(|error| error.is_worth_another_exit()));
    let outcome = tunnel.answered().await;
    assert_eq!((outcome.ended, outcome.carried.streams), (Ended::Done, 1));
    assert!(ordered.elapsed() < Duration::from_secs(10), "long before its time");
}

#[tokio::test]
async fn an_end_without_streams_ends_the_session_cleanly() {
    let mut tunnel = tunnel(long()).await;
    let mut control = tunnel.control().await;
    control.order(FromAgent::End {}).await;
    (&mut tunnel.driver).await.expect("task").expect("GOAWAY and a clean end");
    assert_eq!(tunnel.answered().await.ended, Ended::Done);
}

#[tokio::test]
async fn a_stream_may_finish_after_goaway() {
    let tunnel = tunnel(times(MOMENT, Duration::from_secs(30))).await;
    let mut control = tunnel.control().await;
    let (listener, authority) = site().await;
    let (stream, accepted) = tokio::join!(tunnel.opener.open(&authority), listener.accept());
    let (mut stream, mut site) = (stream.expect("opened"), accepted.expect("accepted").0);
    assert!(matches!(control.hear().await, Some(FromFunction::Ending { .. })));
    goaway(&tunnel).await;
    site.write_all(b"the rest").await.expect("write");
    site.shutdown().await.expect("close");
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.expect("a clean end");
    assert_eq!(rest, b"the rest");
    stream.shutdown().await.expect("close");
    assert_eq!(tunnel.answered().await.ended, Ended::NoOrder);
}

#[tokio::test]
async fn a_renewal_keeps_the_tunnel_and_its_streams_for_the_next_invocation() {
    let mut tunnel = tunnel(times(MOMENT, Duration::from_secs(5))).await;
    let mut control = tunnel.control().await;
    let (listener, authority) = site().await;
    let (stream, accepted) = tokio::join!(tunnel.opener.open(&authority), listener.accept());
    let (mut stream, mut site) = (stream.expect("opened"), accepted.expect("accepted").0);
    assert!(matches!(control.hear().await, Some(FromFunction::Ending { .. })));
    control.order(FromAgent::Renew {}).await;
    assert_eq!(control.hear().await, Some(FromFunction::Answering {}));
    assert_eq!((&mut tunnel.answer).await.expect("an answer").ended, Ended::Renewed);

    let (invocation, answer) = Invocation::new(long());
    tunnel.exit.serve(invocation).await;
    assert_eq!(control.expect_hello(tunnel.nonce).await, None, "the tunnel began long ago");
    site.write_all(b"x").await.expect("write");
    assert_eq!(stream.read_u8().await.expect("the stream runs on"), b'x');
    tunnel.answer = answer;
    control.order(FromAgent::End {}).await;
    let outcome = tunnel.answered().await;
    assert_eq!((outcome.ended, outcome.carried.bytes_down), (Ended::Done, 1));
}

#[tokio::test]
async fn unpaired_at_its_end_the_invocation_is_answered_and_the_tunnel_kept() {
    let mut tunnel = tunnel(times(MOMENT, Duration::from_secs(5))).await;
    let mut control = tunnel.control().await;
    tunnel.pair(false);
    assert_eq!((&mut tunnel.answer).await.expect("an answer").ended, Ended::Unpaired);
    tunnel.pair(true);
    let (invocation, answer) = Invocation::new(long());
    tunnel.exit.serve(invocation).await;
    assert_eq!(control.expect_hello(tunnel.nonce).await, None, "the tunnel began long ago");
    tunnel.answer = answer;
    control.order(FromAgent::End {}).await;
    assert_eq!(tunnel.answered().await.ended, Ended::Done);
}

#[tokio::test]
async fn an_agent_that_leaves_cleanly_ends_the_invocation() {
    let tunnel = tunnel(long()).await;
    let Tunnel { opener, answer, exit: _exit, driver, .. } = tunnel;
    drop(opener);
    driver.await.expect("task").expect("a clean end");
    assert_eq!(answer.await.expect("an answer").ended, Ended::Done);
}

#[tokio::test]
async fn an_agent_that_never_comes_costs_the_invocation_no_more_than_its_time() {
    let mut begun = begin(connector(&[]), times(MOMENT, MOMENT));
    let outcome = timeout(Duration::from_secs(5), &mut begun.answer).await.expect("in time").expect("an answer");
    assert_eq!(outcome.ended, Ended::Deadline);
}

#[tokio::test]
async fn a_stranger_gets_no_stream() {
    let Begun { near, function, answer, exit: _exit, .. } = begin(connector(&["127.0.0.0/8"]), long());
    let stranger = Identity::mint();
    let (_listener, authority) = site().await;
    if let Ok((opener, driver)) = client::connect(near, &stranger, function.public()).await {
        let driving = tokio::spawn(driver);
        assert!(opener.open(&authority).await.is_err());
        assert!(driving.await.expect("task").is_err());
    }
    assert_eq!(answer.await.expect("an answer").ended, Ended::Lost);
}
