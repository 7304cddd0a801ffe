//! The local Lambda as a process: options on standard input, one ready line on standard output, orders by signal where there
//! are signals.
//!
//! | what it sees | what it does |
//! |---|---|
//! | end of standard input: the agent has gone or let go | takes no more invocations, goes after the last one |
//! | SIGTERM | kills its children and goes |
//! | SIGINT, SIGHUP | nothing: a terminal means the agent, whose end it sees anyhow |

use std::io::{self, Write};

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};
use tokio::sync::watch;

use super::system::{Hold, Orders, standard_input};
use super::{ServeError, Server, Stop};
use crate::cloud::local::options::{Options, Ready};

/// Longest line of options, bytes: 250 regions and 4 KiB of variables fit many times.
const LONGEST_OPTIONS: u64 = 256 * 1024;

/// The body of the hidden subcommand `local-lambda`. Returns when it has gone through its end.
pub async fn run_process() -> Result<(), ServeError> {
    let mut input = standard_input().map_err(ServeError::Parent)?;
    let _hold = Hold::take().map_err(ServeError::Hold)?;
    let options = read_options(&mut input).await.map_err(ServeError::Parent)?;
    let server = Server::bind(options).await?;
    let (orders, stop) = watch::channel(Stop::Serve);
    // Before the ready line, so that no signal after it meets the default action.
    let watching = watch_orders(input, &orders).map_err(ServeError::Parent)?;
    say_ready(server.ready()).map_err(ServeError::Parent)?;
    tokio::select! {
        () = server.run(stop) => Ok(()),
        never = watching => match never {},
    }
}

async fn read_options(input: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Options> {
    let mut line = String::new();
    input.take(LONGEST_OPTIONS).read_line(&mut line).await?;
    Ok(serde_json::from_str(&line)?)
}

fn say_ready(ready: &Ready) -> io::Result<()> {
    let mut line = serde_json::to_vec(ready)?;
    line.push(b'\n');
    let mut output = io::stdout().lock();
    output.write_all(&line)?;
    output.flush()
}

/// Turns the end of the input and a signal into orders; an order never takes back a greater one.
fn watch_orders(
    mut input: impl AsyncBufRead + Unpin,
    stop: &watch::Sender<Stop>,
) -> io::Result<impl Future<Output = std::convert::Infallible>> {
    let mut orders = Orders::new()?;
    Ok(async move {
        let mut at_end = false;
        loop {
            let order = tokio::select! {
                () = end_of(&mut input), if !at_end => { at_end = true; Stop::Drain }
                () = orders.kill() => Stop::Kill,
            };
            stop.send_if_modified(|now| std::mem::replace(now, order.max(*now)) != order);
        }
    })
}

/// Resolves at the end of the input; nothing is expected before it.
async fn end_of(input: &mut (impl AsyncBufRead + Unpin)) {
    while let Ok(bytes @ 1..) = input.fill_buf().await.map(<[u8]>::len) {
        input.consume(bytes);
    }
}
