//! `install.sh`, in the two smallest shells there are, for a user and, as root, for the relay on a server.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use super::archives::release;
use super::release::{answering, root, run};
use super::roots::Root;
use super::server::{Fault, Server};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The shells, each with the tools that come with it.
const SHELLS: [&[&str]; 2] = [&["dash"], &["busybox", "sh"]];

/// The installer as a user runs it, in a home of its own.
struct User {
    home: TempDir,
    server: Server,
    shell: &'static [&'static str],
    path: String,
}

impl User {
    fn new(shell: &'static [&'static str]) -> Self {
        let home = tempfile::tempdir().expect("a directory");
        let mut path = "/usr/sbin:/usr/bin:/sbin:/bin".to_owned();
        if shell[0] == "busybox" {
            // Nothing but its own tools, its wget too, and what verifies the signature.
            let tools = home.path().join("tools");
            fs::create_dir(&tools).expect("made");
            run(Command::new("busybox").args(["--install", "-s"]).arg(&tools));
            for tool in ["openssl", "getconf"] {
                std::os::unix::fs::symlink(Path::new("/usr/bin").join(tool), tools.join(tool)).expect("linked");
            }
            path = tools.display().to_string();
        }
        Self { home, server: Server::start(VERSION, release()), shell, path }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("it runs")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let shell = PathBuf::from("/bin").join(self.shell[0]);
        let mut command = Command::new(if shell.exists() { shell } else { PathBuf::from("/usr/bin").join(self.shell[0]) });
        command
            .args(&self.shell[1..])
            .arg(release().join("install.sh"))
            .args(["--base-url", &self.server.pages()])
            .args(arguments);
        command.env_clear().env("HOME", self.home.path()).env("PATH", &self.path);
        command
    }

    /// Every path below the home.
    fn tree(&self) -> BTreeSet<PathBuf> {
        let mut found = BTreeSet::new();
        walk(self.home.path(), &mut found);
        found
    }
}

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

