//! Names to addresses, by the system's resolver.

use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tunnel::outcome::{ProxyError, Refusal};

/// How long a lookup may take, its wait for a slot included: what resolvers wait for one server's answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Lookups at once. Each holds a thread, also one that was given up, until the system's resolver gives up too.
const LOOKUPS: usize = 64;
/// Addresses kept of one name: more than anyone tries within the time of a connection attempt.
const ADDRESSES: usize = 16;

/// How one name is looked up; blocks.
type Lookup = fn(&str) -> std::io::Result<Vec<IpAddr>>;

/// Looks up names, a bounded number at once.
#[derive(Debug, Clone)]
pub struct Resolver {
    lookup: Lookup,
    patience: Duration,
    slots: Arc<Semaphore>,
}

impl Resolver {
    /// The system's resolver.
    pub fn system() -> Self {
        Self::new(system_lookup, PATIENCE)
    }

    fn new(lookup: Lookup, patience: Duration) -> Self {
        Self { lookup, patience, slots: Arc::new(Semaphore::new(LOOKUPS)) }
    }

    /// A resolver whose lookups wait for a slot that never comes.
    #[cfg(test)]
    pub(crate) fn without_slots() -> Self {
        Self { slots: Arc::new(Semaphore::new(0)), ..Self::system() }
    }

    /// The addresses of `name`, in the order of the resolver; never empty.
    pub(super) async fn lookup(&self, name: &str) -> Result<Vec<IpAddr>, Refusal> {
        match timeout(self.patience, self.blocking(name)).await {
            Err(_) => Err(Refusal::new(ProxyError::DnsTimeout, "the resolver did not answer in time")),
            Ok(Err(error)) => Err(Refusal::new(ProxyError::DnsError, error)),
            Ok(Ok(found)) => first_of_each(found),
        }
    }

    async fn blocking(&self, name: &str) -> std::io::Result<Vec<IpAddr>> {
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(std::io::Error::other)?;
        let (lookup, name) = (self.lookup, name.to_owned());
        let found = spawn_blocking(move || {
            // Held by the thread itself: a caller that gives up does not free it.
            let _slot = slot;
            lookup(&name)
        });
        found.await.map_err(std::io::Error::other)?
    }
}

fn first_of_each(found: Vec<IpAddr>) -> Result<Vec<IpAddr>, Refusal> {
    let mut addresses: Vec<IpAddr> = Vec::new();
    for ip in found {
        if addresses.len() < ADDRESSES && !addresses.contains(&ip) {
            addresses.push(ip);
        }
    }
    if addresses.is_empty() {
        return Err(Refusal::new(ProxyError::DnsError, "the name has no address"));
    }
    Ok(addresses)
}

fn system_lookup(name: &str) -> std::io::Result<Vec<IpAddr>> {
    Ok((name, 0).to_socket_addrs()?.map(|address| address.ip()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lookup(how: Lookup) -> Result<Vec<IpAddr>, ProxyError> {
        Resolver::new(how, PATIENCE).lookup("example.com").await.map_err(|refusal| refusal.error)
    }

    #[tokio::test]
    async fn an_address_is_kept_once_and_their_number_is_bounded() {
        let many = |_: &str| Ok((0..40u8).map(|i| IpAddr::from([192, 0, 2, i / 2])).collect());
        let found = lookup(many).await.expect("found");
        assert_eq!(found, (0..16u8).map(|i| IpAddr::from([192, 0, 2, i])).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_name_that_is_not_there_is_a_dns_error() {
        assert_eq!(lookup(|_| Ok(vec![])).await, Err(ProxyError::DnsError));
        assert_eq!(lookup(|_| Err(std::io::Error::other("no such name"))).await, Err(ProxyError::DnsError));
    }

    #[tokio::test]
    async fn a_silent_resolver_is_a_dns_timeout_and_keeps_its_slot() {
        static RELEASE: (std::sync::Mutex<bool>, std::sync::Condvar) = (std::sync::Mutex::new(false), std::sync::Condvar::new());
        let stuck = |_: &str| {
            let released = RELEASE.0.lock().expect("not poisoned");
            drop(RELEASE.1.wait_while(released, |released| !*released));
            Ok(vec![])
        };
        let resolver = Resolver::new(stuck, Duration::from_millis(20));
        let error = resolver.lookup("example.com").await.expect_err("silence");
        assert_eq!(error.error, ProxyError::DnsTimeout);
        assert_eq!(resolver.slots.available_permits(), LOOKUPS - 1);
        *RELEASE.0.lock().expect("not poisoned") = true;
        RELEASE.1.notify_all();
        let _all = resolver.slots.acquire_many(LOOKUPS as u32).await.expect("the thread gives its slot back");
    }
}
