//! The function's side of the control stream.

use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;
use tunnel::control::{self, ControlError, FromAgent, FromFunction, Reader};
use tunnel::stream::TunnelStream;

/// Messages waiting to be written: an invocation has three at most, and few go by unpaired.
const UNSAID: usize = 16;

/// What comes of a control stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Heard {
    /// The agent's order.
    Order(FromAgent),
    /// `answering` is in the session's buffer.
    SaidAnswering,
}

/// A control stream. Dropped, it ends.
pub(super) struct Control {
    say: mpsc::Sender<FromFunction>,
    _task: AbortOnDropHandle<()>,
}

impl Control {
    /// Takes the stream and begins with `hello`.
    pub(super) fn begin(stream: TunnelStream, hello: FromFunction, heard: mpsc::Sender<Heard>) -> Self {
        let (say, said) = mpsc::channel(UNSAID);
        let control = async move {
            if let Err(error) = converse(stream, hello, said, heard).await {
                tracing::warn!(%error, "control stream lost");
            }
        };
        Self { say, _task: AbortOnDropHandle::new(tokio::spawn(control)) }
    }

    /// Says `message` as soon as the stream takes it.
    pub(super) fn say(&self, message: FromFunction) {
        if self.say.try_send(message).is_err() {
            tracing::warn!("the control stream takes no message");
        }
    }
}

/// Both directions; the first to end ends the other.
async fn converse(
    stream: TunnelStream,
    hello: FromFunction,
    mut said: mpsc::Receiver<FromFunction>,
    heard: mpsc::Sender<Heard>,
) -> Result<(), ControlError> {
    let (reader, mut writer) = tokio::io::split(stream);
    let listen = async {
        let mut reader = Reader::new(reader);
        while let Some(order) = reader.next().await? {
            if heard.send(Heard::Order(order)).await.is_err() {
                break;
            }
        }
        Ok(())
    };
    let speak = async {
        control::write(&mut writer, &hello).await?;
        while let Some(message) = said.recv().await {
            control::write(&mut writer, &message).await?;
            if message == (FromFunction::Answering {}) && heard.send(Heard::SaidAnswering).await.is_err() {
                break;
            }
        }
        Ok(writer.shutdown().await?)
    };
    tokio::select! {
        ended = listen => ended,
        ended = speak => ended,
    }
}
