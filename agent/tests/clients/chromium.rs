//! Chromium without a screen: a page of 200 assets over HTTP/2.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::nginx::Nginx;
use super::program::{BASE, Program};

/// A page counts as busy with this many.
const ASSETS: usize = 200;

/// Writes a page with images, scripts and style sheets that counts what was loaded.
fn write_page(root: &Path) {
    let mut page = String::from("<!doctype html><title>t</title><script>let loaded = 0;</script>\n");
    for number in 0..ASSETS {
        let (name, content, tag) = match number % 4 {
            0 => ("js", "loaded += 0;".to_owned(), format!("<script src=a{number}.js onload=loaded++></script>")),
            1 => ("css", "p {}".to_owned(), format!("<link rel=stylesheet href=a{number}.css onload=loaded++>")),
            _ => (
                "svg",
                format!("<svg xmlns='http://www.w3.org/2000/svg' width='1' height='1'><!--{}--></svg>", "x".repeat(number * 300)),
                format!("<img src=a{number}.svg onload=loaded++>"),
            ),
        };
        fs::write(root.join(format!("a{number}.{name}")), content).expect("asset");
        let _ = writeln!(page, "{tag}");
    }
    page.push_str("<script>onload = () => { document.body.append(`all of ${loaded}`); };</script>");
    fs::write(root.join("page.html"), page).expect("page");
}

/// Opens a page in a fresh profile; what it has become is the answer.
fn dump_dom(proxy: &str, url: &str) -> String {
    let profile = tempfile::tempdir().expect("profile");
    let output = Command::new("timeout")
        .args(["100", "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--disable-dev-shm-usage", "--ignore-certificate-errors", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        // Without this it asks sites on loopback itself.
        .arg("--proxy-bypass-list=<-loopback>")
        .args([&format!("--proxy-server={proxy}"), url])
        .output()
        .expect("chromium runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn loads_all(scheme: &str) {
    let (nginx, agent) = (Nginx::start(), Program::start(BASE));
    write_page(&nginx.root());
    let dom = dump_dom(&format!("{scheme}://{}", agent.proxy()), &format!("https://localhost:{}/page.html", nginx.https));
    assert!(dom.contains(&format!("all of {ASSETS}")), "{}", &dom[dom.len().saturating_sub(2000)..]);
    let visits = nginx.visits();
    let assets: HashSet<&str> =
        visits.iter().filter(|visit| visit.path.starts_with("/a")).map(|visit| visit.path.as_str()).collect();
    assert_eq!(assets.len(), ASSETS);
    assert!(visits.iter().all(|visit| visit.from.starts_with("127.64.") && visit.protocol == "HTTP/2.0"), "{visits:?}");
}

#[test]
fn chromium_loads_a_page_of_200_assets_by_http_proxy() {
    loads_all("http");
}

#[test]
fn chromium_loads_a_page_of_200_assets_by_socks5() {
    loads_all("socks5");
}
