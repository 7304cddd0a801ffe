//! A web site of the test's own: slow downloads, uploads that are summed; and it counts its connections.
//!
//! | request | answer |
//! |---|---|
//! | `GET /down/SIZE/RATE` | SIZE bytes at RATE bytes a second, the rest at once after [`Site::hurry`] |
//! | `PUT /up/SIZE` | the SHA-256 of the SIZE bytes that follow |

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};

use super::tools::read_head;

/// How often a slow end moves.
const BEAT: Duration = Duration::from_millis(50);

/// A running site; its threads end with their connections.
#[derive(Clone)]
pub struct Site {
    pub address: SocketAddr,
    connections: Arc<AtomicUsize>,
    hurried: Arc<AtomicBool>,
}

impl Site {
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind");
        let address = listener.local_addr().expect("address");
        let site = Self { address, connections: Arc::default(), hurried: Arc::default() };
        let serving = site.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                serving.connections.fetch_add(1, Ordering::SeqCst);
                let site = serving.clone();
                // A connection that is reset ends its thread; what that means is the client's to judge.
                thread::spawn(move || site.serve(stream));
            }
        });
        site
    }

    /// TCP connections ever made to it.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Nothing is slow any more.
    pub fn hurry(&self) {
        self.hurried.store(true, Ordering::SeqCst);
    }

    pub fn is_hurried(&self) -> bool {
        self.hurried.load(Ordering::SeqCst)
    }

    fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let head = read_head(&mut stream);
        let words: Vec<&str> = head.split([' ', '/']).collect();
        match words[..] {
            ["GET", "", "down", size, rate, ..] => self.send(&mut stream, number(size), number(rate)),
            ["PUT", "", "up", size, ..] => {
                let sum = sum_of(&mut Read::by_ref(&mut stream).take(number(size)))?;
                write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 64\r\nConnection: close\r\n\r\n{sum}")
            }
            _ => write!(stream, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
        }
    }

    fn send(&self, stream: &mut TcpStream, size: u64, rate: u64) -> std::io::Result<()> {
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n")?;
        self.pour(stream, size, rate, |_| ())
    }

    /// Writes `size` bytes of the pattern at `rate` bytes a second, until told to hurry.
    pub fn pour(&self, into: &mut impl Write, size: u64, rate: u64, told: impl Fn(u64)) -> std::io::Result<()> {
        let mut done = 0;
        while done < size {
            let beat = if self.is_hurried() { 64 * 1024 } else { rate / 20 };
            let piece = pattern(done, beat.clamp(1, size - done));
            into.write_all(&piece)?;
            done += piece.len() as u64;
            told(piece.len() as u64);
            if !self.is_hurried() {
                thread::sleep(BEAT);
            }
        }
        Ok(())
    }
}

fn number(text: &str) -> u64 {
    text.parse().expect("a number")
}

/// Bytes of which none can be lost, doubled or moved without changing the sum.
fn pattern(from: u64, size: u64) -> Vec<u8> {
    (from..from + size).map(|at| (at / 8).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes()[(at % 8) as usize]).collect()
}

/// The SHA-256 of the first `size` bytes of the pattern.
pub fn sum_of_pattern(size: u64) -> String {
    sum_of(&mut pattern(0, size).as_slice()).expect("memory")
}

/// The SHA-256 of everything that comes, in hexadecimal.
pub fn sum_of(from: &mut impl Read) -> std::io::Result<String> {
    let mut sum = Context::new(&SHA256);
    let mut buffer = vec![0; 16 * 1024];
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(hex::encode(sum.finish())),
            size => sum.update(&buffer[..size]),
        }
    }
}
