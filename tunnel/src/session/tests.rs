//! Sessions between two ends in memory, with real TCP connections spliced onto their streams.

use std::io;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::client::{self, OpenError};
use super::server;
use crate::identity::Identity;
use crate::limits::LINK_CAPACITY;
use crate::meter::Meter;
use crate::outcome::{ProxyError, Refusal};
use crate::splice::{SpliceEnd, splice};
use crate::stream::TunnelStream;
use crate::testing::session_pair;

async fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("bind");
    let address = listener.local_addr().expect("address");
    let (near, far) = tokio::join!(TcpStream::connect(address), listener.accept());
    (near.expect("connect"), far.expect("accept").0)
}

/// An app and a site with a session between: both of their TCP connections are spliced onto one stream.
async fn through_a_session() -> (TcpStream, TcpStream, [tokio::task::JoinHandle<SpliceEnd>; 2], [Arc<Meter>; 2]) {
    let (opener, driver, mut server) = session_pair().await;
    tokio::spawn(driver);
    let (app, agent_side) = tcp_pair().await;
    let (exit_side, site) = tcp_pair().await;
    let meters = [Arc::new(Meter::new()), Arc::new(Meter::new())];
    let (near_meter, far_meter) = (meters[0].clone(), meters[1].clone());
    let (ask, asked) = tokio::sync::oneshot::channel();
    let far = tokio::spawn(async move {
        let incoming = server.next().await.expect("a request").expect("sound");
        let _sent = ask.send(incoming.authority().to_owned());
        let stream = incoming.accept().expect("accepted");
        let serving = async { while server.next().await.is_some_and(|next| next.is_ok()) {} };
        let copying = splice(exit_side, Bytes::new(), stream, &far_meter);
        tokio::join!(copying, serving).0
    });
    let stream = opener.open("example.com:443").await.expect("open");
    assert_eq!(asked.await.expect("authority"), "example.com:443");
    let near = tokio::spawn(async move {
        let end = splice(agent_side, Bytes::from_static(b"early "), stream, &near_meter).await;
        drop(opener);
        end
    });
    (app, site, [near, far], meters)
}

#[tokio::test]
async fn half_close_passes_both_ways_and_bytes_are_counted() {
    let (mut app, mut site, ends, meters) = through_a_session().await;
    app.write_all(b"request").await.expect("write");
    app.shutdown().await.expect("half-close");
    let mut got = Vec::new();
    site.read_to_end(&mut got).await.expect("read to the half-close");
    assert_eq!(got, b"early request");
    site.write_all(b"a later answer").await.expect("the other direction is open");
    site.shutdown().await.expect("close");
    got.clear();
    app.read_to_end(&mut got).await.expect("read to the end");
    assert_eq!(got, b"a later answer");
    for end in ends {
        assert!(matches!(end.await.expect("task"), SpliceEnd::Clean));
    }
    assert_eq!((meters[0].into_tunnel(), meters[0].out_of_tunnel()), (13, 14));
    assert_eq!((meters[1].into_tunnel(), meters[1].out_of_tunnel()), (14, 13));
}

#[tokio::test]
async fn megabytes_arrive_whole_both_ways() {
    let (mut app, mut site, _ends, _meters) = through_a_session().await;
    let payload: Vec<u8> = (0..5_000_000u32).map(|n| (n % 251) as u8).collect();
    let (mut app_read, mut app_write) = app.split();
    let (mut site_read, mut site_write) = site.split();
    let (mut up, mut down) = (Vec::new(), Vec::new());
    let (a, b, c, d) = tokio::join!(
        async { app_write.write_all(&payload).await.and(app_write.shutdown().await) },
        async { site_write.write_all(&payload).await.and(site_write.shutdown().await) },
        site_read.read_to_end(&mut up),
        app_read.read_to_end(&mut down)
    );
    a.and(b).expect("written");
    c.and(d).expect("read");
    assert_eq!(&up[..6], b"early ");
    assert!(up[6..] == payload[..] && down == payload);
}

#[tokio::test]
async fn a_reset_at_the_site_is_a_reset_at_the_app() {
    let (mut app, mut site, ends, _meters) = through_a_session().await;
    site.write_all(b"part").await.expect("write");
    let mut part = [0; 4];
    app.read_exact(&mut part).await.expect("the part");
    crate::splice::reset_on_close(&site);
    drop(site);
    let error = app.read_u8().await.expect_err("no clean end");
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    let [near, far] = ends;
    assert!(matches!(far.await.expect("task"), SpliceEnd::Tcp(_)));
    assert!(matches!(near.await.expect("task"), SpliceEnd::Tunnel(_)));
}

