//! Where credentials come from: everything that the SDK knows, and keys in the configuration.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::thread;

use serde_json::json;

use super::desktop::Desktop;
use super::front::{Account, Keys, endpoint};
use super::world::{ARCHITECTURE, deploy};

/// A desktop that knows where AWS is and nobody's keys.
fn stranger(more: &str) -> Desktop {
    lost(more).with(endpoint())
}

/// One that does not know where AWS is either.
fn lost(more: &str) -> Desktop {
    let configuration = format!(
        "regions = [\"us-west-2\"]\n[proxy]\nlisten = \"127.0.0.1:0\"\n[relay]\nurl = \"ws://127.0.0.1:9\"\ntoken = \"{}\"\n[aws]\narchitecture = \"{ARCHITECTURE}\"\n{more}\n",
        "0".repeat(64)
    );
    let desktop = Desktop::new(&configuration).with([("AWS_EC2_METADATA_DISABLED", "true".into())]);
    std::fs::create_dir(desktop.path().join(".aws")).expect("a folder");
    desktop
}

/// A plan asks AWS who calls and what is there, and changes nothing.
fn is_known(account: &Account, desktop: &Desktop, more: &[&str]) {
    account.forget();
    let ended = deploy(desktop, &[more, &["--plan"]].concat());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!account.calls_of("administrator").is_empty(), "the account's owner called");
    let secret = &account.administrator.secret;
    assert!(!ended.stdout.contains(secret) && !ended.stderr.contains(secret), "the secret key is told to nobody");
}

fn section(name: &str, keys: &Keys) -> String {
    format!("[{name}]\naws_access_key_id = {}\naws_secret_access_key = {}\n", keys.key, keys.secret)
}

#[test]
fn keys_come_from_the_file_of_aws_by_a_profile_a_flag_or_the_configuration() {
    let account = Account::open(json!({}));
    let keys = &account.administrator;
    let desktop = stranger("");
    desktop.write(".aws/credentials", &section("default", keys));
    is_known(&account, &desktop, &[]);
    desktop.write(".aws/credentials", &section("work", keys));
    is_known(&account, &desktop, &["--profile", "work"]);
    let desktop = stranger("profile = \"work\"");
    desktop.write(".aws/credentials", &section("work", keys));
    is_known(&account, &desktop, &[]);
}

#[test]
fn keys_come_from_the_configuration_itself() {
    let account = Account::open(json!({}));
    let keys = &account.administrator;
    let more = format!("access_key_id = \"{}\"\nsecret_access_key = \"{}\"", keys.key, keys.secret);
    is_known(&account, &stranger(&more), &[]);
    let session = account.session(keys, 600.0);
    let token = session.token.expect("a token");
    let more =
        format!("access_key_id = \"{}\"\nsecret_access_key = \"{}\"\nsession_token = \"{token}\"", session.key, session.secret);
    is_known(&account, &stranger(&more), &[]);
}

#[test]
fn keys_come_from_a_process_that_the_profile_names() {
    let account = Account::open(json!({}));
    let keys = &account.administrator;
    let desktop = stranger("");
    let answer = json!({"Version": 1, "AccessKeyId": keys.key, "SecretAccessKey": keys.secret});
    let file = desktop.write("keys.json", &answer.to_string());
    desktop.write(".aws/config", &format!("[default]\ncredential_process = cat {}\n", file.display()));
    is_known(&account, &desktop, &[]);
}

#[test]
fn keys_come_from_the_container_around() {
    let account = Account::open(json!({}));
    let keys = account.administrator.clone();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind");
    let url = format!("http://{}/keys", listener.local_addr().expect("address"));
    let session = account.session(&keys, 600.0);
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _asked = stream.read(&mut [0; 4096]);
            let document = json!({"AccessKeyId": session.key, "SecretAccessKey": session.secret, "Token": session.token,
                                  "Expiration": "2099-01-01T00:00:00Z"});
            let body = document.to_string();
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length";
            let _answered = write!(stream, "{head}: {}\r\n\r\n{body}", body.len());
        }
    });
    is_known(&account, &stranger("").with([("AWS_CONTAINER_CREDENTIALS_FULL_URI", url)]), &[]);
}

