//! A connection to a site, through an exit or from this machine.
//!
//! Never: one that is dropped half way looks cleanly closed to the site.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf, copy_bidirectional};
use tokio::net::TcpStream;
use tunnel::meter::Meter;
use tunnel::splice::{SpliceEnd, reset_on_close, splice};
use tunnel::stream::{TunnelStream, was_cut};

use super::client::{Client, close_cleanly};
use crate::exits::{ExitId, Opened, Place, StreamGuard};

/// A site, counted as long as it lives.
pub struct Site {
    stream: Stream,
    meter: Arc<Meter>,
    exit: Option<StreamGuard>,
    _place: Place,
}

enum Stream {
    Exit(TunnelStream),
    Direct(TcpStream),
}

impl Site {
    /// Through an exit.
    pub fn through_exit(opened: Opened, place: Place) -> Self {
        let Opened { stream, guard } = opened;
        Self { stream: Stream::Exit(stream), meter: guard.meter.clone(), exit: Some(guard), _place: place }
    }

    /// From this machine.
    pub fn direct(tcp: TcpStream, meter: Arc<Meter>, place: Place) -> Self {
        Self { stream: Stream::Direct(tcp), meter, exit: None, _place: place }
    }

    /// The exit that carries it; `None` from this machine.
    pub fn exit(&self) -> Option<&ExitId> {
        self.exit.as_ref().map(|guard| &guard.exit)
    }

    /// Copies between `client` and the site until both directions have ended, or one has failed.
    pub async fn splice(mut self, client: Client) -> SpliceEnd {
        let (tcp, already_read) = client.into_parts();
        let end = match self.stream {
            Stream::Exit(stream) => splice(tcp, already_read, stream, &self.meter).await,
            Stream::Direct(_) => return self.splice_direct(tcp, already_read).await,
        };
        if let SpliceEnd::Tunnel(error) = &end {
            note(self.exit.as_mut(), error);
        }
        end
    }

    async fn splice_direct(mut self, mut client: TcpStream, already_read: Bytes) -> SpliceEnd {
        reset_on_close(&client);
        let copied = async {
            self.write_all(&already_read).await?;
            copy_bidirectional(&mut client, &mut self).await
        };
        match copied.await {
            Ok(_) => {
                close_cleanly(&client);
                self.end().await;
                SpliceEnd::Clean
            }
            Err(error) => SpliceEnd::Tcp(error),
        }
    }

    /// Ends an idle connection, or one whose last exchange is whole.
    pub async fn end(mut self) {
        // Whoever cannot be told that we go has gone.
        let _gone = self.shutdown().await;
        if let Stream::Direct(tcp) = &self.stream {
            close_cleanly(tcp);
        }
    }
}

/// Remembers of a failed stream that its exit is to blame, if it is.
fn note(exit: Option<&mut StreamGuard>, error: &io::Error) {
    if let Some(exit) = exit.filter(|_| was_cut(error)) {
        exit.mark_cut();
    }
}

impl AsyncRead for Site {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = match &mut self.stream {
            Stream::Exit(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Direct(tcp) => Pin::new(tcp).poll_read(cx, buf),
        };
        ready!(read).inspect_err(|error| note(self.exit.as_mut(), error))?;
        self.meter.add_out_of_tunnel(buf.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Site {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(match &mut self.stream {
            Stream::Exit(stream) => Pin::new(stream).poll_write(cx, buf),
            Stream::Direct(tcp) => Pin::new(tcp).poll_write(cx, buf),
        })?;
        self.meter.add_into_tunnel(written);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Exit(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Direct(tcp) => Pin::new(tcp).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Exit(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Direct(tcp) => Pin::new(tcp).poll_shutdown(cx),
        }
    }
}
