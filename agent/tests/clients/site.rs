//! A site that says what reached it, byte for byte, and answers in the ways that libraries are bad at.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;

/// A listening site; it lives as long as the test's process.
pub struct Site {
    pub address: SocketAddr,
}

/// One request as it arrived.
struct Request {
    head: String,
    body: Vec<u8>,
    trailers: String,
}

impl Site {
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("site");
        let address = listener.local_addr().expect("address");
        thread::spawn(move || {
            for (number, stream) in listener.incoming().flatten().enumerate() {
                thread::spawn(move || serve(&stream, number));
            }
        });
        Self { address }
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

fn serve(stream: &TcpStream, number: usize) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read_request(&mut reader, stream) {
        if answer(stream, &request, number).is_err() {
            return;
        }
    }
}

/// Reads a whole request; a client that waits for `100 Continue` gets it first.
fn read_request(reader: &mut BufReader<&TcpStream>, mut stream: &TcpStream) -> Option<Request> {
    let head = read_fields(reader)?;
    let lower = head.to_lowercase();
    if lower.contains("expect: 100-continue") {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
    }
    let (mut body, mut trailers) = (Vec::new(), String::new());
    if lower.contains("transfer-encoding: chunked") {
        read_chunks(reader, &mut body)?;
        trailers = read_fields(reader)?;
    } else if let Some((_, length)) = lower.split_once("content-length: ") {
        body.resize(length.lines().next()?.trim().parse().ok()?, 0);
        reader.read_exact(&mut body).ok()?;
    }
    Some(Request { head, body, trailers })
}

fn read_fields(reader: &mut impl BufRead) -> Option<String> {
    let mut fields = String::new();
    while !fields.ends_with("\r\n\r\n") && fields != "\r\n" {
        if reader.read_line(&mut fields).ok()? == 0 {
            return None;
        }
    }
    Some(fields)
}

fn read_chunks(reader: &mut impl BufRead, body: &mut Vec<u8>) -> Option<()> {
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let size = u64::from_str_radix(line.trim(), 16).ok()?;
        if size == 0 {
            return Some(());
        }
        reader.take(size).read_to_end(body).ok()?;
        reader.read_line(&mut line).ok()?;
    }
}

fn answer(mut stream: &TcpStream, request: &Request, number: usize) -> std::io::Result<()> {
    let mut words = request.head.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    match path {
        "/trailers" => stream.write_all(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: five\r\n\r\n",
        ),
        "/early" => stream
            .write_all(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
        _ => {
            let body = match path {
                // A large body is not worth its way back.
                "/size" => request.body.len().to_string(),
                "/connection" => number.to_string(),
                _ => format!("{}{}{}", request.head, String::from_utf8_lossy(&request.body), request.trailers),
            };
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            stream.write_all(head.as_bytes())?;
            stream.write_all(if method == "HEAD" { b"" } else { body.as_bytes() })
        }
    }
}
