//! A TCP proxy before a relay that can hold, reset, refuse and delay the legs of one end: what networks do.
//!
//! It tells the ends apart by the path they ask for; questions for a relay's health are the agent's. Held legs get neither FIN nor RST, and flow on when let go.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::Duration;

/// How often a waiting leg looks whether its fate has changed.
const LOOK: Duration = Duration::from_millis(10);

/// Whose leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Agent,
    Function,
}

/// What becomes of an end's legs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Pass,
    /// Every piece waits this long.
    Delay(Duration),
    /// Nothing passes, and nobody is told.
    Hold,
    /// New legs are reset at once; standing ones live.
    Refuse,
}

/// The proxy. Its threads end with their connections.
pub struct Chaos {
    pub address: SocketAddr,
    state: Arc<State>,
}

struct State {
    relay: SocketAddr,
    fates: Mutex<[Fate; 2]>,
    legs: Mutex<Vec<Weak<Leg>>>,
    /// Legs ever asked for, and ever carried, by end.
    asked: [AtomicUsize; 2],
    carried: [AtomicUsize; 2],
}

struct Leg {
    end: End,
    near: TcpStream,
    far: TcpStream,
    cut: AtomicBool,
}

impl Chaos {
    pub fn start(relay: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind");
        let address = listener.local_addr().expect("address");
        let state = Arc::new(State {
            relay,
            fates: Mutex::new([Fate::Pass; 2]),
            legs: Mutex::default(),
            carried: Default::default(),
            asked: Default::default(),
        });
        let accepting = state.clone();
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let state = accepting.clone();
                thread::spawn(move || state.carry(near));
            }
        });
        Self { address, state }
    }

    pub fn set(&self, end: End, fate: Fate) {
        self.state.fates.lock().expect("fates")[end as usize] = fate;
    }

    /// How many legs of an end it has ever carried.
    pub fn carried(&self, end: End) -> usize {
        self.state.carried[end as usize].load(Ordering::SeqCst)
    }

    /// How many legs of an end were ever asked for, those that are held included.
    pub fn asked(&self, end: End) -> usize {
        self.state.asked[end as usize].load(Ordering::SeqCst)
    }

    /// Resets every standing leg of an end at both sides; says how many there were.
    pub fn reset(&self, end: End) -> usize {
        let mut legs = self.state.legs.lock().expect("legs");
        let cut = legs.iter().filter_map(Weak::upgrade).filter(|leg| leg.end == end).map(|leg| {
            leg.cut.store(true, Ordering::SeqCst);
        });
        let count = cut.count();
        legs.retain(|leg| leg.strong_count() > 0);
        count
    }
}

impl State {
    fn fate(&self, end: End) -> Fate {
        self.fates.lock().expect("fates")[end as usize]
    }

    fn carry(self: Arc<Self>, mut near: TcpStream) {
        let Some((end, head)) = introduction(&mut near) else { return };
        let is_leg = head.starts_with(b"GET /v1/");
        if is_leg {
            self.asked[end as usize].fetch_add(1, Ordering::SeqCst);
        }
        while self.fate(end) == Fate::Hold {
            thread::sleep(LOOK);
        }
        if is_leg {
            self.carried[end as usize].fetch_add(1, Ordering::SeqCst);
        }
        let far = TcpStream::connect(self.relay).ok().filter(|_| self.fate(end) != Fate::Refuse);
        let Some(mut far) = far else { return reset_on_drop(&near) };
        if far.write_all(&head).is_err() {
            return;
        }
        for side in [&near, &far] {
            side.set_nodelay(true).expect("option");
            side.set_read_timeout(Some(LOOK)).expect("option");
            side.set_write_timeout(Some(LOOK)).expect("option");
        }
        let leg = Arc::new(Leg { end, near, far, cut: AtomicBool::new(false) });
        self.legs.lock().expect("legs").push(Arc::downgrade(&leg));
        let (state, back) = (self.clone(), leg.clone());
        let returning = thread::spawn(move || state.copy(&back, &back.far, &back.near));
        self.copy(&leg, &leg.near, &leg.far);
        returning.join().expect("the other way");
    }

    fn copy(&self, leg: &Leg, mut from: &TcpStream, to: &TcpStream) {
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let read = match from.read(&mut buffer) {
                Err(error) if is_timeout(&error) => {
                    if leg.cut.load(Ordering::SeqCst) {
                        return leg.reset();
                    }
                    continue;
                }
                Ok(read) => Some(read),
                Err(_) => None,
            };
            self.hold(leg);
            match read {
                Some(0) => {
                    let _gone = to.shutdown(std::net::Shutdown::Write);
                    return;
                }
                Some(size) if leg.write(to, &buffer[..size]) => {}
                _ => return leg.reset(),
            }
        }
    }

    fn hold(&self, leg: &Leg) {
        if let Fate::Delay(delay) = self.fate(leg.end) {
            thread::sleep(delay);
        }
        while self.fate(leg.end) == Fate::Hold && !leg.cut.load(Ordering::SeqCst) {
            thread::sleep(LOOK);
        }
    }
}

impl Leg {
    /// Both ways end, and the sockets close with RST.
    fn reset(&self) {
        self.cut.store(true, Ordering::SeqCst);
        reset_on_drop(&self.near);
        reset_on_drop(&self.far);
    }

    fn write(&self, mut to: &TcpStream, mut data: &[u8]) -> bool {
        while !data.is_empty() && !self.cut.load(Ordering::SeqCst) {
            match to.write(data) {
                Ok(size) => data = &data[size..],
                Err(error) if is_timeout(&error) => {}
                Err(_) => return false,
            }
        }
        data.is_empty()
    }
}

/// The request's head as far as it tells who asks.
fn introduction(near: &mut TcpStream) -> Option<(End, Vec<u8>)> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b" HTTP/1.1\r\n") {
        if near.read(&mut byte).ok()? == 0 || head.len() > 200 {
            return None;
        }
        head.push(byte[0]);
    }
    let end = if head.starts_with(b"GET /v1/function ") { End::Function } else { End::Agent };
    Some((end, head))
}

fn reset_on_drop(socket: &TcpStream) {
    let _gone = socket2::SockRef::from(socket).set_linger(Some(Duration::ZERO));
}

fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
