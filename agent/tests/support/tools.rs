//! Small things that several tests need.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

/// Longer than anything here takes on a busy machine; a test that reaches it has found a hang.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How many times longer the long tests run: 1, or what `AWSLAMBDAPROXY_SOAK` says.
pub fn soak() -> u32 {
    std::env::var("AWSLAMBDAPROXY_SOAK").map_or(1, |factor| factor.parse().expect("AWSLAMBDAPROXY_SOAK is a number"))
}

/// A port of 127.0.0.1 on which nobody listens and which nobody is given as long as this lives. For programs that cannot choose
/// one themselves: who allows the reuse of addresses, as servers do, may listen on it.
pub struct Port {
    pub number: u16,
    _socket: Socket,
}

impl Port {
    pub fn reserved() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.set_reuse_address(true).expect("an option");
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).expect("bind");
        let address = socket.local_addr().expect("an address").as_socket().expect("IP");
        Self { number: address.port(), _socket: socket }
    }

    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.number).into()
    }
}

/// Copies a program. Another process does: what this one has open for writing, a sibling's fork may hold when the copy is to
/// run, which the kernel then calls busy.
pub fn copy_program(from: &Path, to: &Path) {
    let copied = Command::new("cp").args([from, to]).status().expect("cp");
    assert!(copied.success(), "{} to {}", from.display(), to.display());
}

/// Writes a program, by another process for the same reason.
pub fn write_program(path: &Path, text: &str) {
    let mut install = Command::new("install");
    let mut install = install.args(["-m", "755", "/dev/stdin"]).arg(path).stdin(Stdio::piped()).spawn().expect("install");
    install.stdin.take().expect("its input").write_all(text.as_bytes()).expect("written");
    assert!(install.wait().expect("its end").success(), "{}", path.display());
}

/// Asks until the answer is there.
pub fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed() < PATIENCE * soak(), "waited too long for {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Runs curl; its standard output is the answer.
pub fn curl(arguments: &[&str]) -> Output {
    Command::new("curl").args(["-sS", "--max-time", &(600 * soak()).to_string()]).args(arguments).output().expect("curl runs")
}

/// What curl printed, having succeeded.
pub fn curl_text(arguments: &[&str]) -> String {
    let output = curl(arguments);
    assert!(output.status.success(), "curl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// SHA-256 of a file, in hexadecimal.
pub fn sha256(path: &Path) -> String {
    let output = Command::new("sha256sum").arg(path).output().expect("sha256sum runs");
    String::from_utf8(output.stdout).expect("text").split(' ').next().expect("a sum").to_owned()
}

/// Fills a file with bytes that do not repeat.
pub fn noise(path: &Path, size: u64) {
    let command = format!(
        "head -c {size} /dev/zero | openssl enc -aes-128-ctr -nosalt -K 000102030405060708090a0b0c0d0e0f -iv 0 > {}",
        path.display()
    );
    assert!(Command::new("sh").args(["-c", &command]).stderr(std::process::Stdio::null()).status().expect("sh runs").success());
}

/// A raw CONNECT through the proxy; returns the stream behind the 200.
pub fn connect_through(proxy: SocketAddr, site: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(proxy).expect("proxy");
    stream.set_read_timeout(Some(PATIENCE * soak())).expect("option");
    write!(stream, "CONNECT {site} HTTP/1.1\r\nHost: {site}\r\n\r\n").expect("write");
    let head = read_head(&mut stream);
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    stream
}

/// Reads up to the empty line.
pub fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        assert_eq!(stream.read(&mut byte).expect("read"), 1, "{}", String::from_utf8_lossy(&head));
        head.push(byte[0]);
    }
    String::from_utf8(head).expect("text")
}
