//! Windows: a job that takes the programs along, a thread per program's output. Nothing can be frozen: a program that has
//! answered goes on running until it is invoked again.

use std::io::{self, PipeReader, Read};
use std::process::ExitStatus;
use std::thread;

use tokio::io::{BufReader, Stdin};
use tokio::process::Child;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use win32job::{ExtendedLimitInfo, Job};

use super::{Buffer, READ};

/// What a program sees of our own variables. Without the system's folder no socket can be opened.
pub(in super::super) const KEPT_VARIABLES: &[&str] = &["PATH", "SystemRoot"];

/// Reads that wait to be taken; beyond them a program that writes all the time waits.
const WAITING: usize = 16;

/// Its read blocks a thread, which the end of the runtime leaves behind.
pub(in super::super) fn standard_input() -> io::Result<BufReader<Stdin>> {
    Ok(BufReader::new(tokio::io::stdin()))
}

/// What this process starts while it has the job dies with it, however it dies.
pub(in super::super) struct Hold {
    job: Job,
}

impl Hold {
    pub(in super::super) fn take() -> io::Result<Self> {
        let mut limits = ExtendedLimitInfo::new();
        limits.limit_kill_on_job_close();
        let job = Job::create_with_limit_info(&limits).map_err(io::Error::other)?;
        job.assign_current_process().map_err(io::Error::other)?;
        Ok(Self { job })
    }
}

/// An end in good order leaves nothing in the job but this process, which then ends as it wants and not by the job: Wine's
/// server does not survive that.
impl Drop for Hold {
    fn drop(&mut self) {
        if self.job.query_process_id_list().is_ok_and(|alive| alive.len() == 1) {
            let _unchanged = self.job.set_extended_limit_info(&ExtendedLimitInfo::new());
        }
    }
}

/// Orders that come by no pipe: there are none, and who wants it gone at once ends it.
pub(in super::super) struct Orders;

impl Orders {
    pub(in super::super) fn new() -> io::Result<Self> {
        Ok(Self)
    }

    /// Never resolves.
    pub(in super::super) async fn kill(&mut self) {
        std::future::pending().await
    }
}

/// The pipe with a program's standard output and error, as a thread reads it.
#[derive(Debug)]
pub(in super::super) struct Output(Receiver<Vec<u8>>);

impl Output {
    /// Reads `pipe`, in a thread that ends with it.
    pub(in super::super) fn new(pipe: PipeReader) -> io::Result<Self> {
        let (sender, receiver) = channel(WAITING);
        thread::Builder::new().name("output".into()).spawn(move || pass_on(pipe, &sender))?;
        Ok(Self(receiver))
    }

    /// Waits for output; 0 bytes are its end. Safe to cancel.
    pub(in super::super) async fn read(&mut self, buffer: &mut Buffer) -> io::Result<usize> {
        Ok(self.0.recv().await.map_or(0, |bytes| put(&bytes, buffer)))
    }

    /// What the thread has by now; 0 bytes when there is nothing.
    pub(in super::super) fn read_now(&mut self, buffer: &mut Buffer) -> usize {
        self.0.try_recv().map_or(0, |bytes| put(&bytes, buffer))
    }
}

fn pass_on(mut pipe: PipeReader, to: &Sender<Vec<u8>>) {
    let mut buffer = [0; READ];
    while let Ok(length @ 1..) = pipe.read(&mut buffer) {
        if to.blocking_send(buffer[..length].to_vec()).is_err() {
            return;
        }
    }
}

/// No read is longer than the buffer.
fn put(bytes: &[u8], buffer: &mut Buffer) -> usize {
    buffer[..bytes.len()].copy_from_slice(bytes);
    bytes.len()
}

/// A program. What it starts is the job's to end.
#[derive(Debug)]
pub(in super::super) struct Group;

impl Group {
    pub(in super::super) fn of(_: &Child) -> Self {
        Self
    }

    /// Nothing can be.
    pub(in super::super) fn freeze(&self) {}

    /// Nothing is frozen.
    pub(in super::super) fn thaw(&self) {}

    /// The program itself is ended by its handle.
    pub(in super::super) fn kill(&mut self) {}
}

/// There are no signals.
pub(in super::super) fn signal_of(_: ExitStatus) -> Option<i32> {
    None
}
