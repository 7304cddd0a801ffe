//! A door to the relay that lets the agent in and no function, by what they ask for.

use std::io::Write;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;

use super::program::Relay;

/// Where it is; it stays open as long as the tests run.
pub fn for_the_agent_alone(relay: &Relay) -> SocketAddr {
    let (listener, target) = (TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind"), relay.address);
    let address = listener.local_addr().expect("address");
    thread::spawn(move || {
        for near in listener.incoming().flatten() {
            thread::spawn(move || {
                if !is_a_functions(&near) {
                    pass(&near, target);
                }
            });
        }
    });
    address
}

fn is_a_functions(near: &TcpStream) -> bool {
    const FUNCTION: &[u8] = b"GET /v1/function";
    let mut begun = [0; FUNCTION.len()];
    while near.peek(&mut begun).is_ok_and(|read| (1..begun.len()).contains(&read)) {}
    begun == FUNCTION
}

fn pass(near: &TcpStream, target: SocketAddr) {
    let far = TcpStream::connect(target).expect("the relay");
    for (from, to) in [(near, &far), (&far, near)] {
        let (mut from, mut to) = (from.try_clone().expect("clone"), to.try_clone().expect("clone"));
        thread::spawn(move || {
            let _ended = std::io::copy(&mut from, &mut to);
            let _flushed = to.flush();
            let _gone = to.shutdown(Shutdown::Both);
        });
    }
}
