//! Streams that reach their site.

use std::io::ErrorKind;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tunnel::splice::reset_on_close;
use tunnel::stream::TunnelStream;

use crate::harness::{Tunnel, long, site, tunnel};

async fn connected(tunnel: &Tunnel) -> (TunnelStream, TcpStream) {
    let (listener, authority) = site().await;
    let (stream, accepted) = tokio::join!(tunnel.opener.open(&authority), listener.accept());
    (stream.expect("opened"), accepted.expect("accepted").0)
}

#[tokio::test]
async fn each_direction_ends_by_itself() {
    let tunnel = tunnel(long()).await;
    for agent_first in [true, false] {
        let (mut stream, mut site) = connected(&tunnel).await;
        let (mut at_site, mut at_agent) = (Vec::new(), Vec::new());
        if agent_first {
            stream.write_all(b"request").await.expect("write");
            stream.shutdown().await.expect("half-close");
            site.read_to_end(&mut at_site).await.expect("read to the half-close");
            site.write_all(b"answer").await.expect("the other direction is open");
            site.shutdown().await.expect("close");
            stream.read_to_end(&mut at_agent).await.expect("read to the end");
        } else {
            site.write_all(b"answer").await.expect("write");
            site.shutdown().await.expect("half-close");
            stream.read_to_end(&mut at_agent).await.expect("read to the half-close");
            stream.write_all(b"request").await.expect("the other direction is open");
            stream.shutdown().await.expect("close");
            site.read_to_end(&mut at_site).await.expect("read to the end");
        }
        assert_eq!((&at_site[..], &at_agent[..]), (&b"request"[..], &b"answer"[..]));
    }
}

#[tokio::test]
async fn a_reset_at_the_site_is_a_reset_of_the_stream() {
    let tunnel = tunnel(long()).await;
    let (mut stream, site) = connected(&tunnel).await;
    reset_on_close(&site);
    drop(site);
    assert_eq!(stream.read_u8().await.expect_err("no clean end").kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_reset_of_the_stream_is_a_reset_at_the_site() {
    let tunnel = tunnel(long()).await;
    let (stream, mut site) = connected(&tunnel).await;
    stream.reset();
    assert_eq!(site.read_u8().await.expect_err("no clean end").kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_lost_tunnel_is_a_reset_at_the_site_and_an_answer() {
    let tunnel = tunnel(long()).await;
    let (_stream, mut site) = connected(&tunnel).await;
    tunnel.driver.abort();
    assert_eq!(site.read_u8().await.expect_err("no clean end").kind(), ErrorKind::ConnectionReset);
    let outcome = tunnel.answered().await;
    assert_eq!(outcome.carried.streams, 1);
    assert!(outcome.phases.tls.is_some() && outcome.phases.paired.is_some(), "{outcome:?}");
}

#[tokio::test]
async fn dropping_the_exit_resets_its_sites() {
    let tunnel = tunnel(long()).await;
    let (_stream, mut site) = connected(&tunnel).await;
    drop(tunnel.exit);
    assert_eq!(site.read_u8().await.expect_err("no clean end").kind(), ErrorKind::ConnectionReset);
}
