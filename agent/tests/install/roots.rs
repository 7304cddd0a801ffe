//! A root file system to install into as root: the machine's own, with every change in a layer that goes with the test.
//! What is left in that layer is what an uninstall forgot.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use super::support::tools::{copy_program, write_program};

/// A root of its own for commands.
pub(crate) struct Root {
    directory: TempDir,
}

/// What the tools that make users leave behind, whoever calls them: copies of the lists before the change, and a lock.
const LEFT_BY_USERADD: [&str; 7] =
    ["/etc/passwd-", "/etc/shadow-", "/etc/group-", "/etc/gshadow-", "/etc/subuid-", "/etc/subgid-", "/etc/.pwd.lock"];

/// Before the machine's own on the path.
const SYSTEMCTL: &str = "/usr/local/sbin/systemctl";

/// Mounts the layers in a mount namespace that ends with the command, and becomes the command in there. `/run/systemd/system`
/// is hidden: no systemd runs in this root, unless one shall seem to.
const ENTER: &str = r#"
set -eu
base="$1" && shift
mount -t overlay overlay -o "lowerdir=/,upperdir=$base/changes,workdir=$base/work" "$base/root"
mount -t proc proc "$base/root/proc"
mount --bind /dev "$base/root/dev"
mount -t tmpfs none "$base/root/run"
[ ! -e "$base/changes/usr/local/sbin/systemctl" ] || mkdir -p "$base/root/run/systemd/system"
mount -t tmpfs none "$base/root/tmp"
exec chroot "$base/root" "$@"
"#;

impl Root {
    pub(crate) fn new() -> Self {
        // The kernel takes no layer that lies within another, and the lowest is all of the machine's disk.
        let directory = tempfile::tempdir_in("/dev/shm").expect("a directory");
        for folder in ["changes", "work", "root"] {
            fs::create_dir(directory.path().join(folder)).expect("made");
        }
        Self { directory }
    }

    /// A command in this root, as root.
    pub(crate) fn run(&self, words: &[&str]) -> Output {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--pid", "--fork", "sh", "-c", ENTER, "sh"]).arg(self.directory.path()).args(words);
        command.env_clear().env("HOME", "/root").env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        command.output().expect("it runs")
    }

    /// Lets a systemd seem to run in this root: its directory is there, and a `systemctl` that says yes and notes what it is
    /// asked, in a file of its own.
    pub(crate) fn with_systemctl(&self) {
        let to = self.changed(SYSTEMCTL);
        fs::create_dir_all(to.parent().expect("a parent")).expect("made");
        write_program(&to, "#!/bin/sh\necho \"$*\" >>/opt/asked\n");
    }

    /// What that `systemctl` was asked since it was last looked at, a line each.
    pub(crate) fn asked(&self) -> Vec<String> {
        let file = self.changed("/opt/asked");
        let text = fs::read_to_string(&file).unwrap_or_default();
        let _none = fs::remove_file(&file);
        text.lines().map(str::to_owned).collect()
    }

    /// Puts a file into this root.
    pub(crate) fn put(&self, from: &Path, to: &str) {
        let to = self.changed(to);
        fs::create_dir_all(to.parent().expect("a parent")).expect("made");
        copy_program(from, &to);
    }

    /// Where a file that was changed in this root can be read.
    pub(crate) fn changed(&self, path: &str) -> PathBuf {
        self.directory.path().join("changes").join(path.trim_start_matches('/'))
    }

    /// Every file that is not as the machine has it, with its content; but for `besides`.
    pub(crate) fn changes(&self, besides: &[&str]) -> BTreeMap<PathBuf, String> {
        let base = self.directory.path().join("changes");
        let mut found = BTreeMap::new();
        collect(&base, &base, &mut found);
        found.retain(|path, content| {
            let is_left = |left: &&str| path.starts_with(left.trim_end_matches('/'));
            !LEFT_BY_USERADD.iter().chain(besides).any(is_left)
                && fs::read(path).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).as_ref() != Some(content)
        });
        found
    }
}

/// Files, and directories that the machine does not have.
fn collect(base: &Path, directory: &Path, found: &mut BTreeMap<PathBuf, String>) {
    for entry in fs::read_dir(directory).expect("readable").map(|entry| entry.expect("an entry")) {
        let path = Path::new("/").join(entry.path().strip_prefix(base).expect("below"));
        let kind = entry.file_type().expect("a kind");
        if kind.is_dir() {
            if !path.is_dir() {
                found.insert(path, "a directory".to_owned());
            }
            collect(base, &entry.path(), found);
        } else if kind.is_file() {
            let bytes = fs::read(entry.path()).expect("readable");
            found.insert(path, String::from_utf8_lossy(&bytes).into_owned());
        } else if path.symlink_metadata().is_ok() {
            // A mark of the overlay that something of the machine is gone.
            found.insert(path, "removed".to_owned());
        }
    }
}