#[test]
fn the_endpoint_may_stand_in_a_profile_or_be_said_for_each_service() {
    let account = Account::open(json!({}));
    let keys = &account.administrator;
    let url = endpoint()[0].1.clone();
    let desktop = lost("");
    // The SDK for Rust spells the last one with a dash, the others' documentation with an underscore.
    let names = ["lambda", "iam", "sts", "cloudwatch_logs", "cloudwatch-logs"];
    let services: String = names.iter().map(|name| format!("{name} =\n  endpoint_url = {url}\n")).collect();
    desktop.write(".aws/credentials", &section("default", keys));
    desktop.write(".aws/config", &format!("[default]\nservices = front\n[services front]\n{services}"));
    is_known(&account, &desktop, &[]);
    let each = ["AWS_ENDPOINT_URL_LAMBDA", "AWS_ENDPOINT_URL_IAM", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS"];
    let desktop =
        stranger("").with(each.map(|name| (name, url.clone()))).with([("AWS_ENDPOINT_URL", "http://127.0.0.1:9".into())]);
    desktop.write(".aws/credentials", &section("default", keys));
    is_known(&account, &desktop, &[]);
}

/// The SDK would end the program at such a text.
#[test]
fn an_endpoint_that_is_no_url_is_named_and_ends_no_program_by_a_crash() {
    let account = Account::open(json!({}));
    let is_named = |desktop: &Desktop, name: &str| {
        let others = [&["run"][..], &["doctor"], &["destroy", "--yes"]].map(|arguments| desktop.run(arguments));
        for ended in std::iter::once(deploy(desktop, &["--plan"])).chain(others) {
            assert_eq!(ended.code, Some(3), "{ended:?}");
            assert!(format!("{}{}", ended.stdout, ended.stderr).contains(name), "{ended:?}");
            assert!(!ended.stderr.contains("hidden"), "what may be a password is shown: {ended:?}");
        }
    };
    for (name, url) in [
        ("AWS_ENDPOINT_URL", ""),
        ("AWS_ENDPOINT_URL", "user:hidden@nonsense"),
        ("AWS_ENDPOINT_URL_LAMBDA", "http://"),
        ("AWS_ENDPOINT_URL_IAM", "127.0.0.1:80"),
        ("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", ""),
        ("AWS_ENDPOINT_URL_STS", "ftp://127.0.0.1"),
    ] {
        is_named(&stranger("").with(account.administrator.environment()).with([(name, url.to_owned())]), name);
    }
    let desktop = lost("").with([("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE".into()), ("AWS_SECRET_ACCESS_KEY", "x".into())]);
    desktop.write(".aws/config", "[default]\nservices = front\n[services front]\nlambda =\n  endpoint_url = nonsense\n");
    is_named(&desktop, "endpoint_url for lambda");
    desktop.write(".aws/config", "[default]\nendpoint_url = nonsense\n");
    is_named(&desktop, "endpoint_url");
}

#[test]
fn wrong_keys_no_keys_and_a_wrong_clock_are_told_apart() {
    let account = Account::open(json!({}));
    let told = |desktop: &Desktop| {
        let ended = deploy(desktop, &["--plan"]);
        assert_eq!(ended.code, Some(4), "{ended:?}");
        format!("{}{}", ended.stdout, ended.stderr)
    };
    let none = told(&stranger(""));
    assert!(none.contains("aws.profile") || none.contains("credentials"), "{none}");
    let wrong = Keys { secret: "wrong".into(), ..account.administrator.clone() };
    let wrong = told(&stranger("").with(wrong.environment()));
    assert!(wrong.contains("secret access key"), "{wrong}");
    let unknown = Keys { key: "AKIAIOSFODNN7EXAMPLE".into(), ..account.administrator.clone() };
    let unknown = told(&stranger("").with(unknown.environment()));
    assert!(unknown.contains("access key"), "{unknown}");
}

#[test]
fn a_clock_that_is_wrong_by_an_hour_is_said_to_be_wrong_or_is_allowed_for() {
    let account = Account::open(json!({"clock_offset_s": 3600.0}));
    let ended = deploy(&stranger("").with(account.administrator.environment()), &["--plan"]);
    let told = format!("{}{}", ended.stdout, ended.stderr);
    assert!(ended.code == Some(0) || told.contains("clock"), "{ended:?}");
}
