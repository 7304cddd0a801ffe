//! A certificate from a CA: issued, served, renewed, and served on while the CA is down. The CA is a real pebble.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tunnel::ticket::{Ticket, sha256};

use crate::home::{Home, Running, parts};
use crate::pebble::Pebble;
use crate::suggesting::Suggesting;
use crate::support::{Port, agent_request, open};
use crate::tls::anybody;

const NAME: &str = "relay.example.com";
/// Long enough for a busy machine to issue one, short enough to see it renewed.
const LIFE: Duration = Duration::from_secs(18);
/// Longer than a certificate lives.
const LONG: Duration = Duration::from_secs(60);

/// A client that believes whom `roots` vouch for.
async fn trusted(running: &Running, root: CertificateDer<'static>) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(root).expect("a root");
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().expect("versions");
    let config = builder.with_root_certificates(roots).with_no_client_auth();
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(NAME).expect("name"), running.connect().await).await
}

/// The certificate that is served, whoever vouches for it; `None` while there is none.
async fn served(running: &Running) -> Option<CertificateDer<'static>> {
    let connecting = anybody().connect(ServerName::try_from(NAME).expect("name"), running.connect().await);
    let stream = connecting.await.ok()?;
    stream.get_ref().1.peer_certificates()?.first().map(|certificate| certificate.clone().into_owned())
}

async fn served_other_than(running: &Running, old: Option<&CertificateDer<'static>>) -> CertificateDer<'static> {
    let waiting = async {
        loop {
            match served(running).await {
                Some(certificate) if Some(&certificate) != old => return certificate,
                _ => sleep(Duration::from_millis(100)).await,
            }
        }
    };
    timeout(LONG, waiting).await.expect("a new certificate in time")
}

/// A relay whose port is held open, so that pebble can be told of it first.
fn home(port: u16, pebble: &Pebble) -> Home {
    home_of(port, pebble, &pebble.url())
}

fn home_of(port: u16, pebble: &Pebble, directory: &str) -> Home {
    Home::with(&format!(
        "listen = \"127.0.0.1:{port}\"\npublic_url = \"wss://{NAME}\"\n[metrics]\nlisten = \"127.0.0.1:0\"\n\
         [tls]\nmode = \"acme\"\nacme_directory = \"{directory}\"\nacme_root = \"{}\"\nacme_email = \"me@example.com\"\n",
        pebble.root().display()
    ))
}

#[tokio::test]
async fn a_ca_issues_the_relay_serves_renews_and_outlives_the_ca() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("port");
    let port = listener.local_addr().expect("address").port();
    let mut pebble = Pebble::start(port, LIFE);
    let home = home(port, &pebble);
    let (_, token, authority, _) = parts(&home.ok(&["agent", "add", "laptop"]).await);
    assert_eq!(authority, format!("{NAME}:443"));
    let running = Running::start_with(&home, &listener).await;

    // Issued: the name is right, and the CA's root vouches for it.
    let first = served_other_than(&running, None).await;
    let io = trusted(&running, pebble.issuer()).await.expect("a certificate of the CA");
    let request = agent_request(running.address, &token, &Ticket::mint().hash().to_string());
    open(io, request).await.expect("an agent's leg").notice().await;
    for file in walk(&home.state().join("acme")) {
        let mode = file.metadata().expect("file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.display());
    }

    // Renewed, with nobody's help.
    let second = served_other_than(&running, Some(&first)).await;
    trusted(&running, pebble.issuer()).await.expect("a certificate of the CA");
    assert_eq!(pebble.orders(), 2, "one order for each");

    // The CA is down: the old certificate is served on, which is said.
    pebble.stop();
    home.logged("the old one is served on", 1).await;
    assert_eq!(served(&running).await.as_ref(), Some(&second));

    // Even by a new process, killed as the old one was.
    let mut killed = running;
    killed.child.kill().await.expect("killed");
    let running = Running::start_with(&home, &listener).await;
    assert_eq!(served(&running).await.as_ref(), Some(&second));

    // The CA is back, and knows nobody.
    pebble.restart();
    running.signal(Signal::HUP);
    let third = served_other_than(&running, Some(&second)).await;
    assert_ne!(third, second);
    trusted(&running, pebble.issuer()).await.expect("a certificate of the new CA");
    assert!(!home.log().contains(&token), "no secret in the log");
}

#[tokio::test]
async fn a_ca_that_finds_no_proof_is_not_asked_again_at_once_not_even_by_a_new_process() {
    let (listener, closed) = (TcpListener::bind("127.0.0.1:0").expect("port"), Port::reserved());
    let pebble = Pebble::start(closed.address.port(), LIFE);
    let home = home(listener.local_addr().expect("address").port(), &pebble);
    let mut running = Running::start_with(&home, &listener).await;
    home.logged("nobody can connect", 1).await;
    let log = home.log();
    assert!(log.contains("did not find its proof") && log.contains("port 443"), "{log}");
    assert_eq!(served(&running).await, None);
    assert_eq!(pebble.orders(), 1);

    running.child.kill().await.expect("killed");
    let running = Running::start_with(&home, &listener).await;
    // A second is long for a loop, and short for a CA.
    sleep(Duration::from_secs(1)).await;
    assert_eq!(pebble.orders(), 1, "{}", home.log());
    // A person may ask for another try.
    running.signal(Signal::HUP);
    home.logged("nobody can connect", 2).await;
    assert_eq!(pebble.orders(), 2);
}

/// Where the relay of this home keeps what it has of the CA at `directory`.
fn kept(home: &Home, directory: &str) -> PathBuf {
    home.state().join("acme").join(&hex::encode(sha256(directory.as_bytes()))[..12])
}

/// How many attempts count as refused, by what is written down.
fn refusals(folder: &Path) -> usize {
    let text = std::fs::read(folder.join(format!("{NAME}.attempts.json"))).expect("attempts");
    let attempts: Value = serde_json::from_slice(&text).expect("JSON");
    attempts["refusals"].as_array().expect("a list").len()
}

#[tokio::test]
async fn a_certificate_that_cannot_be_kept_is_served_and_kept_later_and_not_ordered_again() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("port");
    let port = listener.local_addr().expect("address").port();
    let pebble = Pebble::start(port, Duration::from_secs(300));
    let home = home(port, &pebble);
    let folder = kept(&home, &pebble.url());
    // Not even root can put a file in its place.
    let in_the_way = folder.join(format!("{NAME}.pem"));
    std::fs::create_dir_all(&in_the_way).expect("made");
    let mut running = Running::start_with(&home, &listener).await;
    let certificate = served_other_than(&running, None).await;
    home.logged("could not be kept on disk", 1).await;
    assert_eq!(refusals(&folder), 1, "a restart would have to order another, and must not do that without end");

    std::fs::remove_dir(&in_the_way).expect("removed");
    running.signal(Signal::HUP);
    home.logged("is kept on disk now", 1).await;
    assert_eq!(refusals(&folder), 0);
    running.child.kill().await.expect("killed");
    let running = Running::start_with(&home, &listener).await;
    assert_eq!(served(&running).await, Some(certificate));
    assert_eq!(pebble.orders(), 1, "{}", home.log());
}

