//! The relays: reached, with the right certificate and a token that is known, and vouched for by whom.

use futures_util::future::join_all;
use time::OffsetDateTime;
use tunnel::leg::dial::AgentRelay;

use super::check::{Area, Check};
use super::{clock, in_time, tls};
use crate::app;
use crate::causes::in_one_line;
use crate::config::{Config, Mode, RelayConfig};
use crate::setup::knock;

/// Examines each; also says whether one can be used.
pub(super) async fn examine(config: &Config) -> (Vec<Check>, bool) {
    if config.relays.is_empty() {
        return (vec![none(config.mode)], false);
    }
    let relays = match app::relays(config, &[]) {
        Ok(relays) => relays,
        Err(error) => return (vec![Check::fail(Area::Config, "relay", "-", in_one_line(error.chain()))], false),
    };
    let (mut checks, mut reached) = (Vec::new(), false);
    for (found, usable) in join_all(config.relays.iter().zip(&relays).map(|(config, relay)| one(config, relay))).await {
        checks.extend(found);
        reached |= usable;
    }
    (checks, reached)
}

fn none(mode: Mode) -> Check {
    match mode {
        Mode::Local => Check::skip(Area::Relay, "relay", "-", "`run --local` starts one of its own"),
        Mode::Cloud => Check::fail(Area::Config, "relay", "-", "no [relay] is configured").mend(
            "set a relay up with `awslambdaproxy-relay init`, then run `awslambdaproxy init`; `run --local` needs none, and \
             `doctor --local` looks at that",
        ),
    }
}

async fn one(config: &RelayConfig, relay: &AgentRelay) -> (Vec<Check>, bool) {
    let target = config.url.to_string();
    let (knocked, vouched) = tokio::join!(in_time(knock(relay)), vouched(config, relay));
    let (check, usable) = match knocked {
        Ok(Ok(took)) => {
            let details = format!("a leg stands after {} ms, and the token is known", took.as_millis());
            (Check::pass(Area::Relay, "relay", &target, details), true)
        }
        Ok(Err(trouble)) => (Check::fail(Area::Relay, "relay", &target, trouble.text).mend(trouble.hint), false),
        Err(late) => (Check::fail(Area::Relay, "relay", &target, late).mend("check this machine's network"), false),
    };
    let checks = std::iter::once(check).chain(vouched).collect();
    (checks, usable)
}

/// Who vouches for its certificate, and what its clock says.
async fn vouched(config: &RelayConfig, relay: &AgentRelay) -> Vec<Check> {
    const COMPONENT: &str = "tls";
    let target = config.url.to_string();
    if !config.url.tls {
        return vec![Check::skip(Area::Relay, COMPONENT, target, "ws:// on this machine has no TLS")];
    }
    if config.pin.is_some() {
        return vec![Check::pass(Area::Relay, COMPONENT, target, "pinned: the relay line tells whether it is the right one")];
    }
    let shown = match tls::examine(&config.url.authority, &relay.trust).await {
        Ok(shown) => shown,
        Err(cause) => return vec![Check::skip(Area::Relay, COMPONENT, target, format!("not reached directly: {cause}"))],
    };
    let check = match (shown.voucher, &config.ca_file) {
        (tls::Voucher::Public, _) => Check::pass(Area::Relay, COMPONENT, &target, "a public authority vouches for it"),
        (tls::Voucher::Private, Some(file)) => {
            Check::pass(Area::Relay, COMPONENT, &target, format!("an authority of {} vouches for it", file.display()))
        }
        (tls::Voucher::Private, None) => {
            let details = "only an authority of this machine's own vouches for it: TLS may be inspected on the way";
            let mend =
                "whoever inspects can read the agent's token, not the tunnel; pair with a pinned certificate to shut that out";
            Check::warn(Area::Relay, COMPONENT, &target, details).mend(mend)
        }
    };
    let clock = shown.date.and_then(|date| clock::judge(&target, &date, OffsetDateTime::now_utc()));
    std::iter::once(check).chain(clock).collect()
}