fn walk(directory: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(directory).expect("readable").map(|entry| entry.expect("an entry")) {
        found.insert(entry.path());
        if entry.file_type().expect("a kind").is_dir() {
            walk(&entry.path(), found);
        }
    }
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn a_user_installs_twice_and_removes_it_without_a_trace() {
    for shell in SHELLS {
        let user = User::new(shell);
        let before = user.tree();
        for _ in 0..2 {
            let output = user.run(&[]);
            assert!(output.status.success(), "{shell:?}: {}", said(&output));
            assert!(said(&output).contains("is not on your PATH"), "{}", said(&output));
        }
        let local = user.home.path().join(".local");
        let program = local.join("bin/awslambdaproxy");
        assert_eq!(run(Command::new(&program).arg("--version")).trim(), format!("awslambdaproxy {VERSION}"));
        for file in [
            "share/man/man1/awslambdaproxy.1",
            "share/man/man1/awslambdaproxy-update.1",
            "share/bash-completion/completions/awslambdaproxy",
            "share/zsh/site-functions/_awslambdaproxy",
            "share/fish/vendor_completions.d/awslambdaproxy.fish",
        ] {
            assert!(local.join(file).is_file(), "{file}");
        }
        // What the user put beside it, and what a run left.
        fs::write(local.join("bin/mine"), "").expect("written");
        fs::create_dir_all(user.home.path().join(".config/awslambdaproxy")).expect("made");
        let output = user.run(&["--uninstall"]);
        assert!(output.status.success(), "{}", said(&output));
        assert!(!program.exists() && local.join("bin/mine").exists());
        assert!(user.home.path().join(".config/awslambdaproxy").exists(), "only a purge takes the configuration");
        fs::remove_file(local.join("bin/mine")).expect("removed");
        assert!(user.run(&[]).status.success());
        assert!(user.run(&["--uninstall", "--purge"]).status.success());
        fs::remove_dir(user.home.path().join(".config")).expect("empty");
        for folder in [".local/bin", ".local"] {
            // It held the user's own file when the record of it went.
            let _gone = fs::remove_dir(user.home.path().join(folder));
        }
        assert_eq!(user.tree(), before, "{shell:?}");
    }
}

#[test]
fn a_prefix_and_a_version_can_be_chosen_and_a_path_that_holds_it_needs_no_word() {
    let mut user = User::new(&["dash"]);
    let prefix = user.home.path().join("my place");
    user.path = format!("{}:{}", prefix.join("bin").display(), user.path);
    let arguments = ["--prefix", prefix.to_str().expect("text"), "--version", VERSION];
    let output = user.run(&arguments);
    assert!(output.status.success() && !said(&output).contains("PATH"), "{}", said(&output));
    assert!(prefix.join("bin/awslambdaproxy").exists());
    let output = user.run(&["--version", "3.2.1"]);
    assert!(!output.status.success() && said(&output).contains("/releases/download/v3.2.1/SHA256SUMS"), "{}", said(&output));
}

#[test]
fn what_was_not_signed_is_not_installed_whichever_tool_verifies() {
    let forged = answering("awslambdaproxy", "9.9.9");
    let path = forged.path().join("SHA256SUMS");
    let list = fs::read_to_string(&path).expect("a list");
    fs::write(&path, list.replace('a', "b")).expect("written");
    for tool in ["openssl", "ssh-keygen"] {
        let mut user = User::new(&["dash"]);
        user.path = only(tool, user.home.path());
        assert!(user.run(&[]).status.success(), "{tool}: {}", said(&user.run(&[])));
        let before = user.tree();
        user.server = Server::start("9.9.9", forged.path());
        let output = user.run(&[]);
        assert!(
            !output.status.success() && said(&output).contains("not signed with the release key"),
            "{tool}: {}",
            said(&output)
        );
        assert_eq!(user.tree(), before, "{tool}");
    }
    let mut user = User::new(&["dash"]);
    user.path = only("true", user.home.path());
    assert!(said(&user.run(&[])).contains("no tool to verify"));
}

/// A directory of links to what the installer needs, and one of the tools that verify.
fn only(tool: &str, home: &Path) -> String {
    let tools = home.join("tools");
    fs::create_dir(&tools).expect("made");
    let needed = "uname getconf curl sed head mktemp rm tar gzip mkdir dirname basename cp chmod mv cat awk id base64 tail tr cut sha256sum";
    for name in needed.split(' ').chain([tool]) {
        let found = ["/usr/bin", "/bin"].map(|place| Path::new(place).join(name)).into_iter().find(|path| path.exists());
        std::os::unix::fs::symlink(found.expect(name), tools.join(name)).expect("linked");
    }
    tools.display().to_string()
}

#[test]
fn a_download_that_was_cut_off_installs_nothing_and_a_half_script_runs_nothing() {
    let user = User::new(&["dash"]);
    user.server.fail(".tar.gz", Fault::Cut);
    let before = user.tree();
    let output = user.run(&[]);
    assert!(!output.status.success(), "{}", said(&output));
    assert_eq!(user.tree(), before);
    let script = fs::read(release().join("install.sh")).expect("a script");
    for at in (1..10).map(|tenth| script.len() * tenth / 10).chain([script.len() - 3]) {
        let cut = user.home.path().join("cut.sh");
        fs::write(&cut, &script[..at]).expect("written");
        let asked = user.server.asked().len();
        let output = Command::new("dash").arg(&cut).env("HOME", user.home.path()).output().expect("it runs");
        assert!(user.server.asked().len() == asked && output.stdout.is_empty(), "cut at {at}");
        fs::remove_file(&cut).expect("removed");
        assert_eq!(user.tree(), before, "cut at {at}");
    }
}

#[test]
fn a_copy_that_belongs_to_no_release_trusts_no_key() {
    let user = User::new(&["dash"]);
    let mut command = Command::new("dash");
    command.arg(root().join("install.sh")).args(["--base-url", &user.server.pages()]).env("HOME", user.home.path());
    let output = command.env_remove("AWSLAMBDAPROXY_RELEASE_KEY").output().expect("it runs");
    assert!(!output.status.success() && said(&output).contains("trusts no key"), "{}", said(&output));
    let plain = user.run(&["--base-url", "http://mirror.example/releases"]);
    assert!(!plain.status.success() && said(&plain).contains("plain http only to a loopback"), "{}", said(&plain));
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
fn who_has_functions_in_aws_is_kept_from_forgetting_them() {
    let user = User::new(&["dash"]);
    assert!(user.run(&[]).status.success());
    let state = user.home.path().join(".local/state/awslambdaproxy");
    fs::create_dir_all(&state).expect("made");
    let noted = state.join("deployments.json");
    fs::write(&noted, r#"{"schema":1,"owner":"x","deployments":[{"config":"/c","account":"1","role":"r","function":"f","regions":["us-west-2"]}]}"#).expect("written");
    let output = user.run(&["--uninstall", "--purge"]);
    assert!(!output.status.success() && said(&output).contains("awslambdaproxy destroy"), "{}", said(&output));
    assert!(user.home.path().join(".local/bin/awslambdaproxy").exists() && noted.exists());
    fs::write(&noted, r#"{"schema":1,"owner":"x","deployments":[]}"#).expect("written");
    assert!(user.run(&["--uninstall", "--purge"]).status.success() && !noted.exists());
}

#[test]
fn a_code_file_is_roots_alone() {
    let machine = Machine::new(SHELLS[0]);
    let root = &machine.root;
    let output = machine.install(&["--code-file", "/root/code", "--self-signed", "--host", "a.example"]);
    assert!(output.status.success() && !said(&output).contains("wss://"), "{}", said(&output));
    let code = fs::read_to_string(root.changed("/root/code")).expect("a code");
    assert!(code.starts_with("wss://agent:"), "{code}");
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(root.changed("/root/code")).expect("there").permissions());
    assert_eq!(mode & 0o777, 0o600);
    // Another port than the unit's own is systemd's to open too.
    assert!(root.run(&["rm", "/etc/awslambdaproxy-relay/relay.toml"]).status.success());
    let output = machine.install(&["--self-signed", "--host", "a.example", "--listen", "0.0.0.0:8443", "--agent", "b"]);
    assert!(output.status.success(), "{}", said(&output));
    let port = fs::read_to_string(root.changed("/etc/systemd/system/awslambdaproxy-relay.socket.d/port.conf")).expect("a port");
    assert_eq!(port, "[Socket]\nListenStream=\nListenStream=0.0.0.0:8443\n");
}
