//! This executable in the agent's place.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::ExitCode;

/// Tells the agent's processes where the test's desk is.
pub const DESK: &str = "TEST_DESK";

/// The agent's program, if a test has started it; `None` for a run of the tests.
pub fn as_the_agent() -> Option<ExitCode> {
    let desk = std::env::var(DESK).ok()?;
    // What the agent's own `main` does.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match std::env::args().nth(1).as_deref() {
        Some("local-lambda") => Some(stand_in_for_the_lambda(&desk)),
        _ => Some(agent::cli::start()),
    }
}

/// Passes the options on to the desk and its ready line back; then lives as long as a local Lambda would.
fn stand_in_for_the_lambda(desk: &str) -> ExitCode {
    let (mut input, mut options) = (BufReader::new(std::io::stdin()), String::new());
    input.read_line(&mut options).expect("options");
    let mut desk = TcpStream::connect(desk).expect("the desk");
    desk.write_all(options.as_bytes()).expect("options");
    let (mut answers, mut ready) = (BufReader::new(desk.try_clone().expect("clone")), String::new());
    answers.read_line(&mut ready).expect("a ready line");
    let mut output = std::io::stdout().lock();
    output.write_all(ready.as_bytes()).and_then(|()| output.flush()).expect("the agent reads");
    // The end of the input is the order to take no more invocations; the desk goes when the last one has ended.
    let _end = input.read_to_end(&mut Vec::new());
    let _gone = desk.shutdown(Shutdown::Write);
    let _end = answers.read_to_end(&mut Vec::new());
    ExitCode::SUCCESS
}
