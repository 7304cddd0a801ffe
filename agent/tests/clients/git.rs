//! git: a clone by HTTP proxy and by SOCKS5.

use std::path::Path;
use std::process::Command;

use super::nginx::Nginx;
use super::program::{BASE, Program};
use super::tools::noise;

/// Runs git in a folder, apart from anybody's settings.
fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]).args(arguments);
    command
        .current_dir(folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_TERMINAL_PROMPT", "0");
    // Inside a hook of git it would take the hook's repository.
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        command.env_remove(name);
    }
    for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "GIT_SSL_CAINFO"] {
        command.env_remove(name);
    }
    let output = command.output().expect("git runs");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

/// A repository of some commits, served as files; returns its last commit.
fn publish(work: &Path, root: &Path) -> String {
    git(work, &["init", "-q", "source"]);
    let source = work.join("source");
    for number in 0..20 {
        noise(&source.join(format!("file{number}")), 50_000 + number);
        git(&source, &["add", "-A"]);
        git(&source, &["commit", "-q", "-m", &format!("commit {number}")]);
    }
    let bare = root.join("repository.git").display().to_string();
    git(work, &["clone", "-q", "--bare", "source", &bare]);
    git(Path::new(&bare), &["update-server-info"]);
    git(&source, &["rev-parse", "HEAD"])
}

#[test]
fn git_clones_over_http_and_https_by_both_kinds_of_proxy() {
    let (nginx, agent) = (Nginx::start(), Program::start(BASE));
    let work = tempfile::tempdir().expect("folder");
    let head = publish(work.path(), &nginx.root());
    let bases = [format!("http://localhost:{}", nginx.http), format!("https://localhost:{}", nginx.https)];
    let proxies = [agent.url(), format!("socks5h://{}", agent.proxy())];
    for (number, (base, proxy)) in bases.iter().flat_map(|base| proxies.iter().map(move |proxy| (base, proxy))).enumerate() {
        let copy = format!("copy{number}");
        let (proxy, trust) = (format!("http.proxy={proxy}"), format!("http.sslCAInfo={}", nginx.certificate()));
        git(work.path(), &["-c", &proxy, "-c", &trust, "clone", "-q", &format!("{base}/repository.git"), &copy]);
        let copy = work.path().join(copy);
        assert_eq!(git(&copy, &["rev-parse", "HEAD"]), head);
        git(&copy, &["fsck", "--full"]);
    }
    assert!(nginx.visitors().iter().all(|visitor| visitor.starts_with("127.64.")));
}
