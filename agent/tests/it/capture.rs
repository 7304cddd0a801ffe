//! What the relay sees: everything that passes its plain side is recorded, and must tell nothing.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::nginx::Nginx;
use super::program::{BASE, Program, Relay};
use super::tools::curl_text;

/// Passes TCP on and keeps a copy of all of it.
struct Recorder {
    address: SocketAddr,
    record: Arc<Mutex<Vec<u8>>>,
}

impl Recorder {
    fn before(target: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind");
        let (address, record) = (listener.local_addr().expect("address"), Arc::default());
        let copy = Arc::clone(&record);
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let Ok(far) = TcpStream::connect(target) else { return };
                for (from, to) in [(&near, &far), (&far, &near)] {
                    let (from, to) = (from.try_clone().expect("clone"), to.try_clone().expect("clone"));
                    let record = Arc::clone(&copy);
                    thread::spawn(move || pass(from, to, &record));
                }
            }
        });
        Self { address, record }
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, record: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(size @ 1..) = from.read(&mut buffer) {
        record.lock().expect("record").extend_from_slice(&buffer[..size]);
        if to.write_all(&buffer[..size]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
}

/// Undoes the masking of one direction only if it is all zeros, so both raw and every single-mask form are looked for.
fn holds(record: &[u8], needle: &str) -> bool {
    let needle = needle.as_bytes();
    // A masked frame repeats four bytes of mask: the differences between bytes four apart do not depend on it.
    let differences = |bytes: &[u8]| -> Vec<u8> { bytes.windows(5).map(|window| window[0] ^ window[4]).collect() };
    let (haystack, pattern) = (differences(record), differences(needle));
    haystack.windows(pattern.len()).any(|window| window == pattern)
}

#[test]
fn the_search_finds_masked_text() {
    let mask = [7, 99, 3, 180];
    let masked: Vec<u8> = b"..GET /needle-in-here..".iter().enumerate().map(|(at, byte)| byte ^ mask[at % 4]).collect();
    assert!(holds(&masked, "needle-in-here"));
    assert!(!holds(&masked, "another-needle"));
}

#[test]
fn the_relay_sees_no_host_name_header_or_page() {
    let (nginx, relay) = (Nginx::start(), Relay::start());
    std::fs::write(nginx.root().join("needle-path"), "needle-of-the-page").expect("page");
    let recorder = Recorder::before(relay.address);
    let relay_config = format!("[relay]\nurl = \"ws://{}\"\ntoken = \"{}\"\n", recorder.address, relay.token);
    let agent = Program::start(&format!("regions = [\"only\"]\n{BASE}{relay_config}"));
    let host = format!("localhost:{}", nginx.http);
    let url = format!("http://{host}/needle-path");
    let page = curl_text(&["-x", &agent.url(), "-H", "X-Needle: needle-of-the-header", &url]);
    assert_eq!(page, "needle-of-the-page");
    let record = recorder.record.lock().expect("record");
    assert!(holds(&record, "/v1/function"), "the recorder sees both legs");
    for needle in [host.as_str(), "needle-path", "needle-of-the-page", "needle-of-the-header", "control.awslambdaproxy"] {
        assert!(!holds(&record, needle), "the relay could read {needle}");
    }
}
