//! What the program writes to standard output and error: the last 4 KiB of an invocation, and every line to our own log.
//!
//! Never: nothing waits for the end of the pipe; something that the program left behind may hold it open.

use std::collections::VecDeque;
use std::io::{self, PipeReader};

use tracing::debug;

use crate::cloud::local::server::system::{Buffer, Output};

/// How much of the log an answer carries (Lambda API reference, LogResult).
const TAIL: usize = 4096;
/// Longest line that our own log gets in one piece, bytes; our function's are below 300.
const LONGEST_LINE: usize = 1024;
/// Most reads that an answer waits for, two pipes full: not for a program that writes all the time.
const READS: usize = 16;

/// The program's output.
#[derive(Debug)]
pub(super) struct Logs {
    output: Option<Output>,
    tail: VecDeque<u8>,
    line: Vec<u8>,
    /// Whose lines these are, for our own log.
    label: String,
}

impl Logs {
    /// Reads `pipe`.
    pub(super) fn new(pipe: PipeReader, label: String) -> io::Result<Self> {
        Ok(Self { output: Some(Output::new(pipe)?), tail: VecDeque::with_capacity(TAIL), line: Vec::new(), label })
    }

    /// Waits for output and takes it. Safe to cancel; pends for ever once the pipe has ended.
    pub(super) async fn pump(&mut self) {
        let Some(output) = &mut self.output else { return std::future::pending().await };
        let mut buffer: Buffer = [0; _];
        match output.read(&mut buffer).await {
            Ok(length @ 1..) => self.take(&buffer[..length]),
            Ok(_) | Err(_) => self.output = None,
        }
    }

    /// Takes what the program has written so far, without waiting, so that an answer carries the lines before it.
    pub(super) fn drain(&mut self) {
        let mut buffer: Buffer = [0; _];
        for _ in 0..READS {
            let Some(length @ 1..) = self.output.as_mut().map(|output| output.read_now(&mut buffer)) else { break };
            self.take(&buffer[..length]);
        }
    }

    /// Adds a line of Lambda's own.
    pub(super) fn say(&mut self, text: &str) {
        self.take(text.as_bytes());
    }

    /// Hands out the tail and begins the next invocation's.
    pub(super) fn take_tail(&mut self) -> Vec<u8> {
        self.tail.drain(..).collect()
    }

    fn take(&mut self, bytes: &[u8]) {
        let excess = (self.tail.len() + bytes.len()).saturating_sub(TAIL);
        self.tail.drain(..excess.min(self.tail.len()));
        self.tail.extend(&bytes[bytes.len().saturating_sub(TAIL)..]);
        for byte in bytes {
            if *byte != b'\n' {
                self.line.push(*byte);
            }
            if *byte == b'\n' || self.line.len() == LONGEST_LINE {
                debug!(instance = self.label, "{}", String::from_utf8_lossy(&self.line));
                self.line.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[tokio::test]
    async fn the_tail_is_the_last_four_kibibytes_and_starts_anew() {
        let (reader, mut writer) = io::pipe().expect("pipe");
        let mut logs = Logs::new(reader, String::new()).expect("logs");
        writer.write_all(&[b'a'; 5000]).expect("write");
        logs.pump().await;
        writer.write_all(b"the end").expect("write");
        logs.drain();
        let tail = logs.take_tail();
        assert_eq!(tail.len(), TAIL);
        assert!(tail.ends_with(b"athe end"));
        logs.say("next\n");
        assert_eq!(logs.take_tail(), b"next\n");
    }

    #[tokio::test]
    async fn draining_a_silent_or_ended_pipe_does_not_wait() {
        let (reader, writer) = io::pipe().expect("pipe");
        let mut logs = Logs::new(reader, String::new()).expect("logs");
        logs.drain();
        drop(writer);
        logs.pump().await;
        logs.drain();
        assert!(logs.take_tail().is_empty());
    }
}
