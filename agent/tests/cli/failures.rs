//! What a command says that failed: the cause once, and what to do.

use std::fs;
use std::net::TcpListener;

use super::home::{Ended, Home};

#[test]
fn a_port_that_is_taken_is_said_once() {
    let (home, holder) = (Home::new(), TcpListener::bind("127.0.0.1:0").expect("bind"));
    let address = holder.local_addr().expect("address").to_string();
    let ended = home.run(&["run", "--local", "--listen", &address]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(ended.stderr.matches("cannot listen on").count(), 1, "{ended:?}");
}

#[test]
fn a_lock_that_cannot_be_used_is_said_once_with_its_mend() {
    let home = Home::new();
    fs::write(home.path().join(".state"), "in the way").expect("written");
    let ended = home.run(&["run", "--local", "--listen", "127.0.0.1:0"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("cannot be used") && ended.stderr.contains("chown"), "{ended:?}");
    assert_eq!(ended.stderr.matches("os error").count(), 1, "{ended:?}");
}

#[test]
fn a_file_of_roots_that_cannot_be_read_is_a_setting_s_fault() {
    let home = Home::new();
    let relay = "[relay]\nurl = 'ws://127.0.0.1:9'\ntoken = 'x'\n";
    home.write_config(&format!("regions = ['us-east-1']\n[proxy]\nlisten = '127.0.0.1:0'\n{relay}"), 0o600);
    let ended: Ended = home.command(&["run"]).env("AWS_CA_BUNDLE", "/nope").output().expect("started").into();
    assert_eq!(ended.code, Some(3), "{ended:?}");
    for part in ["AWS_CA_BUNDLE cannot be used: /nope: No such file", "put AWS_CA_BUNDLE right, or unset it"] {
        assert!(ended.stderr.contains(part), "{part}: {ended:?}");
    }
}

#[test]
fn a_proxy_of_another_kind_is_a_setting_s_fault_for_what_needs_aws() {
    let home = Home::new();
    home.write_config("regions = ['us-east-1']\n[relay]\nurl = 'ws://127.0.0.1:9'\ntoken = 'x'\n", 0o600);
    for command in [&["destroy", "--yes"][..], &["run", "--listen", "127.0.0.1:0"]] {
        let proxy = ("HTTPS_PROXY", "socks5://me:s3cret@127.0.0.1:1080");
        let ended: Ended = home.command(command).env(proxy.0, proxy.1).output().expect("started").into();
        assert_eq!(ended.code, Some(3), "{command:?}: {ended:?}");
        assert!(ended.stderr.contains("names no HTTP proxy: it must be http://host:port"), "{command:?}: {ended:?}");
        assert!(ended.stderr.contains("error: HTTPS_PROXY ") && !ended.stderr.contains("s3cret"), "{command:?}: {ended:?}");
    }
}
