//! `install.sh --relay`: as root, on a server.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use super::archives::release;
use super::roots::Root;
use super::script::{SHELLS, said};
use super::server::Server;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The installer as root runs it for a relay, on a server of its own.
struct Machine {
    root: Root,
    server: Server,
    shell: &'static [&'static str],
}

impl Machine {
    fn new(shell: &'static [&'static str]) -> Self {
        Self { root: Root::new(), server: Server::start(VERSION, release()), shell }
    }

    fn install(&self, arguments: &[&str]) -> Output {
        // The release is in /tmp, which this root has empty.
        self.root.put(&release().join("install.sh"), "/opt/install.sh");
        let pages = self.server.pages();
        self.root.run(&[self.shell, &["/opt/install.sh", "--base-url", &pages, "--relay"], arguments].concat())
    }
}

#[test]
fn a_server_gets_its_relay_twice_and_loses_it_without_a_trace() {
    for shell in SHELLS {
        let machine = Machine::new(shell);
        let root = &machine.root;
        let output = machine.install(&["--self-signed", "--host", "relay.example.com", "--listen", "127.0.0.1:8443"]);
        let code = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{shell:?}: {}", said(&output));
        assert!(code.starts_with("wss://agent:") && code.trim_end().lines().count() == 1, "the code alone: {code}");
        assert!(!String::from_utf8_lossy(&output.stderr).contains("wss://agent:"), "the code is no talk");
        let port = fs::read_to_string(root.changed("/etc/systemd/system/awslambdaproxy-relay.socket.d/port.conf"));
        assert!(port.is_err(), "a relay on loopback opens its own port");
        let again = machine.install(&[]);
        assert!(again.status.success() && said(&again).contains("relay.toml is kept"), "{}", said(&again));
        let listed = root.run(&["/usr/local/bin/awslambdaproxy-relay", "agent", "list"]);
        assert_eq!(String::from_utf8_lossy(&listed.stdout), "agent\n", "{}", said(&listed));
        let user = root.run(&[
            "setpriv",
            "--reuid=awslambdaproxy-relay",
            "--regid=awslambdaproxy-relay",
            "--clear-groups",
            "cat",
            "/etc/awslambdaproxy-relay/relay.toml",
        ]);
        assert!(user.status.success(), "the relay's user reads its configuration: {}", said(&user));
        assert!(root.changed("/etc/systemd/system/awslambdaproxy-relay.service").exists());
        let removed = machine.install(&["--uninstall", "--purge"]);
        assert!(removed.status.success(), "{}", said(&removed));
        let left = root.changes(&["/opt/install.sh"]);
        assert!(left.is_empty(), "{shell:?}: {:?}", left.keys());
    }
}

#[test]
fn a_code_file_is_roots_alone() {
    let machine = Machine::new(SHELLS[0]);
    let root = &machine.root;
    // One that everybody reads is there already.
    let earlier = root.changed("/root/code");
    fs::create_dir_all(earlier.parent().expect("a parent")).expect("made");
    fs::write(&earlier, "the code of before").expect("written");
    fs::set_permissions(&earlier, fs::Permissions::from_mode(0o644)).expect("mode");
    let refused = machine.install(&["--code-file", "/root/code", "--self-signed", "--no"]);
    assert!(!refused.status.success(), "{}", said(&refused));
    assert_eq!(fs::read_to_string(&earlier).expect("there"), "the code of before", "an init that failed takes nothing");
    let output = machine.install(&["--code-file", "/root/code", "--self-signed", "--host", "a.example"]);
    assert!(output.status.success() && !said(&output).contains("wss://"), "{}", said(&output));
    let code = fs::read_to_string(root.changed("/root/code")).expect("a code");
    assert!(code.starts_with("wss://agent:"), "{code}");
    let mode = fs::metadata(root.changed("/root/code")).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let left = fs::read_dir(root.changed("/root")).expect("there").count();
    assert_eq!(left, 1, "nothing stays beside it");
}

/// What the relay's socket unit is told of its port, once a relay with this configuration is installed over again.
fn port_of(machine: &Machine, configuration: &str) -> (Output, Option<String>) {
    let root = &machine.root;
    let file = root.changed("/etc/awslambdaproxy-relay/relay.toml");
    fs::create_dir_all(file.parent().expect("a parent")).expect("made");
    fs::write(&file, configuration).expect("written");
    let output = machine.install(&[]);
    let port = fs::read_to_string(root.changed("/etc/systemd/system/awslambdaproxy-relay.socket.d/port.conf"));
    (output, port.ok())
}

#[test]
fn the_socket_has_the_port_of_the_configuration() {
    let machine = Machine::new(SHELLS[0]);
    machine.root.with_systemctl();
    let all = "# listen = \"1\"\n  listen     = \"0.0.0.0:443\" # \"all\"\n[metrics]\nlisten = \"127.0.0.1:9090\"\n";
    let stop = "stop awslambdaproxy-relay.service awslambdaproxy-relay.socket";
    let [open, close] = ["enable", "disable"].map(|word| format!("{word} --quiet --now awslambdaproxy-relay.socket"));
    for (configuration, port, asked) in [
        (all, None, vec![&open[..]]),
        // A socket that is open keeps its port.
        ("listen = '192.0.2.1:443'\n [tls]\nmode = \"self-signed\"\n", Some("192.0.2.1:443"), vec![stop, &open]),
        ("listen = '192.0.2.1:443'\n", Some("192.0.2.1:443"), vec![&open]),
        // Behind a proxy the relay opens its own.
        ("listen=\"127.0.0.1:443\"\n", None, vec![stop, &close]),
    ] {
        let (output, told) = port_of(&machine, configuration);
        assert!(output.status.success(), "{configuration}: {}", said(&output));
        assert_eq!(told, port.map(|port| format!("[Socket]\nListenStream=\nListenStream={port}\n")), "{configuration}");
        let start = ["enable --quiet awslambdaproxy-relay.service", "restart awslambdaproxy-relay.service"];
        assert_eq!(machine.root.asked(), [&["daemon-reload"][..], &asked, &start].concat(), "{configuration}");
    }
    let (output, _) = port_of(&machine, "[metrics]\nlisten = \"127.0.0.1:9090\"\n");
    assert!(!output.status.success() && said(&output).contains("cannot tell the address"), "{}", said(&output));
    let removed = machine.install(&["--uninstall"]);
    assert!(removed.status.success(), "{}", said(&removed));
    assert_eq!(machine.root.asked().last().map(String::as_str), Some("daemon-reload"), "the units are gone");
}

#[test]
fn a_prefix_that_a_unit_cannot_name_is_refused() {
    let machine = Machine::new(SHELLS[0]);
    for prefix in ["/opt/my place", "/opt/a|b", "/opt/a&b", "/opt/a\nb"] {
        let output = machine.install(&["--prefix", prefix]);
        assert!(!output.status.success() && said(&output).contains("--prefix"), "{prefix}: {}", said(&output));
    }
}
