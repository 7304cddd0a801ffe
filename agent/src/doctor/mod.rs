//! `doctor`: looks at everything that a working exit needs, from the configuration to one real invocation.
//!
//! ```text
//!   machine ─▶ relay ─┐
//!                     ├─▶ exit (one real invocation)      check: the findings as data      clock, tls: what the ways tell
//!       aws, owner ──┘                                      phases: how far an exit came
//! ```
//! Never: nothing is changed, neither on this machine nor in the account, and no check takes longer than it may.

mod aws;
mod check;
mod clock;
mod exit;
mod machine;
mod owner;
mod phases;
mod relay;
mod table;
mod tls;

use std::future::Future;
use std::time::Duration;

use tokio::time::timeout;

pub use self::check::{Area, Check, Findings, Status, Summary};
use crate::config::{Config, Mode, resolve};
use crate::control_socket::Client;
use crate::deploy::State;

/// How long one question may take: a dial and its second try, or a call to AWS with its tries.
const LONGEST: Duration = Duration::from_secs(20);

/// Examines a configuration that could be read. Local mode has no account to look at.
pub async fn examine(config: &Config, agent: Option<&Client>, state: Option<&State>) -> Findings {
    if config.mode == Mode::Local {
        let (machine, (relays, _)) = tokio::join!(machine::examine(config, agent), relay::examine(config));
        return Findings([machine, relays, without_account()].concat());
    }
    let regions = resolve(&config.regions);
    let (machine, (relays, reached), account) =
        tokio::join!(machine::examine(config, agent), relay::examine(config), aws::examine(config, &regions, state));
    let exit = exit::examine(config, &account, reached).await;
    Findings([machine, relays, account.checks, exit].concat())
}

fn without_account() -> Vec<Check> {
    let skip = |area, component| Check::skip(area, component, "-", "`run --local` needs no account");
    vec![skip(Area::Aws, "credentials"), skip(Area::Region, "region"), skip(Area::Machine, "exit")]
}

/// The answer of `question`, if it comes in time.
async fn in_time<T>(question: impl Future<Output = T>) -> Result<T, String> {
    timeout(LONGEST, question).await.map_err(|_| format!("no answer within {} s", LONGEST.as_secs()))
}