#[tokio::test]
async fn a_reset_at_the_app_is_a_reset_at_the_site() {
    let (app, mut site, _ends, _meters) = through_a_session().await;
    let mut early = [0; 6];
    site.read_exact(&mut early).await.expect("the first bytes");
    crate::splice::reset_on_close(&app);
    drop(app);
    let error = site.read_u8().await.expect_err("no clean end");
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_lost_tunnel_is_a_reset_at_both() {
    let (mut app, mut site, [near, far], _meters) = through_a_session().await;
    let mut early = [0; 6];
    site.read_exact(&mut early).await.expect("the first bytes");
    far.abort();
    assert!(site.read_u8().await.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset));
    assert!(app.read_u8().await.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset));
    assert!(matches!(near.await.expect("task"), SpliceEnd::Tunnel(_)));
}

#[tokio::test]
async fn a_refusal_reaches_the_agent_in_its_own_words() {
    let (opener, driver, mut server) = session_pair().await;
    tokio::spawn(driver);
    let refusal = Refusal::new(ProxyError::DnsError, "no such name");
    let serving = async {
        server.next().await.expect("a request").expect("sound").refuse(&refusal);
        server.next().await.is_none()
    };
    let asking = async {
        let error = opener.open("nowhere.example:80").await.err();
        drop(opener);
        error
    };
    let (_, error) = tokio::join!(serving, asking);
    assert_eq!(error, Some(OpenError::Refused(refusal)));
}

#[tokio::test]
async fn after_goaway_another_exit_is_worth_a_try() {
    let (opener, driver, mut server) = session_pair().await;
    let driving = tokio::spawn(driver);
    server.graceful_shutdown();
    // Whether the agent's last bytes or the end of its pipe come first is a race of this test's pipe.
    let _ended = server.next().await;
    drop(server);
    driving.await.expect("task").expect("a clean end");
    let error = opener.open("example.com:80").await.err().expect("gone");
    assert!(error.is_worth_another_exit(), "{error}");
}

#[tokio::test]
async fn a_stream_that_is_reset_before_its_answer_says_nothing_of_the_exit() {
    let (opener, driver, mut server) = session_pair().await;
    tokio::spawn(driver);
    let serving = async {
        drop(server.next().await.expect("a request").expect("sound"));
        server.next().await.is_none()
    };
    let asking = async {
        let error = opener.open("example.com:80").await.err();
        drop(opener);
        error
    };
    let (_, error) = tokio::join!(serving, asking);
    let error = error.expect("no stream");
    assert!(matches!(&error, OpenError::Refused(refusal) if refusal.error == ProxyError::ConnectionTerminated), "{error:?}");
}

