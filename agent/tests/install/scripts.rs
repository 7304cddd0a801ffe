//! What reads scripts and workflows before anybody runs them.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::release::{key, public_key, root, run, script, sign};
use super::support::tools::write_program;

/// What a script begins with, and a part of scripts.
const BEGINNINGS: [&[u8]; 3] = [b"#!/bin/sh", b"#!/usr/bin/env bash", b"# shellcheck shell="];

/// Every script of the repository that a shell runs.
fn shell_scripts() -> Vec<PathBuf> {
    let listed =
        run(Command::new("git").args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(root()));
    let paths = listed.split('\0').filter(|path| !path.is_empty()).map(|path| root().join(path));
    let is_script =
        |path: &PathBuf| fs::read(path).is_ok_and(|bytes| BEGINNINGS.iter().any(|beginning| bytes.starts_with(beginning)));
    paths.filter(is_script).collect()
}

#[test]
fn shellcheck_finds_nothing() {
    let scripts = shell_scripts();
    assert!(scripts.contains(&root().join("install.sh")) && scripts.len() > 10, "{scripts:?}");
    run(Command::new("shellcheck").arg("--external-sources").args(scripts).current_dir(root()));
}

#[test]
fn actionlint_finds_nothing() {
    run(&mut Command::new(root().join("packaging/develop/workflows.sh")));
}

#[test]
fn a_checkout_on_windows_has_the_line_ends_that_were_committed() {
    let directory = tempfile::tempdir().expect("a directory");
    let prefix = format!("--prefix={}/", directory.path().display());
    // What Git for Windows sets unless it is told otherwise.
    let mut command = Command::new("git");
    run(command.args(["-c", "core.autocrlf=true", "checkout-index", "--all", &prefix]).current_dir(root()));
    let there = |path: &Path| fs::read(directory.path().join(path.strip_prefix(root()).expect("below")));
    let scripts: Vec<_> = shell_scripts().into_iter().filter_map(|path| there(&path).ok()).collect();
    assert!(scripts.len() > 10 && !scripts.iter().any(|script| script.contains(&b'\r')));
    let seed = root().join("fuzz/seeds/proxy_answer/through");
    let bytes = there(&seed).expect("a seed");
    assert!(bytes.contains(&b'\r') && bytes == fs::read(&seed).expect("read"), "what has such line ends keeps them");
}

#[test]
fn the_installer_for_windows_is_powershell() {
    let parse = || Command::new(root().join("packaging/develop/powershell.sh"));
    run(&mut parse());
    let directory = tempfile::tempdir().expect("a directory");
    let (stamped, broken) = (directory.path().join("install.ps1"), directory.path().join("broken.ps1"));
    run(script("stamp.sh").args([Path::new(&public_key()), directory.path()]));
    run(parse().arg(&stamped));
    let text = fs::read_to_string(&stamped).expect("a script");
    fs::write(&broken, &text[..text.rfind('}').expect("an end")]).expect("written");
    let output = parse().arg(&broken).output().expect("it runs");
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("broken.ps1:"), "{output:?}");
}

#[test]
fn templates_are_filled_from_the_signed_list() {
    let directory = tempfile::tempdir().expect("a directory");
    let release = directory.path().join("release");
    fs::create_dir(&release).expect("made");
    let line = |number: usize, name: &str| format!("{}  awslambdaproxy-1.2.3-{name}\n", number.to_string().repeat(64));
    let names = [
        "aarch64-apple-darwin.tar.gz",
        "x86_64-apple-darwin.tar.gz",
        "aarch64-unknown-linux-musl.tar.gz",
        "x86_64-unknown-linux-musl.tar.gz",
    ];
    let list: String = names.iter().enumerate().map(|(number, name)| line(number, name)).collect();
    fs::write(release.join("SHA256SUMS"), &list).expect("written");
    let out = directory.path().join("out");
    let filled = script("fill.sh").arg(&release).arg("1.2.3").arg(&out).output().expect("it runs");
    assert!(filled.status.success());
    let formula = fs::read_to_string(out.join("awslambdaproxy.rb")).expect("a formula");
    assert!(formula.contains(&format!("sha256 \"{}\"", "2".repeat(64))) && !formula.contains("@SHA256"), "{formula}");
    assert!(!out.join("awslambdaproxy.awslambdaproxy.installer.yaml").exists(), "this release has no file for it");
    assert!(String::from_utf8_lossy(&filled.stderr).contains("installer.yaml is left out"));
}

