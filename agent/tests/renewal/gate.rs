//! A way to the relay that can be shut: every leg on it is lost at once, and none stands before it is opened again.

use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A gate before `target`.
pub struct Gate {
    pub address: SocketAddr,
    /// What goes through; nothing while shut.
    through: Arc<Mutex<Option<Vec<TcpStream>>>>,
}

impl Gate {
    /// An open one.
    pub fn before(target: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("gate");
        let address = listener.local_addr().expect("address");
        let through = Arc::new(Mutex::new(Some(Vec::new())));
        let kept = through.clone();
        thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                if let Some(list) = kept.lock().expect("gate").as_mut() {
                    let far = TcpStream::connect(target).expect("the relay is up");
                    carry(&near, &far);
                    carry(&far, &near);
                    list.extend([near, far]);
                }
            }
        });
        Self { address, through }
    }

    pub fn shut(&self) {
        for stream in self.through.lock().expect("gate").take().into_iter().flatten() {
            let _gone = stream.shutdown(Shutdown::Both);
        }
    }

    pub fn open(&self) {
        *self.through.lock().expect("gate") = Some(Vec::new());
    }
}

fn carry(from: &TcpStream, to: &TcpStream) {
    let (mut from, mut to) = (from.try_clone().expect("clone"), to.try_clone().expect("clone"));
    thread::spawn(move || {
        let _end = io::copy(&mut from, &mut to);
        let _gone = to.shutdown(Shutdown::Both);
    });
}
