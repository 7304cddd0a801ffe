//! Users' connections, each of which judges what it got.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use super::site::{Site, sum_of, sum_of_pattern};
use super::tools::{connect_through, read_head};

/// Bytes that all streams together have moved: whether they live.
pub type Moved = Arc<AtomicU64>;

/// A file that comes whole, or the thread panics.
pub fn download(proxy: SocketAddr, site: &Site, size: u64, rate: u64, moved: &Moved) -> JoinHandle<()> {
    let (site, moved) = (site.clone(), moved.clone());
    thread::spawn(move || {
        let mut stream = ask(proxy, &site, &format!("GET /down/{size}/{rate}"));
        let head = read_head(&mut stream);
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        let sum = sum_of(&mut Counted { stream, moved }).expect("a clean end");
        assert_eq!(sum, sum_of_pattern(size), "a download");
    })
}

/// A file that arrives whole at the site, or the thread panics.
pub fn upload(proxy: SocketAddr, site: &Site, size: u64, rate: u64, moved: &Moved) -> JoinHandle<()> {
    let (site, moved) = (site.clone(), moved.clone());
    thread::spawn(move || {
        let mut stream = ask(proxy, &site, &format!("PUT /up/{size}"));
        let told = |size| {
            moved.fetch_add(size, Ordering::Relaxed);
        };
        site.pour(&mut stream, size, rate, told).expect("the site takes all");
        read_head(&mut stream);
        let mut sum = String::new();
        stream.read_to_string(&mut sum).expect("a clean end");
        assert_eq!(sum, sum_of_pattern(size), "an upload");
    })
}

fn ask(proxy: SocketAddr, site: &Site, request: &str) -> TcpStream {
    let mut stream = connect_through(proxy, site.address);
    write!(stream, "{request} HTTP/1.1\r\nHost: {}\r\n\r\n", site.address).expect("request");
    stream
}

struct Counted {
    stream: TcpStream,
    moved: Moved,
}

impl Read for Counted {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let size = self.stream.read(out)?;
        self.moved.fetch_add(size as u64, Ordering::Relaxed);
        Ok(size)
    }
}