#[tokio::test]
async fn a_certificate_that_was_issued_and_lost_on_its_way_counts_as_the_ca_counts_it() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("port");
    let port = listener.local_addr().expect("address").port();
    let pebble = Pebble::start(port, Duration::from_secs(300));
    let front = Suggesting::start_losing(pebble.address, pebble.directory.path()).await;
    let home = home_of(port, &pebble, &front.url);
    let _running = Running::start_with(&home, &listener).await;
    home.logged("nobody can connect", 1).await;
    assert!(home.log().contains("cannot be asked"), "{}", home.log());
    assert_eq!((pebble.orders(), refusals(&kept(&home, &front.url))), (1, 1));
}

#[tokio::test]
async fn a_ca_that_wants_its_certificate_renewed_early_is_followed_and_told_what_is_replaced() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("port");
    let port = listener.local_addr().expect("address").port();
    // Two thirds of it would be minutes.
    let pebble = Pebble::start(port, Duration::from_secs(300));
    let front = Suggesting::start(pebble.address, pebble.directory.path()).await;
    let home = home_of(port, &pebble, &front.url);
    let running = Running::start_with(&home, &listener).await;
    let first = served_other_than(&running, None).await;
    served_other_than(&running, Some(&first)).await;
    let orders = front.orders();
    assert!(orders[0].get("replaces").is_none() && orders[1]["replaces"].is_string(), "{orders:?}");
}

#[tokio::test]
async fn a_ca_hears_of_another_address_at_a_reload_and_at_a_start_and_once() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("port");
    let port = listener.local_addr().expect("address").port();
    let pebble = Pebble::start(port, Duration::from_secs(300));
    let home = home(port, &pebble);
    let mut running = Running::start_with(&home, &listener).await;
    let certificate = served_other_than(&running, None).await;
    let is_written_to = |email: &str| {
        let text = std::fs::read_to_string(&home.config).expect("text");
        let (before, _) = text.split_once("acme_email").expect("an address");
        home.write(&format!("{before}acme_email = \"{email}\"\n"));
    };
    is_written_to("you@example.com");
    running.signal(Signal::HUP);
    home.logged("the CA knows the new acme_email email=\"you@example.com\"", 1).await;
    home.logged("key=\"tls.acme_email\"", 1).await;

    running.child.kill().await.expect("killed");
    is_written_to("they@example.com");
    let mut running = Running::start_with(&home, &listener).await;
    home.logged("the CA knows the new acme_email email=\"they@example.com\"", 1).await;

    running.child.kill().await.expect("killed");
    let running = Running::start_with(&home, &listener).await;
    assert_eq!(served(&running).await, Some(certificate));
    assert_eq!((home.log().matches("the CA knows").count(), pebble.orders()), (2, 1), "{}", home.log());
    assert!(!home.log().contains("only be followed after a restart"), "{}", home.log());
}

fn walk(path: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path).expect("directory").map(|entry| entry.expect("entry").path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}
