//! `update`: nothing that goes wrong costs the program that works.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use super::release::{answering, key, run, sign, stand_in};
use super::server::{Fault, Server};
use super::support::program::EXE;
use super::support::tools::copy_program;

/// What runs now.
const RUNNING: &str = env!("CARGO_PKG_VERSION");

/// An installed agent in a home of its own.
struct Installed {
    home: TempDir,
    program: PathBuf,
}

impl Installed {
    fn new(server: &Server) -> Self {
        Self::within("bin", server)
    }

    fn within(folder: &str, server: &Server) -> Self {
        let home = tempfile::tempdir().expect("a directory");
        let program = home.path().join(folder).join("awslambdaproxy");
        fs::create_dir_all(program.parent().expect("a folder")).expect("made");
        fs::hard_link(EXE, &program).unwrap_or_else(|_| copy_program(EXE.as_ref(), &program));
        let config = home.path().join(".config/awslambdaproxy");
        fs::create_dir_all(&config).expect("made");
        fs::write(config.join("config.toml"), format!("[update]\nurl = \"{}\"\n", server.api())).expect("written");
        Self { home, program }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments);
        self.surround(&mut command);
        command
    }

    fn surround(&self, command: &mut Command) {
        command.env_clear().env("HOME", self.home.path()).env("PATH", std::env::var_os("PATH").unwrap_or_default());
    }

    fn update(&self, arguments: &[&str]) -> Output {
        self.command(&[&["update"], arguments].concat()).output().expect("it runs")
    }

    /// The version that the file tells.
    fn version(&self) -> String {
        run(Command::new(&self.program).arg("--version")).trim().to_owned()
    }

    /// Fails unless the update was refused for `reason`, and the old program works with nothing left beside it.
    fn refused(&self, output: &Output, reason: &str) {
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(reason), "{said}");
        self.is_untouched();
    }

    fn is_untouched(&self) {
        assert_eq!(self.version(), format!("awslambdaproxy {RUNNING}"));
        let beside = fs::read_dir(self.program.parent().expect("a folder")).expect("there").count();
        assert_eq!(beside, 1, "nothing is left beside it");
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_newer_release_takes_the_programs_place() {
    let release = answering("awslambdaproxy", "9.9.9");
    let server = Server::start("9.9.9", release.path());
    let installed = Installed::new(&server);
    let checked = installed.update(&["--check"]);
    assert_eq!(text(&checked.stdout), format!("9.9.9 is available; this is {RUNNING}\n"), "{}", text(&checked.stderr));
    installed.is_untouched();
    let updated = installed.update(&[]);
    assert_eq!(text(&updated.stdout), format!("updated {RUNNING} to 9.9.9\n"), "{}", text(&updated.stderr));
    assert_eq!(installed.version(), "awslambdaproxy 9.9.9");
    let mode = fs::metadata(&installed.program).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, fs::metadata(EXE).expect("there").permissions().mode() & 0o777);
}

#[test]
fn what_is_current_stays_and_an_older_release_is_taken_only_when_asked_for() {
    let (older, same) = (answering("awslambdaproxy", "0.0.1"), answering("awslambdaproxy", RUNNING));
    let server = Server::start("0.0.1", older.path());
    server.add(RUNNING, same.path());
    let installed = Installed::new(&server);
    for arguments in [&[][..], &["--check"], &["--to", RUNNING]] {
        assert_eq!(text(&installed.update(arguments).stdout), format!("{RUNNING} is up to date\n"), "{arguments:?}");
        installed.is_untouched();
    }
    installed.refused(&installed.update(&["--to", "3.0.0"]), "there is no such release");
    assert!(installed.update(&["--to", "0.0.1"]).status.success());
    assert_eq!(installed.version(), "awslambdaproxy 0.0.1");
}

#[test]
fn another_release_than_the_one_that_was_asked_for_is_refused() {
    let (older, newer) = (answering("awslambdaproxy", "0.0.1"), answering("awslambdaproxy", "9.9.9"));
    let server = Server::start("9.9.9", newer.path());
    server.add("0.0.1", older.path());
    server.give_instead("0.0.1");
    let installed = Installed::new(&server);
    installed.refused(&installed.update(&["--to", "9.9.9"]), "was asked for 9.9.9 and gave 0.0.1");
}

