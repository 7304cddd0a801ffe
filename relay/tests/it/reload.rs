//! SIGHUP and changed files: what is read again while the relay runs, and what the service manager is told.

use std::net::SocketAddr;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::time::{sleep, timeout};
use tunnel::ticket::Ticket;

use crate::home::{Home, Running, parts};
use crate::pebble::own_certificate;
use crate::support::{PATIENCE, agent_request, open};
use crate::tls::anybody;

async fn serves(running: &Running, wanted: &CertificateDer<'static>) {
    let waiting = async {
        loop {
            let io = running.connect().await;
            let connector = anybody();
            let tls = connector.connect("localhost".try_into().expect("name"), io).await.expect("tls");
            if tls.get_ref().1.peer_certificates().is_some_and(|chain| chain.first() == Some(wanted)) {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, waiting).await.expect("the certificate in time");
}

fn certificate_in(directory: &Path) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(directory.join("certificate.pem")).expect("a certificate")
}

#[tokio::test]
async fn a_renewed_certificate_is_served_and_one_of_no_use_is_not() {
    let directory = tempfile::tempdir().expect("directory");
    own_certificate(directory.path());
    let home = Home::with(&format!(
        "listen = \"127.0.0.1:0\"\n[metrics]\nlisten = \"\"\n[tls]\nmode = \"files\"\ncertificate = \"{0}/certificate.pem\"\n\
         key = \"{0}/key.pem\"\n",
        directory.path().display()
    ));
    let running = Running::start(&home).await;
    let first = certificate_in(directory.path());
    serves(&running, &first).await;

    own_certificate(directory.path());
    let second = certificate_in(directory.path());
    assert_ne!(second, first);
    serves(&running, &second).await;

    std::fs::write(directory.path().join("key.pem"), "nothing").expect("written");
    home.logged("the old one is served on", 1).await;
    assert!(home.log().contains("key.pem"), "{}", home.log());
    serves(&running, &second).await;

    own_certificate(directory.path());
    running.signal(Signal::HUP);
    serves(&running, &certificate_in(directory.path())).await;
}

/// Whether one address may have two legs, by the word of what lies in front.
async fn believed(address: SocketAddr, token: &str) -> bool {
    let leg = |from: &'static str| async move {
        let mut request = agent_request(address, token, &Ticket::mint().hash().to_string());
        request.headers_mut().insert("x-forwarded-for", from.parse().expect("header"));
        open(tokio::net::TcpStream::connect(address).await.expect("connected"), request).await
    };
    let _first = leg("192.0.2.1").await.expect("one leg");
    leg("192.0.2.2").await.is_ok()
}

#[tokio::test]
async fn what_can_change_changes_and_the_rest_is_said() {
    let configuration = |listen: &str, trusted: &str| {
        format!(
            "listen = \"{listen}\"\ntls.mode = \"off\"\n[metrics]\nlisten = \"\"\n[limits]\nper_address = 1\n\
             [proxy]\ntrusted = [{trusted}]\n"
        )
    };
    let home = Home::with(&configuration("127.0.0.1:0", ""));
    let (_, token, ..) = {
        // Any address will do for the code; the relay has a port of its own.
        home.write(&configuration("127.0.0.1:1", ""));
        let code = home.ok(&["agent", "add", "laptop"]).await;
        home.write(&configuration("127.0.0.1:0", ""));
        parts(&code)
    };
    let running = Running::start(&home).await;
    assert!(!believed(running.address, &token).await);

    home.write(&configuration("127.0.0.1:1", "\"127.0.0.1\""));
    running.signal(Signal::HUP);
    home.logged("the configuration was read again", 1).await;
    home.logged("key=\"listen\"", 1).await;
    let waiting = async { while !believed(running.address, &token).await {} };
    timeout(PATIENCE, waiting).await.expect("the change in time");

    home.write("listen = 5");
    running.signal(Signal::HUP);
    home.logged("goes on with the old one", 1).await;
    assert!(believed(running.address, &token).await);
}

/// Whether one more leg is taken; one that is stays until the relay has seen it go.
async fn takes(running: &Running, token: &str) -> bool {
    let request = agent_request(running.address, token, &Ticket::mint().hash().to_string());
    open(running.connect().await, request).await.is_ok()
}

#[tokio::test]
async fn limits_are_followed_by_a_relay_that_runs_and_what_stands_stays() {
    let configuration =
        |limits: &str| format!("listen = \"127.0.0.1:0\"\ntls.mode = \"off\"\n[metrics]\nlisten = \"\"\n[limits]\n{limits}\n");
    let home = Home::with(&configuration("").replace(":0", ":1"));
    let (_, token, ..) = parts(&home.ok(&["agent", "add", "laptop"]).await);
    home.write(&configuration("per_agent = 1"));
    let running = Running::start(&home).await;
    let request = || agent_request(running.address, &token, &Ticket::mint().hash().to_string());
    let mut first = open(running.connect().await, request()).await.expect("one tunnel");
    first.notice().await;
    assert!(!takes(&running, &token).await, "one tunnel is the most");

    home.write(&configuration("per_agent = 9"));
    running.signal(Signal::HUP);
    home.logged("key=\"limits.per_agent\"", 1).await;
    let waiting = async {
        loop {
            if let Ok(leg) = open(running.connect().await, request()).await {
                return leg;
            }
        }
    };
    let mut second = timeout(PATIENCE, waiting).await.expect("the change in time");
    second.notice().await;

    home.write(&configuration("per_agent = 9\nconnections = 1\nbytes_per_second = 10_000"));
    running.signal(Signal::HUP);
    home.logged("key=\"limits.connections\"", 1).await;
    home.logged("key=\"limits.bytes_per_second\"", 1).await;
    timeout(PATIENCE, async { while takes(&running, &token).await {} }).await.expect("the change in time");
    for leg in [&mut first, &mut second] {
        // One that was cut would be told within a round trip.
        assert!(timeout(Duration::from_millis(100), leg.closed()).await.is_err(), "a leg was cut");
    }
    assert!(!home.log().contains("only be followed after a restart"), "{}", home.log());
}

#[tokio::test]
async fn the_service_manager_hears_of_every_phase() {
    let home = Home::with("listen = \"127.0.0.1:0\"\ntls.mode = \"off\"\n[metrics]\nlisten = \"\"\n");
    let path = home.path("notify");
    let manager = UnixDatagram::bind(&path).expect("socket");
    manager.set_read_timeout(Some(PATIENCE)).expect("option");
    let heard = || {
        let mut text = [0; 256];
        let length = manager.recv(&mut text).expect("a message in time");
        String::from_utf8_lossy(&text[..length]).into_owned()
    };
    let mut command = home.command(&["run"]);
    command.env("NOTIFY_SOCKET", &path);
    let running = Running::start_as(&home, command).await;
    assert_eq!(heard().trim(), "READY=1");
    running.signal(Signal::HUP);
    let reloading = heard();
    assert!(reloading.contains("RELOADING=1") && reloading.contains("MONOTONIC_USEC="), "{reloading}");
    assert_eq!(heard().trim(), "READY=1");
    running.signal(Signal::TERM);
    assert_eq!(heard().trim(), "STOPPING=1");
    assert_eq!(running.ended().await, Some(0));
}
