//! `doctor` where there is no account: local mode, and credentials that cannot be had.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};

use serde_json::{Value, json};

use super::home::{Ended, Home};

/// Sound for `run --local` only: a rule names a label.
const LOCAL: &str = "[proxy]\nlisten = '127.0.0.1:0'\n[[routing.rules]]\nhosts = ['*.example.com']\nvia = 'local-2'\n";

fn json_of(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).expect("JSON")
}

#[test]
fn local_mode_needs_neither_relay_nor_account() {
    let home = Home::new();
    home.write_config(LOCAL, 0o600);
    let local = home.run(&["doctor", "--local", "--json"]);
    assert_eq!(local.code, Some(0), "{local:?}");
    let found = json_of(&local);
    assert_eq!(found["summary"], json!({"pass": 2, "warn": 0, "fail": 0, "skip": 5}), "{found:#}");
    let cloud = home.run(&["doctor", "--json"]);
    assert_eq!(cloud.code, Some(3), "{cloud:?}");
    let mend = json_of(&cloud)["checks"][0]["mend"].to_string();
    assert!(mend.contains("doctor --local"), "{mend}");
    let without_file = Home::new();
    let ended = without_file.command(&["doctor", "--local"]).env("AWSLAMBDAPROXY_PROXY__LISTEN", "127.0.0.1:0").output();
    let ended: Ended = ended.expect("started").into();
    assert!(ended.code == Some(0) && !ended.stdout.contains("WARN  "), "{ended:?}");
}

/// A place of credentials that gives a token, and to everything else says no at length.
fn refusing_metadata() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let address = listener.local_addr().expect("address");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = [0; 4096];
            let count = stream.read(&mut head).unwrap_or(0);
            let body = "no ".repeat(300);
            let (status, body) = if head[..count].starts_with(b"PUT ") { ("200 OK", "token") } else { ("403 Forbidden", &*body) };
            let (ttl, length) = ("x-aws-ec2-metadata-token-ttl-seconds: 60", body.len());
            let answer = format!("HTTP/1.1 {status}\r\n{ttl}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
            let _gone = stream.write_all(answer.as_bytes());
        }
    });
    address
}

#[test]
fn what_a_place_of_credentials_answers_is_not_shown_whole() {
    let home = Home::new();
    home.write_config("regions = ['us-east-1']\n[proxy]\nlisten = '127.0.0.1:0'\n", 0o600);
    let mut command = home.command(&["doctor"]);
    command.env("AWS_EC2_METADATA_SERVICE_ENDPOINT", format!("http://{}", refusing_metadata()));
    command.env("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
    let ended: Ended = command.output().expect("started").into();
    let told = format!("{}{}", ended.stdout, ended.stderr);
    assert!(told.contains("IMDS (code: 403)"), "{told}");
    assert!(!told.contains("SdkBody") && !told.contains("no no"), "{told}");
}

#[test]
fn a_profile_that_is_not_there_is_named_and_a_region_that_nobody_knows_is_doubted() {
    let home = Home::new();
    home.write_config("regions = ['us-esat-1']\n[proxy]\nlisten = '127.0.0.1:0'\n", 0o600);
    std::fs::create_dir(home.path().join(".aws")).expect("made");
    std::fs::write(home.path().join(".aws/config"), "[profile other]\nregion = us-east-1\n").expect("written");
    let mut command = home.command(&["--profile", "nope", "doctor"]);
    command.env("AWS_EC2_METADATA_DISABLED", "true").env("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
    let ended: Ended = command.output().expect("started").into();
    assert!(ended.stdout.contains("no profile `nope`, which --profile, AWS_PROFILE or aws.profile names"), "{ended:?}");
    assert!(ended.stdout.contains("us-esat-1 is no region that this version knows; did you mean us-east-1?"), "{ended:?}");
}
