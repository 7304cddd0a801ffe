//! `install.sh` for a user, in the two smallest shells there are.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use agent::control_socket::Place;
use agent::deploy::{Deployment, State};
use tempfile::TempDir;

use super::archives::release;
use super::release::{answering, root, run, stand_in};
use super::secure::Secure;
use super::server::{Fault, Server};
use super::support::tools::write_program;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The shells, each with the tools that come with it.
pub(crate) const SHELLS: [&[&str]; 2] = [&["dash"], &["busybox", "sh"]];

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

fn walk(directory: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(directory).expect("readable").map(|entry| entry.expect("an entry")) {
        found.insert(entry.path());
        if entry.file_type().expect("a kind").is_dir() {
            walk(&entry.path(), found);
        }
    }
}

pub(crate) fn said(output: &Output) -> String {
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
        let purged = user.run(&["--uninstall", "--purge"]);
        assert!(purged.status.success() && !said(&purged).contains("cannot open"), "{}", said(&purged));
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

#[test]
fn a_tool_that_is_too_old_to_verify_is_not_called_a_forgery() {
    let mut user = User::new(&["dash"]);
    user.path = only("true", user.home.path());
    // What that of OpenSSH 7.9 answers to an option that it does not know, and it knows no -Y; its usage is longer.
    let old = r#"#!/bin/sh
printf 'unknown option -- %s\r\n' "$(printf '%s' "$1" | cut -c 2)" >&2
cat >&2 <<'TEXT'
usage: ssh-keygen [-q] [-b bits] [-t dsa | ecdsa | ed25519 | rsa]
                  [-N new_passphrase] [-C comment] [-f output_keyfile]
       ssh-keygen -s ca_key -I certificate_identity [-h] [-U]
                  [-D pkcs11_provider] [-n principals] [-O option]
                  [-V validity_interval] [-z serial_number] file ...
       ssh-keygen -Q -f krl_file file ...
TEXT
exit 1
"#;
    let tool = Path::new(&user.path).join("ssh-keygen");
    write_program(&tool, old);
    let output = user.run(&[]);
    let text = said(&output);
    assert!(
        !output.status.success() && text.contains("install openssl 3 or ssh-keygen 8.1") && !text.contains("tampered"),
        "{text}"
    );
    assert!(!user.home.path().join(".local").exists());
}

#[test]
fn a_redirect_to_plain_http_is_not_followed_whichever_tool_fetches() {
    let list = fs::read(release().join("SHA256SUMS")).expect("a list");
    for tool in ["curl", "wget"] {
        let mut user = User::new(&["dash"]);
        user.path = only("openssl", user.home.path());
        let tools = PathBuf::from(&user.path);
        fs::remove_file(tools.join("curl")).expect("removed");
        for name in [tool, "grep"] {
            std::os::unix::fs::symlink(Path::new("/usr/bin").join(name), tools.join(name)).expect("linked");
        }
        let moved = format!("HTTP/1.0 302 Found\r\nLocation: {}/latest/download/SHA256SUMS.sig\r\n\r\n", user.server.pages());
        let pages = [
            ("releases/latest/download/SHA256SUMS", [b"HTTP/1.0 200 OK\r\n\r\n", list.as_slice()].concat()),
            ("releases/latest/download/SHA256SUMS.sig", moved.into_bytes()),
        ];
        let directory = tempfile::tempdir().expect("a directory");
        let secure = Secure::start(directory.path(), &pages);
        let certificate = directory.path().join("cert.pem");
        let settings = user.home.path().join("wgetrc");
        fs::write(&settings, format!("ca_certificate = {}\n", certificate.display())).expect("written");
        let mut command = user.command(&["--base-url", &format!("https://{}/releases", secure.address)]);
        let output = command.env("CURL_CA_BUNDLE", &certificate).env("WGETRC", &settings).output().expect("it runs");
        assert!(!output.status.success() && said(&output).contains("SHA256SUMS.sig"), "{tool}: {}", said(&output));
        assert!(user.server.asked().is_empty(), "{tool}: {:?}", user.server.asked());
    }
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
    for base in
        ["http://mirror.example/releases", "http://127.0.0.1.mirror.example", "http://localhost:80@mirror.example", "ftp://a"]
    {
        let plain = user.run(&["--base-url", base]);
        assert!(!plain.status.success() && said(&plain).contains("plain http only to a loopback"), "{base}: {}", said(&plain));
    }
}

#[test]
fn who_has_functions_in_aws_is_kept_from_forgetting_them() {
    let user = User::new(&["dash"]);
    assert!(user.run(&[]).status.success());
    let state = user.home.path().join(".local/state/awslambdaproxy");
    let noted = state.join("deployments.json");
    // As the program writes it.
    let place = Place { config: "/c".into(), socket: state.join("socket"), lock: state.join("lock") };
    let deployment = Deployment {
        config: "/c".into(),
        account: "123456789012".to_owned(),
        role: "r".to_owned(),
        function: "f".to_owned(),
        regions: BTreeSet::from(["us-west-2".to_owned()]),
        logs: true,
    };
    State::of(&place).remember(&deployment).expect("noted");
    let output = user.run(&["--uninstall", "--purge"]);
    assert!(!output.status.success() && said(&output).contains("awslambdaproxy destroy"), "{}", said(&output));
    assert!(user.home.path().join(".local/bin/awslambdaproxy").exists() && noted.exists());
    State::of(&place).forget(&deployment, true).expect("noted");
    assert!(user.run(&["--uninstall", "--purge"]).status.success() && !noted.exists());
}

#[test]
fn a_program_that_cannot_put_back_what_it_set_stays() {
    let user = User::new(&["dash"]);
    assert!(user.run(&[]).status.success());
    let state = user.home.path().join(".local/state/awslambdaproxy");
    fs::create_dir_all(&state).expect("made");
    let journal = state.join("desktop-proxy.json");
    let entry = r#"{"desktop":"kde","agent":"/c","changes":[{"setting":"ProxyType","before":"0","ours":"1"}]}"#;
    fs::write(&journal, entry).expect("written");
    let output = user.run(&["--uninstall", "--purge"]);
    assert!(!output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("proxy off") && said(&output).contains("kreadconfig"), "{}", said(&output));
    assert!(user.home.path().join(".local/bin/awslambdaproxy").exists() && journal.exists());
    fs::remove_file(&journal).expect("removed");
    assert!(user.run(&["--uninstall"]).status.success());
}

#[test]
fn odd_surroundings_are_no_hindrance() {
    let mut user = User::new(&["dash"]);
    let home = user.home.path().join("a home of 'odd' names");
    let noexec = user.home.path().join("noexec");
    for folder in [&home, &noexec] {
        fs::create_dir(folder).expect("made");
    }
    // A temporary directory that nothing runs from, and a mask that would let everybody write.
    let enter = r#"mount -t tmpfs -o noexec none "$1" && umask 000 && shift && exec "$@""#;
    let mut command = Command::new("unshare");
    let installer = user.command(&[]);
    command.args(["--mount", "sh", "-c", enter, "sh"]).arg(&noexec).arg(installer.get_program()).args(installer.get_args());
    command.env_clear().env("PATH", &user.path).env("HOME", &home).env("TMPDIR", &noexec);
    command.env("CDPATH", "/").env("LANG", "tr_TR.UTF-8").current_dir("/");
    let output = command.output().expect("it runs");
    assert!(output.status.success(), "{}", said(&output));
    let mut made = BTreeSet::new();
    walk(&home, &mut made);
    assert!(made.contains(&home.join(".local/bin/awslambdaproxy")), "{made:?}");
    for path in made {
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o022, 0, "{} has mode {mode:o}", path.display());
    }
    user.path = only("openssl", user.home.path());
    fs::remove_file(Path::new(&user.path).join("gzip")).expect("removed");
    let output = user.run(&[]);
    assert!(!output.status.success() && said(&output).contains("gzip is needed"), "{}", said(&output));
}

