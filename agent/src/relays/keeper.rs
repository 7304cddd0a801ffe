//! Keeps what is known of the relays fresh: asks each for its health now and then, and tells problems.

use std::time::Duration;

use futures_util::future::join_all;
use futures_util::stream::{SelectAll, StreamExt, select_all, unfold};
use futures_util::{Stream, pin_mut};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tokio_util::task::AbortOnDropHandle;
use tunnel::leg::known::Knowledge;
use tunnel::leg::probe::probe;

use super::Relays;
use super::problems::Told;
use crate::health::Health;
use crate::network::Network;

/// Between two questions: so long may `status` say `up` of a relay that nobody uses and that has just died.
const PERIOD: Duration = Duration::from_secs(60);
/// Part of the period by which agents drift apart, so that a relay is not asked by all at once.
const SPREAD: f64 = 0.2;

/// Begins. Ends when the handle is dropped.
pub fn begin(relays: Relays, network: &Network, health: Health) -> AbortOnDropHandle<()> {
    let changes = network.changes();
    AbortOnDropHandle::new(tokio::spawn(async move {
        tokio::join!(ask_again_and_again(&relays, changes), tell(&relays, &health));
    }))
}

async fn ask_again_and_again(relays: &Relays, mut changes: watch::Receiver<u64>) {
    loop {
        join_all(relays.all().iter().filter(|relay| !relay.known.is_held(Instant::now())).map(probe)).await;
        let pause = PERIOD.mul_f64(1.0 - SPREAD * fastrand::f64());
        tokio::select! {
            () = sleep(pause) => {}
            Ok(()) = changes.changed() => {}
        }
    }
}

/// Turns what is known into problems at every change.
async fn tell(relays: &Relays, health: &Health) {
    let changes = any_change(relays);
    pin_mut!(changes);
    let mut told = Told::default();
    loop {
        told.update(relays, health);
        if changes.next().await.is_none() {
            return;
        }
    }
}

fn any_change(relays: &Relays) -> SelectAll<impl Stream<Item = ()> + use<>> {
    let one = |watch: watch::Receiver<Knowledge>| {
        Box::pin(unfold(watch, |mut watch| async move { watch.changed().await.is_ok().then_some(((), watch)) }))
    };
    select_all(relays.all().iter().map(|relay| one(relay.known.watch())))
}