#[test]
fn a_file_that_was_changed_after_signing_is_refused() {
    let release = answering("awslambdaproxy", "9.9.9");
    let other = answering("awslambdaproxy", "9.9.9");
    let archive = |directory: &TempDir| -> PathBuf {
        let entries = fs::read_dir(directory.path()).expect("there").map(|entry| entry.expect("a file").path());
        entries.into_iter().find(|path| path.extension().is_some_and(|it| it == "gz")).expect("an archive")
    };
    let mut bytes = fs::read(archive(&other)).expect("read");
    *bytes.last_mut().expect("a byte") ^= 1;
    fs::write(archive(&release), bytes).expect("written");
    let server = Server::start("9.9.9", release.path());
    let installed = Installed::new(&server);
    installed.refused(&installed.update(&[]), "is not what its release signed");
}

#[test]
fn a_list_that_another_key_signed_is_refused() {
    let release = answering("awslambdaproxy", "9.9.9");
    let foreign = release.path().with_extension("pem");
    run(Command::new("openssl").args(["genpkey", "-algorithm", "ed25519", "-out"]).arg(&foreign));
    sign(release.path(), &foreign);
    fs::remove_file(&foreign).expect("removed");
    let server = Server::start("9.9.9", release.path());
    let installed = Installed::new(&server);
    installed.refused(&installed.update(&[]), "is not signed with the release key");
    sign(release.path(), &key());
    server.fail("SHA256SUMS.sig", Fault::Cut);
    installed.refused(&installed.update(&[]), "SHA256SUMS.sig");
    server.fail("SHA256SUMS.sig", Fault::Missing);
    installed.refused(&installed.update(&[]), "SHA256SUMS.sig");
}

#[test]
fn a_signed_file_of_another_release_is_no_update() {
    // A server that calls an old release the newest has no signed file of that name.
    let old = answering("awslambdaproxy", "0.0.1");
    let server = Server::start("9.9.9", old.path());
    let installed = Installed::new(&server);
    installed.refused(&installed.update(&[]), "does not name awslambdaproxy-9.9.9");
}

#[test]
fn a_download_that_is_cut_off_is_refused() {
    let release = answering("awslambdaproxy", "9.9.9");
    let server = Server::start("9.9.9", release.path());
    server.fail(".tar.gz", Fault::Cut);
    let installed = Installed::new(&server);
    installed.refused(&installed.update(&[]), ".tar.gz");
    server.mend();
    assert!(installed.update(&[]).status.success(), "the next one works");
}

#[test]
fn an_update_that_is_killed_leaves_the_program_and_the_next_one_cleans_up() {
    let release = answering("awslambdaproxy", "9.9.9");
    let server = Server::start("9.9.9", release.path());
    server.fail(".tar.gz", Fault::Stall);
    let installed = Installed::new(&server);
    let mut update = installed.command(&["update"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
    server.wait_until_stalled();
    update.kill().expect("killed");
    update.wait().expect("its end");
    assert_eq!(installed.version(), format!("awslambdaproxy {RUNNING}"));
    server.mend();
    assert!(installed.update(&[]).status.success());
    assert_eq!(installed.version(), "awslambdaproxy 9.9.9");
    assert_eq!(fs::read_dir(installed.program.parent().expect("a folder")).expect("there").count(), 1);
}

#[test]
fn a_program_that_does_not_run_here_is_not_installed() {
    for (body, reason) in
        [("exit 127", "exit status: 127"), ("echo awslambdaproxy 1.2.3", "1.2.3"), ("kill -KILL $$", "signal: 9")]
    {
        let release = stand_in("awslambdaproxy", "9.9.9", body);
        let server = Server::start("9.9.9", release.path());
        let installed = Installed::new(&server);
        installed.refused(&installed.update(&[]), reason);
    }
}

#[test]
fn a_full_disk_costs_nothing() {
    let release = answering("awslambdaproxy", "9.9.9");
    let server = Server::start("9.9.9", release.path());
    let installed = Installed::new(&server);
    // A file system of 64 kB where the new program would be unpacked, seen by this one command only.
    let staging = installed.program.with_file_name(".awslambdaproxy.update");
    fs::create_dir(&staging).expect("made");
    let mounted = "mount -t tmpfs -o size=64k none \"$1\" && exec \"$0\" update";
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", mounted]).arg(&installed.program).arg(&staging);
    installed.surround(&mut command);
    let output = command.output().expect("it runs");
    fs::remove_dir(&staging).expect("empty");
    installed.refused(&output, "No space left on device");
}

#[test]
fn who_may_not_write_there_is_told_where() {
    let release = answering("awslambdaproxy", "9.9.9");
    let server = Server::start("9.9.9", release.path());
    let installed = Installed::new(&server);
    let nobody = 65_534;
    for path in [installed.home.path(), &installed.home.path().join(".config"), installed.program.parent().expect("a folder")] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("mode");
    }
    // The home is theirs, the program's folder is not.
    chown(installed.home.path(), Some(nobody), Some(nobody)).expect("given");
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&installed.program).arg("update");
    installed.surround(&mut command);
    let output = command.output().expect("it runs");
    installed.refused(&output, "cannot write in");
    assert!(text(&output.stderr).contains(&installed.program.parent().expect("a folder").display().to_string()));
}

