//! The real local Lambda in the test's hand, which outlives its agents if it has to, and a front for each of them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;

use super::front::Front;
use super::program::EXE;

/// Where agents' clerks come. Dropped, it ends the local Lambda.
pub struct Desk {
    pub address: SocketAddr,
    pub front: Front,
    lambda: Arc<Mutex<Option<Lambda>>>,
}

/// A running local Lambda.
struct Lambda {
    process: Child,
    stdin: Option<ChildStdin>,
    ready: Value,
    token: String,
}

impl Desk {
    /// One whose Lambda goes with its first agent.
    pub fn open() -> Self {
        Self::of(false)
    }

    /// One whose Lambda stays for the next agent.
    pub fn that_stays() -> Self {
        Self::of(true)
    }

    fn of(stays: bool) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("desk");
        let desk = Self { address: listener.local_addr().expect("address"), front: Front::new(), lambda: Arc::default() };
        let (front, lambda) = (desk.front.clone(), desk.lambda.clone());
        thread::spawn(move || {
            for clerk in listener.incoming().flatten() {
                let (front, lambda) = (front.clone(), lambda.clone());
                thread::spawn(move || serve(&clerk, &front, &lambda, stays));
            }
        });
        desk
    }

    /// The process of the local Lambda, once it runs.
    pub fn lambda(&self) -> Option<u32> {
        self.lambda.lock().expect("lambda").as_ref().map(|lambda| lambda.process.id())
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        if let Some(mut lambda) = self.lambda.lock().expect("lambda").take() {
            let _ended = lambda.process.kill();
            let _ended = lambda.process.wait();
        }
    }
}

/// One agent's clerk, from its options to its end.
fn serve(clerk: &TcpStream, front: &Front, lambda: &Mutex<Option<Lambda>>, stays: bool) {
    let mut options = String::new();
    let mut reader = BufReader::new(clerk);
    if reader.read_line(&mut options).is_err() || options.is_empty() {
        return;
    }
    let ready = {
        let mut lambda = lambda.lock().expect("lambda");
        let lambda = lambda.get_or_insert_with(|| Lambda::start(&options));
        let mut ready = lambda.ready.clone();
        let address = ready["listen"].as_str().expect("address").parse().expect("address");
        ready["listen"] = front.before(address, &lambda.token).to_string().into();
        ready
    };
    let mut writer = clerk;
    writeln!(writer, "{ready}").expect("the clerk reads");
    let _end = reader.read_to_end(&mut Vec::new());
    if !stays && let Some(mut lambda) = lambda.lock().expect("lambda").take() {
        lambda.stdin = None;
        let _ended = lambda.process.wait();
    }
    let _gone = clerk.shutdown(Shutdown::Both);
}

impl Lambda {
    /// Starts the real program with an agent's options; its functions are the real program, too.
    fn start(options: &str) -> Self {
        let mut options: Value = serde_json::from_str(options).expect("options");
        for program in ["command", "wrapper"] {
            options[program][0] = EXE.into();
        }
        let mut process =
            Command::new(EXE).arg("local-lambda").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it runs");
        let mut stdin = process.stdin.take().expect("stdin");
        writeln!(stdin, "{options}").expect("options");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("stdout")).read_line(&mut line).expect("a ready line");
        let ready = serde_json::from_str(&line).expect("a ready line");
        Self { process, stdin: Some(stdin), ready, token: options["token"].as_str().expect("token").to_owned() }
    }
}