#[test]
fn a_release_for_windows_has_the_zip_that_winget_takes() {
    let directory = tempfile::tempdir().expect("a directory");
    let program = directory.path().join("awslambdaproxy.exe");
    write_program(&program, "#!/bin/sh\n[ \"$1\" != --version ] || echo awslambdaproxy 1.2.3\n");
    let stem = "awslambdaproxy-1.2.3-x86_64-pc-windows-msvc";
    let release = directory.path().join("release");
    let pack = |time: &str| {
        let mut command = script("archive.sh");
        command.args([program.as_path(), Path::new("x86_64-pc-windows-msvc"), &release]).env("SOURCE_DATE_EPOCH", time);
        run(&mut command);
        fs::read(release.join(format!("{stem}.zip"))).expect("a zip")
    };
    let bytes = pack("1700000000");
    assert!(bytes == pack("1700000000") && bytes != pack("1800000000"), "the same input makes the same bytes");
    assert!(release.join(format!("{stem}.tar.gz")).exists(), "for `update` and install.ps1");

    sign(&release, &key());
    let out = directory.path().join("out");
    run(script("fill.sh").args([&release, Path::new("1.2.3"), &out]));
    let filled = fs::read_to_string(out.join("awslambdaproxy.awslambdaproxy.installer.yaml")).expect("a manifest");
    let value = |key: &str| {
        let line = filled.lines().find_map(|line| line.trim_start_matches([' ', '-']).strip_prefix(key));
        line.expect("a value").trim().to_owned()
    };
    assert!(value("InstallerUrl:").ends_with(&format!("/v1.2.3/{stem}.zip")), "{filled}");
    let sum = run(Command::new("sha256sum").arg(release.join(format!("{stem}.zip"))));
    assert_eq!(sum.split(' ').next(), Some(value("InstallerSha256:").as_str()));
    let mut zip = zip::ZipArchive::new(fs::File::open(release.join(format!("{stem}.zip"))).expect("a zip")).expect("whole");
    let within = value("RelativeFilePath:").replace('\\', "/");
    let mut content = Vec::new();
    zip.by_name(&within).expect("the program").read_to_end(&mut content).expect("read");
    assert_eq!(content, fs::read(&program).expect("read"));
    assert!(zip.by_name(&format!("{stem}/LICENSE-MIT")).is_ok());

    // Elsewhere nobody wants one.
    let elsewhere = directory.path().join("elsewhere");
    run(script("archive.sh").args([program.as_path(), Path::new("x86_64-apple-darwin"), &elsewhere]));
    assert_eq!(fs::read_dir(&elsewhere).expect("readable").count(), 1);
}

/// What `compile.sh` asks of cargo, a word a line, and the flags that it leaves in the environment.
fn asked_of_cargo(target: &str, flags: &[(&str, &str)]) -> String {
    let directory = tempfile::tempdir().expect("a directory");
    let cargo = directory.path().join("cargo");
    write_program(&cargo, "#!/bin/sh\nprintf '%s\\n' \"$@\"\nenv | grep RUSTFLAGS || true\n");
    let mut command = script("compile.sh");
    command.arg(target).env("PATH", format!("{}:/usr/bin:/bin", directory.path().display()));
    command.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS").envs(flags.iter().copied());
    run(&mut command)
}

#[test]
fn programs_for_windows_need_no_library_that_a_fresh_windows_lacks() {
    let windows = "x86_64-pc-windows-msvc";
    let asked = asked_of_cargo(windows, &[]);
    assert!(
        asked.ends_with("--config\ntarget.x86_64-pc-windows-msvc.rustflags=['-C', 'target-feature=+crt-static']\n"),
        "{asked}"
    );
    let asked = asked_of_cargo(windows, &[("RUSTFLAGS", "--cfg mine")]);
    assert!(asked.ends_with("relay\nRUSTFLAGS=--cfg mine -C target-feature=+crt-static\n"), "{asked}");
    let asked = asked_of_cargo(windows, &[("CARGO_ENCODED_RUSTFLAGS", "--cfg\u{1f}mine")]);
    let flags = "relay\nCARGO_ENCODED_RUSTFLAGS=--cfg\u{1f}mine\u{1f}-C\u{1f}target-feature=+crt-static\n";
    assert!(asked.ends_with(flags), "{asked}");
    let elsewhere = asked_of_cargo("x86_64-unknown-linux-gnu", &[]);
    assert!(
        !elsewhere.contains("crt-static") && elsewhere.contains("--locked\n--target\nx86_64-unknown-linux-gnu"),
        "{elsewhere}"
    );
}

#[test]
fn a_version_without_a_word_in_the_changelog_is_no_release() {
    assert!(run(script("notes.sh").arg(env!("CARGO_PKG_VERSION"))).len() > 20);
    assert!(!script("notes.sh").arg("99.0.0").output().expect("it runs").status.success());
}
