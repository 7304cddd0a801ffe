//! Hostile input on the real port: the right status or a close, nothing at the site, and everybody else is served.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use super::program::{BASE, Program};
use super::tools::{PATIENCE, curl, curl_text};

/// Sends all of it, and reads until the agent ends the connection.
fn answer(proxy: SocketAddr, input: &[u8]) -> String {
    let mut stream = TcpStream::connect(proxy).expect("proxy");
    stream.set_read_timeout(Some(PATIENCE)).expect("option");
    // It may refuse before it has read everything.
    let _sent = stream.write_all(input);
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(size) => answer.extend_from_slice(&buffer[..size]),
            Err(error) => {
                assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "it hangs on {:?}", String::from_utf8_lossy(input));
                break;
            }
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn what_could_be_read_in_two_ways_is_refused_and_no_site_hears_of_it() {
    let agent = Program::start(BASE);
    let site = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("site");
    site.set_nonblocking(true).expect("option");
    let authority = site.local_addr().expect("address");
    let smuggled = format!("0\r\n\r\nGET http://{authority}/smuggled HTTP/1.1\r\nHost: {authority}\r\n\r\n");
    for fields in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding : chunked\r\n",
        "X: a\r\n folded: b\r\n",
        "X: a\0b\r\n",
        "X: a\nY: b\r\n",
        "X: a\rY: b\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 99999999999999999999999\r\n",
    ] {
        let request = format!("POST http://{authority}/ HTTP/1.1\r\nHost: {authority}\r\n{fields}\r\n{smuggled}");
        let answer = answer(agent.proxy(), request.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 400"), "{fields:?}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{fields:?}: {answer}");
    }
    for (request, status) in [
        (format!("GET http://{authority}/ HTTP/1.1\nHost: {authority}\n\n"), "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), "400"),
        (format!("CONNECT {authority}/path HTTP/1.1\r\nHost: a\r\n\r\n"), "400"),
        ("CONNECT Control.awslambdaproxy.INVALID.:1 HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), "403"),
        ("GET http://control.awslambdaproxy.invalid:1/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".to_owned(), "403"),
        (format!("GET http://{authority}/ HTTP/1.1\r\nX: {}\r\n\r\n", "a".repeat(100_000)), "431"),
        (format!("GET http://{authority}/{} HTTP/1.1\r\n\r\n", "a".repeat(100_000)), "4"),
    ] {
        let answer = answer(agent.proxy(), request.as_bytes());
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{request:.60}: {answer}");
    }
    for closed in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"\x05\x00",
        b"\x05\x01\x00\x05\x02\x00\x01\x7f\x00\x00\x01\x00\x50",
    ] {
        let answer = answer(agent.proxy(), closed);
        assert!(!answer.contains("HTTP"), "{closed:?}: {answer}");
    }
    // A real TLS client on the plain port.
    let tls = curl(&["-k", &format!("https://{}/", agent.proxy())]);
    assert_eq!(tls.status.code(), Some(35), "{}", String::from_utf8_lossy(&tls.stderr));
    assert!(site.accept().is_err(), "something reached the site");
    let honest = super::site::Site::start();
    assert!(curl_text(&["-x", &agent.url(), &honest.url("/echo")]).starts_with("GET /echo"));
}

#[test]
fn a_crowd_of_slow_clients_is_sent_away_and_others_are_served_meanwhile() {
    let agent = Program::start(BASE);
    let site = super::site::Site::start();
    let (proxy, url) = (agent.proxy(), agent.url());
    let begun = Instant::now();
    thread::scope(|scope| {
        for begin in
            ["", "G", "GET http://a.test/ HTTP/1.1\r\nHost: a", "\x05", "\x05\x02\x00", "\x05\x01\x00", "\x16\x03"].repeat(10)
        {
            scope.spawn(move || {
                let answer = answer(proxy, begin.as_bytes());
                assert!(!answer.contains("HTTP/1.1 2"), "{begin:?}: {answer}");
            });
        }
        for _ in 0..20 {
            assert!(curl_text(&["-x", &url, "--max-time", "20", &site.url("/echo")]).starts_with("GET /echo"));
        }
    });
    assert!(begun.elapsed() < Duration::from_secs(45), "{:?}", begun.elapsed());
}
