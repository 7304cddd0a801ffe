//! `check`, as somebody reads it who sets a relay up.

use std::path::Path;
use std::process::Command;

use crate::home::{Home, Running};
use crate::pebble::own_certificate;

/// Exit code and lines of a check.
async fn check(home: &Home) -> (Option<i32>, String) {
    let output = home.output(&["check"]).await;
    assert_eq!(output.stderr, b"", "what is found is data");
    (output.status.code(), String::from_utf8(output.stdout).expect("text"))
}

fn with_files(public_url: &str, directory: &Path, key: &str) -> Home {
    Home::with(&format!(
        "listen = \"127.0.0.1:0\"\npublic_url = \"{public_url}\"\n[metrics]\nlisten = \"\"\n[tls]\nmode = \"files\"\n\
         certificate = \"{0}/certificate.pem\"\nkey = \"{0}/{key}\"\n",
        directory.display()
    ))
}

#[tokio::test]
async fn a_relay_that_was_just_set_up_is_sound() {
    let home = Home::new();
    home.ok(&["init", "--self-signed", "--listen", "127.0.0.1:0"]).await;
    let (code, said) = check(&home).await;
    assert_eq!(code, Some(0), "{said}");
    for part in ["configuration", "sha256=", "is free", "1 may use this relay"] {
        assert!(said.contains(part), "{part} is missing in\n{said}");
    }
    home.ok(&["agent", "revoke", "agent"]).await;
    let (code, said) = check(&home).await;
    assert!(code == Some(0) && said.contains("agent add NAME"), "{said}");
}

#[tokio::test]
async fn the_certificate_must_be_for_the_name_have_its_own_key_and_not_end_soon() {
    let directory = tempfile::tempdir().expect("directory");
    own_certificate(directory.path());
    let (code, said) = check(&with_files("wss://localhost:8443", directory.path(), "key.pem")).await;
    assert!(code == Some(0) && said.contains("it is for localhost") && said.contains("ends soon"), "{said}");
    let (code, said) = check(&with_files("wss://relay.example.com", directory.path(), "key.pem")).await;
    assert!(code == Some(3) && said.contains("not for relay.example.com"), "{said}");

    let other = Command::new("openssl")
        .args(["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "other.pem"])
        .current_dir(directory.path())
        .output();
    assert!(other.expect("openssl runs").status.success());
    let (code, said) = check(&with_files("wss://localhost", directory.path(), "other.pem")).await;
    assert!(code == Some(3) && said.contains("certificate.pem"), "{said}");
    let (code, said) = check(&with_files("wss://localhost", directory.path(), "absent.pem")).await;
    assert!(code == Some(3) && said.contains("absent.pem"), "{said}");
}

#[tokio::test]
async fn a_ca_of_ones_own_needs_somebody_who_vouches_for_it() {
    let configuration = |root: &str| {
        format!(
            "listen = \"127.0.0.1:0\"\n[tls]\nmode = \"acme\"\ndomain = \"relay.example.com\"\n{root}\n[metrics]\nlisten = \"\"\n"
        )
    };
    let home = Home::with(&configuration(""));
    let (code, said) = check(&home).await;
    assert!(code == Some(0) && said.contains("none yet") && said.contains("port 443"), "{said}");
    home.write(&configuration("acme_root = \"absent.pem\""));
    let (code, said) = check(&home).await;
    assert!(code == Some(3) && said.contains("absent.pem"), "{said}");
}

#[tokio::test]
async fn a_check_makes_nothing() {
    let home = Home::with("listen = \"127.0.0.1:0\"\n[tls]\nmode = \"self-signed\"\n[metrics]\nlisten = \"\"\n");
    let (code, said) = check(&home).await;
    assert!(code == Some(0) && said.contains("none yet"), "{said}");
    assert!(!home.state().exists());
}

#[tokio::test]
async fn a_port_is_free_or_a_relays_or_somebody_elses() {
    let home = Home::new();
    home.ok(&["init", "--self-signed", "--listen", "127.0.0.1:0"]).await;
    let configuration = std::fs::read_to_string(&home.config).expect("text") + "\n[metrics]\nlisten = \"\"\n";
    home.write(&configuration);
    let running = Running::start(&home).await;
    home.write(&configuration.replace("127.0.0.1:0", &running.address.to_string()));
    let (code, said) = check(&home).await;
    assert!(code == Some(0) && said.contains("a relay runs at") && said.contains("says: ok"), "{said}");
    assert!(!said.contains("warning"), "{said}");

    let other = std::net::TcpListener::bind("127.0.0.1:0").expect("port");
    let accepting = other.try_clone().expect("descriptor");
    std::thread::spawn(move || accepting.accept().map(drop));
    home.write(&configuration.replace("127.0.0.1:0", &other.local_addr().expect("address").to_string()));
    let (code, said) = check(&home).await;
    assert!(code == Some(1) && said.contains("is taken, and not by a healthy relay"), "{said}");
}

#[tokio::test]
async fn what_lies_in_front_must_be_known() {
    let home = Home::with("listen = \"0.0.0.0:0\"\npublic_url = \"wss://relay.example.com\"\ntls.mode = \"off\"\n");
    let (code, said) = check(&home).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("[proxy] trusted is empty") && said.contains("tokens can be read"), "{said}");
    home.write("listen = \"127.0.0.1:8\"\nlisten_on = 1\n");
    let output = home.output(&["check"]).await;
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("listen_on"));
}
