//! A TCP proxy between an agent and its local Lambda that treats Invokes as the test says.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// How often a held connection looks whether it is let go.
const LOOK: Duration = Duration::from_millis(10);
/// Lambda's answer to one Invoke too many.
const THROTTLED: &str = r#"{"Type":"User","message":"Rate Exceeded.","Reason":"ConcurrentInvocationLimitExceeded"}"#;

/// Its answer where it failed itself.
const FAILED: &str = r#"{"Type":"Service","message":"An internal error occurred."}"#;

/// What becomes of an Invoke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Pass,
    /// It is answered 429, and the Lambda does not hear of it.
    Throttle,
    /// It is answered 500, and the Lambda does not hear of it.
    Fail,
    /// It goes on after this.
    Late(Duration),
}

/// The front; clones share it.
#[derive(Clone)]
pub struct Front(Arc<State>);

struct State {
    plan: Mutex<Plan>,
    /// The Invokes that are on their way; each is held when its flag is set.
    standing: Mutex<Vec<Arc<AtomicBool>>>,
}

struct Plan {
    next: VecDeque<Fate>,
    others: Fate,
    seen: Vec<Fate>,
}

impl Front {
    pub fn new() -> Self {
        let plan = Plan { next: VecDeque::new(), others: Fate::Pass, seen: Vec::new() };
        Self(Arc::new(State { plan: Mutex::new(plan), standing: Mutex::default() }))
    }

    /// Fates of the next Invokes, in their order; those after them pass.
    pub fn next(&self, fates: &[Fate]) {
        self.0.plan.lock().expect("plan").next = fates.iter().copied().collect();
    }

    /// The fate of every Invoke for which none was said.
    pub fn all(&self, fate: Fate) {
        self.0.plan.lock().expect("plan").others = fate;
    }

    /// The fates of the Invokes that came.
    pub fn seen(&self) -> Vec<Fate> {
        self.0.plan.lock().expect("plan").seen.clone()
    }

    /// From now on nothing passes on the connections of standing Invokes, and nobody is told; says how many there are.
    pub fn make_a_black_hole(&self) -> usize {
        let standing: Vec<_> = self.0.standing.lock().expect("standing").drain(..).collect();
        standing.iter().for_each(|held| held.store(true, Ordering::SeqCst));
        standing.len()
    }

    /// Begins to listen for one agent, whose calls are passed on under the Lambda's own token.
    pub fn before(&self, lambda: SocketAddr, token: &str) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("front");
        let address = listener.local_addr().expect("address");
        let (front, token) = (self.clone(), token.to_owned());
        thread::spawn(move || {
            for call in listener.incoming().flatten() {
                let (front, token) = (front.clone(), token.clone());
                thread::spawn(move || front.carry(call, lambda, &token));
            }
        });
        address
    }

    fn carry(&self, mut call: TcpStream, lambda: SocketAddr, token: &str) -> Option<()> {
        let head = read_head(&mut call)?;
        let is_invoke = head.starts_with("POST ") && head.lines().next()?.contains("/invocations ");
        let fate = if is_invoke { self.decide() } else { Fate::Pass };
        match fate {
            Fate::Pass => {}
            Fate::Late(time) => thread::sleep(time),
            Fate::Throttle => return refuse(&mut call, "429 Too Many Requests", "TooManyRequestsException", THROTTLED),
            Fate::Fail => return refuse(&mut call, "500 Internal Server Error", "ServiceException", FAILED),
        }
        let mut far = TcpStream::connect(lambda).ok()?;
        far.write_all(with_token(&head, token).as_bytes()).ok()?;
        let held = Arc::new(AtomicBool::new(false));
        if is_invoke {
            self.0.standing.lock().expect("standing").push(held.clone());
        }
        let (back_from, back_to, back_held) = (far.try_clone().ok()?, call.try_clone().ok()?, held.clone());
        let back = thread::spawn(move || copy(back_from, back_to, &back_held));
        copy(call, far, &held);
        back.join().expect("the way back");
        self.0.standing.lock().expect("standing").retain(|standing| !Arc::ptr_eq(standing, &held));
        Some(())
    }

    fn decide(&self) -> Fate {
        let mut plan = self.0.plan.lock().expect("plan");
        let fate = plan.next.pop_front().unwrap_or(plan.others);
        plan.seen.push(fate);
        fate
    }
}

fn read_head(call: &mut TcpStream) -> Option<String> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        call.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    String::from_utf8(head).ok()
}

fn with_token(head: &str, token: &str) -> String {
    let line = |line: &str| match line.to_lowercase().starts_with("authorization:") {
        true => format!("authorization: Bearer {token}\r\n"),
        false => format!("{line}\r\n"),
    };
    head.trim_end().lines().map(line).collect::<String>() + "\r\n"
}

fn refuse(call: &mut TcpStream, status: &str, kind: &str, body: &str) -> Option<()> {
    let head = format!(
        "HTTP/1.1 {status}\r\nx-amzn-errortype: {kind}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    call.write_all((head + body).as_bytes()).ok()?;
    call.shutdown(Shutdown::Write).ok()?;
    // The payload is read to its end, since a reset could overtake the answer.
    std::io::copy(call, &mut std::io::sink()).ok().map(|_| ())
}

fn copy(mut from: TcpStream, mut to: TcpStream, held: &AtomicBool) {
    let mut buffer = [0; 16 * 1024];
    loop {
        let read = from.read(&mut buffer);
        while held.load(Ordering::SeqCst) {
            thread::sleep(LOOK);
        }
        match read {
            Ok(size @ 1..) if to.write_all(&buffer[..size]).is_ok() => {}
            _ => break,
        }
    }
    let _gone = to.shutdown(Shutdown::Write);
}
