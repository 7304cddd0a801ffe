//! Notices that this machine's network has changed: another Wi-Fi, a cable, a VPN. Legs on the old one are dead, mostly
//! without a word, and waiting for their silence would cost ten seconds.
//!
//! Never: it decides nothing, and an agent without it only notices later.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use if_watch::IfEvent;
use if_watch::tokio::IfWatcher;
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::task::AbortOnDropHandle;

/// Addresses come and go in bursts, the new after the old; once they rest for this long the network is usable.
const QUIET: Duration = Duration::from_millis(500);
/// A network that never rests is told of all the same.
const LONGEST_BURST: Duration = Duration::from_secs(3);
/// At the start every address that is there is told as new.
const SETTLING: Duration = Duration::from_secs(1);

/// Tells of changes. Clones share one watcher, which ends with the last of them.
#[derive(Clone)]
pub struct Network {
    changes: watch::Receiver<u64>,
    _watching: Option<Arc<AbortOnDropHandle<()>>>,
}

impl Network {
    /// Begins to watch this machine. Where that cannot be done, its network seems never to change.
    pub fn watch() -> Self {
        let (told, changes) = watch::channel(0);
        let watching = match IfWatcher::new() {
            Ok(watcher) => {
                let outward = |event: io::Result<IfEvent>| async {
                    event.map(|event| leads_outward(address_of(&event)).then_some(())).transpose()
                };
                let events = Box::pin(watcher.filter_map(outward));
                Some(Arc::new(AbortOnDropHandle::new(tokio::spawn(tell(events, told)))))
            }
            Err(error) => {
                tracing::warn!(%error, "a change of this machine's network will be noticed by silence only");
                None
            }
        };
        Self { changes, _watching: watching }
    }

    /// Counts the changes from now on.
    pub fn changes(&self) -> watch::Receiver<u64> {
        let mut changes = self.changes.clone();
        changes.mark_unchanged();
        changes
    }
}

/// Gathers events into changes for as long as there are any.
async fn tell(mut events: impl Stream<Item = io::Result<()>> + Unpin, told: watch::Sender<u64>) {
    let settled = Instant::now() + SETTLING;
    while let Ok(Some(Ok(()))) = timeout_at(settled, events.next()).await {}
    while let Some(event) = events.next().await {
        if let Err(error) = event {
            tracing::warn!(%error, "this machine's network is no longer watched");
            return;
        }
        let burst = async { while let Ok(Some(Ok(()))) = timeout(QUIET, events.next()).await {} };
        let _rests = timeout(LONGEST_BURST, burst).await;
        tracing::info!("this machine's network has changed");
        told.send_modify(|changes| *changes += 1);
    }
}

fn address_of(event: &IfEvent) -> IpAddr {
    match event {
        IfEvent::Up(network) | IfEvent::Down(network) => network.addr(),
    }
}

/// No relay is reached by a loopback or link-local address; containers make and lose those all day.
fn leads_outward(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(ip) => !ip.is_loopback() && !ip.is_link_local(),
        IpAddr::V6(ip) => !ip.is_loopback() && !ip.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;
    use tokio::time::sleep;

    use super::*;

    const S: Duration = Duration::from_secs(1);

    /// Events that a test sends, and what is told of them.
    fn told() -> (mpsc::UnboundedSender<io::Result<()>>, watch::Receiver<u64>) {
        let (events, coming) = mpsc::unbounded_channel();
        let (told, changes) = watch::channel(0);
        let coming = futures_util::stream::unfold(coming, async |mut coming| Some((coming.recv().await?, coming)));
        tokio::spawn(async move { tell(Box::pin(coming), told).await });
        (events, changes)
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_there_at_the_start_is_no_change() {
        let (events, changes) = told();
        (0..5).for_each(|_| events.send(Ok(())).expect("event"));
        sleep(10 * S).await;
        assert_eq!(*changes.borrow(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_one_change_told_when_it_rests() {
        let (events, mut changes) = told();
        sleep(2 * S).await;
        let begun = Instant::now();
        for _ in 0..4 {
            events.send(Ok(())).expect("event");
            sleep(S / 4).await;
        }
        changes.changed().await.expect("told");
        assert_eq!((*changes.borrow(), begun.elapsed() < 2 * S), (1, true));
        sleep(10 * S).await;
        assert_eq!(*changes.borrow(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_network_that_never_rests_is_told_of_all_the_same() {
        let (events, changes) = told();
        sleep(2 * S).await;
        for _ in 0..40 {
            events.send(Ok(())).expect("event");
            sleep(S / 4).await;
        }
        assert!((2..=4).contains(&*changes.borrow()), "{}", *changes.borrow());
    }

    #[tokio::test(start_paused = true)]
    async fn a_watcher_that_fails_ends_quietly() {
        let (events, mut changes) = told();
        sleep(2 * S).await;
        events.send(Err(io::ErrorKind::BrokenPipe.into())).expect("event");
        changes.changed().await.expect_err("nobody tells any more");
    }

    #[test]
    fn only_addresses_that_lead_outward_count() {
        for (address, counts) in [
            ("192.168.1.7", true),
            ("10.0.0.1", true),
            ("2001:db8::1", true),
            ("fd00::1", true),
            ("127.0.0.1", false),
            ("169.254.3.4", false),
            ("::1", false),
            ("fe80::1", false),
        ] {
            assert_eq!(leads_outward(address.parse().expect("address")), counts, "{address}");
        }
    }
}