/// A pipe that shows whether it was dropped.
struct Held(DuplexStream, #[expect(dead_code, reason = "its drop is what counts")] Arc<()>);

impl AsyncRead for Held {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Held {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[tokio::test]
async fn a_session_that_is_over_lets_go_of_its_link_while_its_driver_stands() {
    let (agent, function, held) = (Identity::mint(), Identity::mint(), Arc::new(()));
    let (near, far) = tokio::io::duplex(LINK_CAPACITY);
    let near = Held(near, held.clone());
    let (client, server) =
        tokio::join!(client::connect(near, &agent, function.public()), server::accept(far, &function, agent.public()));
    let ((opener, mut driver), mut server) = (client.expect("the agent's end"), server.expect("the function's end"));
    drop(opener);
    let (ended, _) = tokio::join!(driver.ended(), server.next());
    ended.expect("a clean end");
    assert_eq!(Arc::strong_count(&held), 1);
    driver.ended().await.expect("it may be asked again");
}

/// Passes bytes on while the gate is open.
async fn pass(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, mut gate: watch::Receiver<bool>) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(size @ 1..) = from.read(&mut buffer).await {
        if gate.wait_for(|open| *open).await.is_err() || to.write_all(&buffer[..size]).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn late_bytes_of_many_cancelled_streams_do_not_end_the_session() {
    const STREAMS: usize = 300;
    const LATE_BYTES: usize = 5;
    let (agent, function) = (Identity::mint(), Identity::mint());
    let ((near, near_middle), (far_middle, far)) = (tokio::io::duplex(LINK_CAPACITY), tokio::io::duplex(LINK_CAPACITY));
    let ((up_from, down_to), (down_from, up_to)) = (tokio::io::split(near_middle), tokio::io::split(far_middle));
    let (gate, is_open) = watch::channel(true);
    let (_always, always) = watch::channel(true);
    tokio::spawn(pass(up_from, up_to, is_open));
    tokio::spawn(pass(down_from, down_to, always));
    let (client, server) =
        tokio::join!(client::connect(near, &agent, function.public()), server::accept(far, &function, agent.public()));
    let ((opener, driver), mut server) = (client.expect("the agent's end"), server.expect("the function's end"));
    tokio::spawn(driver);
    let (accept, mut accepted) = tokio::sync::mpsc::unbounded_channel::<TunnelStream>();
    tokio::spawn(async move {
        while let Some(Ok(incoming)) = server.next().await {
            let _test_over = accept.send(incoming.accept().expect("accepted"));
        }
    });
    let (mut near, mut far) = (Vec::new(), Vec::new());
    for _ in 0..=STREAMS {
        near.push(opener.open("example.com:80").await.expect("open"));
        far.push(accepted.recv().await.expect("accepted"));
    }
    gate.send_replace(false);
    let (mut kept, mut kept_far) = (near.remove(0), far.remove(0));
    drop(near);
    for _ in 0..LATE_BYTES {
        for stream in &mut far {
            stream.write_all(b"x").await.expect("the function knows nothing of the resets");
        }
        kept_far.write_all(b"x").await.expect("written");
        assert_eq!(kept.read_u8().await.expect("the session lives"), b'x');
    }
}

/// Several streams of one session, both ends of each, and what keeps the session going.
async fn streams(count: usize) -> (Vec<(TunnelStream, TunnelStream)>, client::Opener) {
    let (opener, driver, mut server) = session_pair().await;
    tokio::spawn(driver);
    let (give, mut taken) = tokio::sync::mpsc::channel(count.max(1));
    tokio::spawn(async move {
        while let Some(Ok(incoming)) = server.next().await {
            let _test_over = give.send(incoming.accept().expect("accepted")).await;
        }
    });
    let mut pairs = Vec::new();
    for _ in 0..count {
        let near = opener.open("example.com:443").await.expect("open");
        pairs.push((near, taken.recv().await.expect("the other end")));
    }
    (pairs, opener)
}

#[tokio::test]
async fn thousands_of_small_pieces_that_nobody_reads_end_no_session() {
    let (mut pairs, opener) = streams(2).await;
    let (mut other_near, mut other_far) = pairs.pop().expect("two");
    let (mut near, mut far) = pairs.pop().expect("two");
    for _ in 0..8000 {
        far.write_all(b"a line of a log that grows\n").await.expect("written");
        far.flush().await.expect("sent");
    }
    other_far.write_all(b"alive").await.expect("written");
    let mut alive = [0; 5];
    other_near.read_exact(&mut alive).await.expect("the session goes on");
    far.shutdown().await.expect("closed");
    let mut got = Vec::new();
    near.read_to_end(&mut got).await.expect("nothing is lost");
    assert_eq!(got.len(), 8000 * 27);
    drop(opener);
}

#[tokio::test]
async fn two_programs_that_read_nothing_leave_the_others_a_window() {
    let (mut pairs, _opener) = streams(3).await;
    let (mut near, mut far) = pairs.pop().expect("three");
    let mut unread = Vec::new();
    for (near, mut far) in pairs {
        unread.push(near);
        tokio::spawn(async move { far.write_all(&vec![7; 40 * 1024 * 1024]).await });
    }
    let sent = tokio::spawn(async move {
        // Enough to let the windows grow, and what is unread with them.
        far.write_all(&vec![1; 30_000_000]).await?;
        far.shutdown().await
    });
    let mut got = Vec::new();
    tokio::time::timeout(std::time::Duration::from_secs(60), near.read_to_end(&mut got)).await.expect("it moves").expect("read");
    assert_eq!(got.len(), 30_000_000);
    sent.await.expect("task").expect("sent");
    drop(unread);
}
