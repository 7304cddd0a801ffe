//! A corporate proxy: CONNECT only, and it counts.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// A running proxy; its port goes with the process.
pub(crate) struct Forwarder {
    pub(crate) address: SocketAddr,
    count: Arc<AtomicUsize>,
}

impl Forwarder {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind");
        let address = listener.local_addr().expect("address");
        let count = Arc::new(AtomicUsize::new(0));
        let counted = count.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                counted.fetch_add(1, Ordering::Relaxed);
                thread::spawn(move || forward(stream));
            }
        });
        Self { address, count }
    }

    pub(crate) fn connections(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }
}

/// Nobody hears of a failure but by the connection's end.
fn forward(client: TcpStream) -> Option<()> {
    let mut input = BufReader::new(client.try_clone().ok()?);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        (input.read_line(&mut head).ok()? > 0).then_some(())?;
    }
    let target = head.strip_prefix("CONNECT ")?.split(' ').next()?;
    let mut site = TcpStream::connect(target).ok()?;
    let mut client = client;
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").ok()?;
    let mut up = site.try_clone().ok()?;
    thread::spawn(move || std::io::copy(&mut input, &mut up));
    std::io::copy(&mut site, &mut client).ok()?;
    client.shutdown(std::net::Shutdown::Write).ok()
}
