//! Rotation every two seconds under running downloads.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::nginx::Nginx;
use super::program::{BASE, Program};
use super::tools::{curl_text, noise, sha256, soak};

const DOWNLOADS: usize = 20;

/// Bytes of one download: 30 s at the rate of the server's `/slow/`.
const SIZE: u64 = 30 * 200 * 1024;

/// Slots for every exit that a download holds, at two seconds each; the local Lambda has room for them.
fn configuration() -> String {
    // As many as a configuration may have.
    let slots = (30 * soak()).min(100);
    format!(
        "regions = [\"a\", \"b\"]\nfrequency = \"2s\"\n{BASE}max_per_region = {slots}\n[local]\nconcurrency = {}\n",
        slots + 10
    )
}

#[test]
fn rotation_every_two_seconds_breaks_no_download_and_the_site_sees_many_addresses() {
    let (nginx, agent) = (Nginx::start(), Program::start(&configuration()));
    let song = nginx.root().join("song");
    noise(&song, SIZE * u64::from(soak()));
    let sum = sha256(&song);
    let folder = tempfile::tempdir().expect("folder");
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let (over, agent, nginx) = (&over, &agent, &nginx);
        let downloads: Vec<_> = (0..DOWNLOADS)
            .map(|number| {
                let file = folder.path().join(number.to_string());
                let download = scope.spawn(move || download(agent, nginx, number, &file.display().to_string()));
                // So that they begin on different exits.
                thread::sleep(Duration::from_millis(250));
                download
            })
            .collect();
        let browsing = scope.spawn(move || {
            while !over.load(Ordering::Relaxed) {
                let page = curl_text(&["-x", &agent.url(), &format!("http://localhost:{}/", nginx.http)]);
                assert_eq!(page, "a real page\n", "there is always an exit that accepts");
                thread::sleep(Duration::from_millis(100));
            }
        });
        let results: Vec<_> = downloads.into_iter().map(thread::ScopedJoinHandle::join).collect();
        over.store(true, Ordering::Relaxed);
        assert!(browsing.join().is_ok(), "pages were served all the time");
        assert!(results.into_iter().all(|result| result.is_ok()), "a download broke");
    });
    for number in 0..DOWNLOADS {
        assert_eq!(sha256(&folder.path().join(number.to_string())), sum, "download {number}");
    }
    let addresses: HashSet<String> = nginx.visitors().into_iter().collect();
    assert!(addresses.len() >= 6 && addresses.iter().all(|address| address.starts_with("127.64.")), "{addresses:?}");
    let status = agent.status().expect("status");
    let ended = status["exits"].as_array().expect("exits").iter().filter(|exit| exit["state"] == "closed").count();
    assert!(ended >= 5, "rotation went on: {status:#}");
    assert_eq!(status["totals"]["streams_failed"], 0);
}

/// One download, by each kind of proxy in turn.
fn download(agent: &Program, nginx: &Nginx, number: usize, file: &str) {
    let (plain, secure) =
        (format!("http://localhost:{}/slow/song", nginx.http), format!("https://localhost:{}/slow/song", nginx.https));
    let (http, socks) = (agent.url(), format!("socks5h://{}", agent.proxy()));
    let (proxy, url) = match number % 4 {
        0 => (&http, &plain),
        1 => (&http, &secure),
        2 => (&socks, &plain),
        _ => (&socks, &secure),
    };
    let time = (120 * soak()).to_string();
    curl_text(&["-x", proxy, "-k", "-o", file, "--max-time", &time, url]);
}
