//! Completions in the real shells, and manual pages, of both programs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::archives::relay;
use super::release::run;
use super::support::program::EXE;

/// A program's completions for a shell, in a file of the shell's own name for them.
fn completions(program: &Path, shell: &str) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join(format!("_{}", program.file_name().expect("a name").display()));
    fs::write(&file, run(Command::new(program).args(["completions", shell]))).expect("written");
    (directory, file)
}

/// Each program, a word that has been begun, and the one command that it can become.
fn programs() -> [(PathBuf, &'static str, &'static str); 2] {
    [(PathBuf::from(EXE), "rot", "rotate"), (relay(), "upd", "update")]
}

#[test]
fn bash_completes_a_command() {
    for (program, begun, whole) in programs() {
        let (_directory, file) = completions(&program, "bash");
        let name = program.file_name().expect("a name").display();
        let script = format!(
            "source '{}'; COMP_WORDS=({name} {begun}); COMP_CWORD=1; $(complete -p {name} | sed 's/.*-F \\([^ ]*\\).*/\\1/') {name} {begun} {name}; \
             echo \"${{COMPREPLY[*]}}\"",
            file.display()
        );
        assert_eq!(run(Command::new("bash").args(["--norc", "-c", &script])).trim(), whole);
    }
}

#[test]
fn zsh_loads_the_completions() {
    for (program, _, whole) in programs() {
        let (directory, _) = completions(&program, "zsh");
        let name = program.file_name().expect("a name").display();
        let script = format!(
            "fpath=('{0}' $fpath); autoload -Uz compinit; compinit -u -d '{0}/dump'; echo $_comps[{name}]; autoload +X -Uz _{name}; \
             functions _{name}",
            directory.path().display()
        );
        let shown = run(Command::new("zsh").args(["-f", "-c", &script]));
        assert_eq!(shown.lines().next(), Some(format!("_{name}").as_str()), "{shown}");
        assert!(shown.contains(whole), "{shown}");
    }
}

#[test]
fn fish_completes_a_command() {
    for (program, begun, whole) in programs() {
        let (directory, file) = completions(&program, "fish");
        let script =
            format!("source '{}'; complete -C '{} {begun}'", file.display(), program.file_name().expect("a name").display());
        let shown = run(Command::new("fish").args(["--no-config", "-c", &script]).env("HOME", directory.path()));
        let words: Vec<_> = shown.lines().filter_map(|line| line.split('\t').next()).collect();
        assert_eq!(words, [whole]);
    }
}

#[test]
fn every_command_has_a_manual_page_and_examples() {
    let directory = tempfile::tempdir().expect("a directory");
    for (program, ..) in programs() {
        run(Command::new(&program).args(["man", "--to"]).arg(directory.path()));
        let first = run(Command::new(&program).arg("man"));
        assert!(first.contains(&format!(".TH {}", program.file_name().expect("a name").display())), "{first}");
    }
    for page in [
        "awslambdaproxy",
        "awslambdaproxy-exec",
        "awslambdaproxy-service-install",
        "awslambdaproxy-relay",
        "awslambdaproxy-relay-update",
    ] {
        let text = fs::read_to_string(directory.path().join(format!("{page}.1"))).expect(page);
        assert!(text.starts_with(".ie") || text.contains(".TH"), "{page}");
    }
    let help = run(Command::new(EXE).args(["exec", "--help"]));
    assert!(help.contains("awslambdaproxy exec --region us-west-2 -- python3 scrape.py"), "{help}");
}
