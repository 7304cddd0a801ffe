//! The packages: installed by the system's own dpkg, started, purged.

use std::fs;
use std::process::Output;

use super::archives::package;
use super::roots::Root;

/// dpkg's own books, which are not as before after a package came and went.
const BOOKS: [&str; 4] = ["/var/lib/dpkg", "/var/log", "/opt", "/var/cache"];

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn installed(name: &str) -> Root {
    let root = Root::new();
    root.put(&package(name), "/opt/package.deb");
    let output = root.run(&["dpkg", "--install", "/opt/package.deb"]);
    assert!(output.status.success(), "{}", said(&output));
    root
}

fn purged(root: &Root, name: &str) {
    let output = root.run(&["dpkg", "--purge", name]);
    assert!(output.status.success(), "{}", said(&output));
    let left = root.changes(&BOOKS);
    assert!(left.is_empty(), "{:?}", left.keys());
}

#[test]
fn the_agents_package_comes_and_goes() {
    let root = installed("awslambdaproxy");
    let version = root.run(&["awslambdaproxy", "--version"]);
    assert_eq!(String::from_utf8_lossy(&version.stdout), format!("awslambdaproxy {}\n", env!("CARGO_PKG_VERSION")));
    assert!(root.changed("/usr/share/man/man1/awslambdaproxy.1.gz").exists());
    let update = root.run(&["awslambdaproxy", "update", "--check"]);
    assert!(!said(&update).contains("panicked"), "{}", said(&update));
    purged(&root, "awslambdaproxy");
}

#[test]
fn the_relays_package_brings_its_user_and_unit_and_takes_them_along() {
    let root = installed("awslambdaproxy-relay");
    let user = root.run(&["id", "-un", "awslambdaproxy-relay"]);
    assert!(user.status.success(), "{}", said(&user));
    let unit = fs::read_to_string(root.changed("/usr/lib/systemd/system/awslambdaproxy-relay.service")).expect("a unit");
    assert!(unit.contains("ExecStart=/usr/bin/awslambdaproxy-relay"), "{unit}");
    let made = root.run(&["awslambdaproxy-relay", "init", "--self-signed", "--host", "relay.example.com"]);
    assert!(made.status.success(), "{}", said(&made));
    purged(&root, "awslambdaproxy-relay");
}

#[test]
fn an_upgrade_leaves_the_relay_as_its_administrator_has_it() {
    let root = Root::new();
    root.with_systemctl();
    let dpkg = |words: &[&str]| {
        let output = root.run(&[&["dpkg"], words].concat());
        assert!(output.status.success(), "{}", said(&output));
        root.asked()
    };
    root.put(&package("awslambdaproxy-relay"), "/opt/package.deb");
    let install = ["--install", "/opt/package.deb"];
    assert_eq!(dpkg(&install), ["daemon-reload"], "nothing starts that nobody has set up");
    let made = root.run(&["awslambdaproxy-relay", "init", "--self-signed", "--host", "relay.example.com"]);
    assert!(made.status.success(), "{}", said(&made));
    assert_eq!(dpkg(&install), ["daemon-reload", "daemon-reload", "try-restart awslambdaproxy-relay.service"]);
    // It is removed, and comes back.
    dpkg(&["--remove", "awslambdaproxy-relay"]);
    let units = "awslambdaproxy-relay.socket awslambdaproxy-relay.service";
    assert_eq!(dpkg(&install), ["daemon-reload".to_owned(), format!("enable --quiet --now {units}")]);
    assert_eq!(dpkg(&install).last().map(String::as_str), Some("try-restart awslambdaproxy-relay.service"));
}