#[test]
fn a_program_that_does_not_run_here_leaves_nothing() {
    let broken = stand_in("awslambdaproxy", VERSION, "exit 1");
    let mut user = User::new(&["dash"]);
    let before = user.tree();
    let working = std::mem::replace(&mut user.server, Server::start(VERSION, broken.path()));
    let output = user.run(&[]);
    assert!(!output.status.success() && said(&output).contains("does not run on this machine"), "{}", said(&output));
    assert_eq!(user.tree(), before);
    let broken = std::mem::replace(&mut user.server, working);
    assert!(user.run(&[]).status.success());
    let before = user.tree();
    user.server = broken;
    assert!(!user.run(&[]).status.success());
    assert_eq!(user.tree(), before);
    let program = user.home.path().join(".local/bin/awslambdaproxy");
    assert_eq!(run(Command::new(&program).arg("--version")).trim(), format!("awslambdaproxy {VERSION}"));
}

#[test]
fn what_an_interrupted_install_left_is_removed_too() {
    for shell in SHELLS {
        let user = User::new(shell);
        let before = user.tree();
        // A file where a directory belongs, half-way.
        let share = user.home.path().join(".local/share");
        fs::create_dir_all(&share).expect("made");
        fs::write(share.join("bash-completion"), "").expect("written");
        let output = user.run(&[]);
        assert!(!output.status.success() && said(&output).contains("cannot make"), "{shell:?}: {}", said(&output));
        assert!(share.join("man/man1/awslambdaproxy.1").exists(), "it came so far");
        fs::remove_file(share.join("bash-completion")).expect("removed");
        let output = user.run(&["--uninstall"]);
        assert!(output.status.success(), "{shell:?}: {}", said(&output));
        // Theirs, and so not the installer's to remove.
        fs::remove_dir(&share).and_then(|()| fs::remove_dir(user.home.path().join(".local"))).expect("empty");
        assert_eq!(user.tree(), before, "{shell:?}");
    }
}

#[test]
fn another_ways_program_is_not_removed() {
    let mut user = User::new(&["dash"]);
    let elsewhere = user.home.path().join("elsewhere");
    assert!(user.run(&["--prefix", elsewhere.to_str().expect("text")]).status.success());
    user.path = format!("{}:{}", elsewhere.join("bin").display(), user.path);
    let before = user.tree();
    let output = user.run(&["--uninstall", "--purge"]);
    assert!(!output.status.success() && said(&output).contains("another --prefix"), "{}", said(&output));
    assert_eq!(user.tree(), before);
}
