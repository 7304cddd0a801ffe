//! A named pipe that its user and the system alone may open, under a name that nobody can have taken before.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use interprocess::os::windows::named_pipe::PipeListenerOptions;
use interprocess::os::windows::named_pipe::pipe_mode::Bytes;
use interprocess::os::windows::named_pipe::tokio::{DuplexPipeStream, PipeListener};
use interprocess::os::windows::security_descriptor::SecurityDescriptor;
use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeClient};
use tokio::time::sleep;
use widestring::u16cstr;

/// Bytes of the random end of a name.
const NONCE_BYTES: usize = 16;

/// `ERROR_PIPE_BUSY` (winerror.h): somebody else is just being accepted.
const PIPE_BUSY: i32 = 231;
/// How soon one asks again then; whoever waits for an answer has a limit of its own.
const BUSY_PAUSE: Duration = Duration::from_millis(20);

/// Where pipes of that name are. They are no files, so the directory does not matter.
pub(in super::super) fn name(_runtime: &Path, name: &str) -> PathBuf {
    PathBuf::from(format!(r"\\.\pipe\awslambdaproxy-{name}"))
}

/// A new one in every run: any user may make a pipe, so a name that is known before could be taken by another.
pub(in super::super) fn address(name: &Path) -> PathBuf {
    let mut address = name.as_os_str().to_owned();
    address.push(format!("-{}", hex::encode(tunnel::random::bytes::<NONCE_BYTES>())));
    address.into()
}

/// The pipe's end that waits for whoever asks.
#[derive(Debug)]
pub(in super::super) struct Listener(PipeListener<Bytes, Bytes>);

impl Listener {
    /// Makes it, and refuses a name that is taken. Needs a runtime.
    pub(in super::super) fn bind(path: &Path) -> io::Result<Self> {
        // Nothing inherited; all rights for the system and for whoever owns the pipe.
        let owner_only = SecurityDescriptor::deserialize(u16cstr!("D:P(A;;GA;;;SY)(A;;GA;;;OW)"))?;
        let options = PipeListenerOptions::new().path(path).security_descriptor(Some(owner_only));
        options.create_tokio_duplex().map(Self)
    }

    /// The next one who asks.
    pub(in super::super) async fn accept(&self) -> io::Result<DuplexPipeStream<Bytes>> {
        self.0.accept().await
    }
}

/// Reaches the agent at `path`.
pub(in super::super) async fn connect(path: &Path) -> io::Result<NamedPipeClient> {
    loop {
        match ClientOptions::new().open(path) {
            Err(error) if error.raw_os_error() == Some(PIPE_BUSY) => sleep(BUSY_PAUSE).await,
            other => return other,
        }
    }
}
