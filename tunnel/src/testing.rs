//! Connected pairs in memory, for tests.

use tokio::io::DuplexStream;

use crate::identity::Identity;
use crate::limits::LINK_CAPACITY;
use crate::session::client::{self, Driver, Opener};
use crate::session::server::{self, Server};

/// A session between two ends in this process. The driver must be spawned, the server polled.
///
/// # Panics
/// When the handshake fails, which would be a bug of this crate.
pub async fn session_pair() -> (Opener, Driver<DuplexStream>, Server<DuplexStream>) {
    let (agent, function) = (Identity::mint(), Identity::mint());
    let (near, far) = tokio::io::duplex(LINK_CAPACITY);
    let (client, server) =
        tokio::join!(client::connect(near, &agent, function.public()), server::accept(far, &function, agent.public()));
    let (opener, driver) = client.expect("the agent's end");
    (opener, driver, server.expect("the function's end"))
}