#[test]
fn an_install_of_a_package_manager_is_its_own() {
    let release = answering("awslambdaproxy", "9.9.9");
    let server = Server::start("9.9.9", release.path());
    let installed = Installed::within(".cargo/bin", &server);
    installed.refused(&installed.update(&[]), "update it with: cargo install");
}

#[test]
fn an_update_goes_through_the_proxy_of_the_environment() {
    let release = answering("awslambdaproxy", "9.9.9");
    let server = Server::start("9.9.9", release.path());
    let installed = Installed::new(&server);
    let proxy = super::proxied::Forwarder::start();
    let url = format!("http://{}", proxy.address);
    let through = installed.command(&["update"]).env("ALL_PROXY", &url).output().expect("it runs");
    assert!(through.status.success(), "{}", text(&through.stderr));
    assert!(proxy.connections() >= 4, "the release, the list, its signature, the archive");
    // A proxy that is not there is no reason to go round it.
    let reserved = super::support::tools::Port::reserved();
    let gone = reserved.address();
    let installed = Installed::new(&server);
    let output = installed.command(&["update"]).env("ALL_PROXY", format!("http://{gone}")).output().expect("it runs");
    installed.refused(&output, "ask http://127.0.0.1");
    let around = installed.command(&["update"]).env("ALL_PROXY", format!("http://{gone}")).env("NO_PROXY", "127.0.0.1").output();
    assert!(around.expect("it runs").status.success());
}

#[test]
fn the_relay_is_updated_alike() {
    let release = answering("awslambdaproxy-relay", "9.9.9");
    let server = Server::start("9.9.9", release.path());
    let directory = tempfile::tempdir().expect("a directory");
    let program = directory.path().join("awslambdaproxy-relay");
    // Not copied by this process: what other tests start holds the copy open for a moment, and it could not be run.
    run(Command::new("cp").arg(super::archives::relay()).arg(&program));
    let url = server.api();
    let update = |arguments: &[&str]| {
        let mut command = Command::new(&program);
        command.args(["update", "--url", &url]).args(arguments).env_clear().env("HOME", directory.path());
        text(&command.output().expect("it runs").stdout)
    };
    assert_eq!(update(&["--check"]), format!("9.9.9 is available; this is {RUNNING}\n"));
    assert_eq!(update(&[]), format!("updated {RUNNING} to 9.9.9\n"));
    assert_eq!(run(Command::new(&program).arg("--version")).trim(), "awslambdaproxy-relay 9.9.9");
}

#[test]
fn both_forms_of_the_signature_are_of_the_list() {
    let release = answering("awslambdaproxy", "9.9.9");
    let verify = |key: &str| super::release::script("verify.sh").arg(release.path()).arg(key).output().expect("it runs");
    let key = super::release::public_key();
    assert!(verify(&key).status.success(), "{}", text(&verify(&key).stderr));
    assert!(!verify("MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=").status.success());
    fs::write(release.path().join("SHA256SUMS"), "").expect("written");
    assert!(!verify(&key).status.success());
}
