//! Real pages and files through the whole path.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;

use super::nginx::Nginx;
use super::program::{BASE, Program};
use super::tools::{Port, connect_through, curl, curl_text, noise, read_head, sha256, wait_for};

/// One GiB: more than any buffer or window on the way, and than 32-bit signed sums of a few.
const GIB: u64 = 1 << 30;

#[test]
fn curl_loads_a_page_over_http_and_https_by_every_kind_of_proxy() {
    let (nginx, agent) = (Nginx::start(), Program::start(BASE));
    let (plain, secure) = (format!("http://localhost:{}/", nginx.http), format!("https://localhost:{}/", nginx.https));
    let certificate = nginx.certificate();
    let http = agent.url();
    let socks = format!("socks5h://{}", agent.proxy());
    for proxy in [&http, &socks] {
        assert_eq!(curl_text(&["-x", proxy, &plain]), "a real page\n");
        assert_eq!(curl_text(&["-x", proxy, "--cacert", &certificate, &secure]), "a real page\n");
    }
    assert_eq!(curl_text(&["-x", &http, "--proxytunnel", &plain]), "a real page\n");
    let version =
        curl_text(&["-x", &http, "--cacert", &certificate, "--http2", "-o", "/dev/null", "-w", "%{http_version}", &secure]);
    assert_eq!(version, "2");
}

#[test]
fn requests_go_round_the_regions_and_each_instance_has_its_own_address() {
    let (nginx, agent) = (Nginx::start(), Program::start(BASE));
    let url = format!("http://localhost:{}/", nginx.http);
    for _ in 0..6 {
        curl_text(&["-x", &agent.url(), &url]);
    }
    // It writes down a visit once it has answered.
    let mut visitors = wait_for("all visits", || Some(nginx.visitors()).filter(|all| all.len() >= 6));
    assert_eq!(visitors.len(), 6);
    visitors.sort();
    visitors.dedup();
    assert_eq!(visitors.len(), 2, "{visitors:?}");
    assert!(visitors.iter().all(|visitor| visitor.starts_with("127.64.")), "{visitors:?}");
}

#[test]
fn a_gibibyte_arrives_whole_down_and_up() {
    let (nginx, agent) = (Nginx::start(), Program::start(BASE));
    let (source, back) = (nginx.root().join("big"), nginx.root().join("back"));
    noise(&source, GIB);
    let sum = sha256(&source);
    let base = format!("http://localhost:{}", nginx.http);
    curl_text(&["-x", &agent.url(), "--proxytunnel", "-o", &back.display().to_string(), &format!("{base}/big")]);
    assert_eq!(sha256(&back), sum, "down");
    std::fs::remove_file(&back).expect("removed");
    curl_text(&["-x", &agent.url(), "--proxytunnel", "-T", &source.display().to_string(), &format!("{base}/up/big")]);
    assert_eq!(sha256(&nginx.root().join("up/big")), sum, "up");
}

#[test]
fn a_hundred_connections_at_once_are_all_served() {
    let (nginx, agent) = (Nginx::start(), Program::start(BASE));
    noise(&nginx.root().join("piece"), 100_000);
    let url = format!("http://localhost:{}/piece", nginx.http);
    let proxy = agent.url();
    let sum = sha256(&nginx.root().join("piece"));
    let folder = tempfile::tempdir().expect("folder");
    let clients: Vec<_> = (0..100)
        .map(|number| {
            let (proxy, url, file) = (proxy.clone(), url.clone(), folder.path().join(number.to_string()));
            thread::spawn(move || {
                curl_text(&["-x", &proxy, "--proxytunnel", "-o", &file.display().to_string(), &url]);
                sha256(&file)
            })
        })
        .collect();
    for client in clients {
        assert_eq!(client.join().expect("client"), sum);
    }
}

#[test]
fn half_close_passes_both_ways() {
    let agent = Program::start(BASE);
    let site = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("site");
    let address = site.local_addr().expect("address");
    let serving = thread::spawn(move || {
        // First the app closes its half and hears the answer to it; then the site does.
        let (mut stream, _) = site.accept().expect("connection");
        let mut heard = String::new();
        stream.read_to_string(&mut heard).expect("the app's half");
        stream.write_all(format!("heard {heard}").as_bytes()).expect("answer");
        drop(stream);
        let (mut stream, _) = site.accept().expect("connection");
        stream.write_all(b"first the site").expect("write");
        stream.shutdown(std::net::Shutdown::Write).expect("half-close");
        let mut heard = String::new();
        stream.read_to_string(&mut heard).expect("the app's half");
        heard
    });
    let mut app = connect_through(agent.proxy(), address);
    app.write_all(b"this").expect("write");
    app.shutdown(std::net::Shutdown::Write).expect("half-close");
    let mut answer = String::new();
    app.read_to_string(&mut answer).expect("answer");
    assert_eq!(answer, "heard this");

    let mut app = connect_through(agent.proxy(), address);
    let mut answer = String::new();
    app.read_to_string(&mut answer).expect("answer");
    assert_eq!(answer, "first the site");
    app.write_all(b"then the app").expect("write");
    drop(app);
    assert_eq!(serving.join().expect("site"), "then the app");
}

/// The head of the proxy's answer.
fn head_of(agent: &Program, url: &str) -> String {
    curl_text(&["-x", &agent.url(), "-o", "/dev/null", "-D", "-", url])
}

#[test]
fn what_the_exit_refuses_reaches_the_client_in_the_words_of_the_contract() {
    let agent = Program::start(BASE);
    let reserved = Port::reserved();
    let closed = reserved.number;
    for (url, status, error) in [
        (format!("http://127.0.0.1:{closed}/"), "502", "connection_refused"),
        ("http://10.1.2.3/".to_owned(), "403", "destination_ip_prohibited"),
        ("http://127.0.0.1:25/".to_owned(), "403", "destination_ip_prohibited"),
    ] {
        let head = head_of(&agent, &url);
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{url}: {head}");
        assert!(head.to_lowercase().contains(&format!("proxy-status: awslambdaproxy; error={error}")), "{url}: {head}");
    }
    // A machine's name server may not answer at all.
    let unknown = head_of(&agent, "http://does-not-exist.invalid/").to_lowercase();
    let is_unknown = unknown.starts_with("http/1.1 502") && unknown.contains("error=dns_error");
    assert!(is_unknown || unknown.starts_with("http/1.1 504") && unknown.contains("error=dns_timeout"), "{unknown}");
    // curl itself would spell the address anew.
    let mut raw = TcpStream::connect(agent.proxy()).expect("proxy");
    raw.write_all(b"CONNECT 2130706433:80 HTTP/1.1\r\nHost: 2130706433:80\r\n\r\n").expect("write");
    let head = read_head(&mut raw);
    assert!(head.starts_with("HTTP/1.1 403") && head.contains("error=destination_ip_prohibited"), "{head}");
    let refused = curl(&["-x", &format!("socks5h://{}", agent.proxy()), &format!("http://127.0.0.1:{closed}/")]);
    assert_eq!(refused.status.code(), Some(97), "{}", String::from_utf8_lossy(&refused.stderr));
}
