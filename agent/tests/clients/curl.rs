//! curl: every shape of a request that it can make.

use std::time::{Duration, Instant};

use super::nginx::Nginx;
use super::program::{BASE, Program};
use super::site::Site;
use super::tools::{curl, curl_text, noise, sha256};

#[test]
fn the_site_gets_what_curl_sent_in_its_order_and_case_and_nothing_of_the_proxys() {
    let (site, agent) = (Site::start(), Program::start(BASE));
    for method in ["GET", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "M-SEARCH"] {
        let url = site.url("/a//b/../c?d=%20e");
        let head = curl_text(&[
            "-x",
            &agent.url(),
            "--path-as-is",
            "-X",
            method,
            "-H",
            "User-Agent: me",
            "-H",
            "x-lOWer: 1",
            "-H",
            "A: 2",
            &url,
        ]);
        let fields = format!("Host: {}\r\nAccept: */*\r\nUser-Agent: me\r\nx-lOWer: 1\r\nA: 2\r\n\r\n", site.address);
        assert_eq!(head, format!("{method} /a//b/../c?d=%20e HTTP/1.1\r\n{fields}"));
    }
}

#[test]
fn bodies_pass_with_a_length_in_chunks_and_after_a_hundred() {
    let (site, agent) = (Site::start(), Program::start(BASE));
    let proxy = agent.url();
    let echoed = curl_text(&["-x", &proxy, "-d", "a=b", &site.url("/echo")]);
    assert!(
        echoed.starts_with("POST ") && echoed.contains("Content-Length: 3\r\n") && echoed.ends_with("\r\n\r\na=b"),
        "{echoed}"
    );
    let echoed = curl_text(&["-x", &proxy, "-H", "Transfer-Encoding: chunked", "-d", "c=d", &site.url("/echo")]);
    assert!(echoed.to_lowercase().contains("transfer-encoding: chunked\r\n") && echoed.contains("\r\n\r\nc=d"), "{echoed}");
    assert!(!echoed.to_lowercase().contains("content-length"), "{echoed}");

    let file = tempfile::NamedTempFile::new().expect("file");
    noise(file.path(), 5_000_000);
    let path = file.path().display().to_string();
    for more in [&["-H", "Transfer-Encoding: chunked"][..], &[], &["-0"]] {
        let size = curl_text(&[&["-x", &proxy, "-T", &path, "-H", "Expect:"], more, &[&site.url("/size")]].concat());
        assert_eq!(size, "5000000", "{more:?}");
    }
    // curl would wait for a minute if the 100 did not come.
    let begun = Instant::now();
    let expecting = ["-x", &proxy, "-v", "-T", &path, "-H", "Expect: 100-continue", "--expect100-timeout", "60"];
    let output = curl(&[&expecting[..], &[&site.url("/size")]].concat());
    assert_eq!(String::from_utf8_lossy(&output.stdout), "5000000");
    assert!(String::from_utf8_lossy(&output.stderr).contains("HTTP/1.1 100 Continue"));
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}

#[test]
fn heads_ranges_trailers_and_early_hints_come_back() {
    let (nginx, site, agent) = (Nginx::start(), Site::start(), Program::start(BASE));
    let proxy = agent.url();
    let page = format!("http://localhost:{}/piece", nginx.http);
    let piece = nginx.root().join("piece");
    noise(&piece, 100_000);
    let head = curl_text(&["-x", &proxy, "-I", &page]).to_lowercase();
    assert!(head.starts_with("http/1.1 200") && head.contains("content-length: 100000\r\n"), "{head}");

    let back = tempfile::NamedTempFile::new().expect("file");
    let path = back.path().display().to_string();
    let status = curl_text(&["-x", &proxy, "-r", "0-49999", "-o", &path, "-w", "%{http_code} %{size_download}", &page]);
    assert_eq!(status, "206 50000");
    let status = curl_text(&["-x", &proxy, "-C", "50000", "-o", &path, "-w", "%{http_code} %{size_download}", &page]);
    assert_eq!(status, "206 50000");
    assert_eq!(sha256(back.path()), sha256(&piece));

    let answer = curl_text(&["-x", &proxy, "-i", &site.url("/trailers")]).to_lowercase();
    assert!(answer.contains("trailer: x-sum\r\n") && answer.contains("x-sum: five\r\n"), "{answer}");
    let answer = curl_text(&["-x", &proxy, "-i", &site.url("/early")]);
    assert!(answer.contains("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\n"), "{answer}");
}

#[test]
fn connections_are_kept_on_both_sides() {
    let (site, agent) = (Site::start(), Program::start(&format!("regions = [\"only\"]\n{BASE}")));
    let url = site.url("/connection");
    let said = curl_text(&["-x", &agent.url(), "-w", " %{num_connects}\n", &url, "-d", "x", &url, &url, &url]);
    assert_eq!(said, "0 1\n0 0\n0 0\n0 0\n");
    let said = curl_text(&["-x", &agent.url(), "-H", "Connection: close", "-w", " %{num_connects}\n", &url, &url]);
    assert_eq!(said, "1 1\n2 1\n");
    let said = curl_text(&["-x", &agent.url(), "-0", "-w", " %{num_connects}\n", &url, &url]);
    assert_eq!(said, "3 1\n4 1\n");
}

#[test]
fn many_requests_of_one_curl_run_at_once() {
    let (nginx, agent) = (Nginx::start(), Program::start(BASE));
    let url = format!("http://localhost:{}/index.html?[1-300]", nginx.http);
    let proxy = agent.url();
    let pages = curl_text(&["-x", &proxy, "-Z", "--parallel-max", "50", &url]);
    assert_eq!(pages, "a real page\n".repeat(300));
    let secure = format!("https://localhost:{}/index.html?[1-300]", nginx.https);
    let trusted = ["-x", &proxy, "--cacert", &nginx.certificate(), "--http2", "-Z", "--parallel-max", "50"].map(str::to_owned);
    let trusted: Vec<&str> = trusted.iter().map(String::as_str).collect();
    let pages = curl_text(&[&trusted[..], &[&secure]].concat());
    assert_eq!(pages, "a real page\n".repeat(300));
}
