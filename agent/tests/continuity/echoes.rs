//! WebSocket messages there and back, counted by real libraries at both ends.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};

use super::streams::Moved;
use super::support::python::script;

/// Some WebSockets that talk until they are told to finish. Dropped, they end.
pub struct Echoes {
    site: Child,
    client: Child,
    reading: Option<JoinHandle<String>>,
}

impl Echoes {
    /// Opens so many by the proxy. Each message that comes back counts as moved.
    pub fn start(proxy: SocketAddr, count: usize, moved: &Moved) -> Self {
        let mut site = script("continuity/python/echo_site.py", &[]).stdout(Stdio::piped()).spawn().expect("python runs");
        let mut port = String::new();
        BufReader::new(site.stdout.take().expect("stdout")).read_line(&mut port).expect("port");
        let (proxy, url) = (format!("http://{proxy}"), format!("ws://localhost:{}/", port.trim()));
        let mut client = script("continuity/python/echo_client.py", &[&proxy, &url, &count.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python runs");
        let (output, moved) = (client.stdout.take().expect("stdout"), moved.clone());
        let reading = thread::spawn(move || {
            let (mut last, mut counted) = (String::new(), 0);
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Ok(now) = line.parse::<u64>() {
                    moved.fetch_add(now - counted, Ordering::Relaxed);
                    counted = now;
                }
                last = line;
            }
            last
        });
        Self { site, client, reading: Some(reading) }
    }

    /// Whether they still talk.
    pub fn are_running(&mut self) -> bool {
        matches!(self.client.try_wait(), Ok(None))
    }

    /// Lets them take back what is under way and close; every message has come once and in order.
    pub fn finish(mut self) {
        drop(self.client.stdin.take());
        let last = self.reading.take().expect("it reads").join().expect("the reader");
        assert_eq!(last, "ok", "the client tells more on standard error");
        assert!(self.client.wait().expect("its end").success());
    }
}

impl Drop for Echoes {
    fn drop(&mut self) {
        for process in [&mut self.client, &mut self.site] {
            let _ended = process.kill();
            let _ended = process.wait();
        }
    }
}
