//! Python's libraries: requests, httpx and websockets, by HTTP proxy and by SOCKS5.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use super::nginx::Nginx;
use super::program::{BASE, Program};
use super::support::python::script;
use super::tools::noise;

fn command(name: &str, arguments: &[&str]) -> Command {
    script(&format!("clients/python/{name}"), arguments)
}

/// Runs a script, which ends with `ok`.
fn python(script: &str, arguments: &[&str]) {
    let output = command(script, arguments).output().expect("python runs");
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "ok\n", "{script} {arguments:?}: {talk}");
}

/// The proxy, as HTTP and as SOCKS5 with names resolved behind it.
fn proxies(agent: &Program) -> [String; 2] {
    [agent.url(), format!("socks5h://{}", agent.proxy())]
}

/// Runs a client of pages with both kinds of proxy.
fn loads_pages(script: &str) {
    let (nginx, agent) = (Nginx::start(), Program::start(BASE));
    noise(&nginx.root().join("big"), 20_000_000);
    let (plain, secure) = (format!("http://localhost:{}/", nginx.http), format!("https://localhost:{}/", nginx.https));
    for proxy in proxies(&agent) {
        python(script, &[&proxy, &plain, &secure, &nginx.certificate()]);
    }
    assert!(nginx.visitors().iter().all(|visitor| visitor.starts_with("127.64.")));
}

/// A site of WebSockets; ends with the value.
struct WebSocketSite {
    process: Child,
    url: String,
}

impl WebSocketSite {
    fn start() -> Self {
        let mut process = command("websocket_site.py", &[]).stdout(Stdio::piped()).spawn().expect("python runs");
        let mut port = String::new();
        BufReader::new(process.stdout.take().expect("stdout")).read_line(&mut port).expect("port");
        Self { process, url: format!("ws://localhost:{}/", port.trim()) }
    }
}

impl Drop for WebSocketSite {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn requests_loads_and_uploads() {
    loads_pages("requests_client.py");
}

#[test]
fn httpx_loads_a_hundred_pages_at_once() {
    loads_pages("httpx_client.py");
}

#[test]
fn a_websocket_passes_through_a_tunnel() {
    let (site, agent) = (WebSocketSite::start(), Program::start(BASE));
    for proxy in proxies(&agent) {
        python("websocket_client.py", &[&proxy, &site.url]);
    }
}

#[test]
fn a_websocket_passes_by_an_upgrade_of_plain_http() {
    let (site, agent) = (WebSocketSite::start(), Program::start(BASE));
    python("websocket_upgrade.py", &[&agent.proxy().port().to_string(), &site.url]);
}
