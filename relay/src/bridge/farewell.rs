//! A leg's last words, in bounded time.

use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// How long a leg's last words may take: a half-dead socket takes none.
const FAREWELL: Duration = Duration::from_secs(1);

/// Says the last words and closes, all within [`FAREWELL`].
///
/// What still comes in is read and thrown away until the end closes too: a socket closed with unread bytes is reset, and a
/// reset would overtake the close frame.
pub(super) async fn farewell(mut io: impl AsyncRead + AsyncWrite + Unpin, words: Vec<Bytes>) {
    let say = async {
        for word in words {
            io.write_all(&word).await?;
        }
        io.flush().await?;
        io.shutdown().await?;
        let mut scrap = [0; 1024];
        while io.read(&mut scrap).await? > 0 {}
        Ok::<(), std::io::Error>(())
    };
    match timeout(FAREWELL, say).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "the leg was gone before its last words"),
        Err(_) => tracing::debug!("the leg did not take its last words in time"),
    }
}
