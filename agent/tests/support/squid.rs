//! A real HTTP proxy as companies run it: squid, which asks for a password and forbids some hosts.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::tools::{Port, wait_for};

/// Who may use it, as the URL of a proxy writes it; the `@` of the password is escaped there.
pub const USER: &str = "me:p%40ss";
/// A name that it takes for this machine, and nobody else knows.
pub const KNOWN: &str = "relay.corp.test";

/// A running squid; ends with the value.
pub struct Squid {
    directory: TempDir,
    process: Child,
    pub port: u16,
    _port: Port,
}

impl Squid {
    pub fn start() -> Self {
        let (directory, reserved) = (tempfile::tempdir().expect("directory"), Port::reserved());
        let port = reserved.number;
        let root = directory.path();
        // One that was started by root becomes somebody else.
        fs::set_permissions(root, fs::Permissions::from_mode(0o777)).expect("mode");
        let hashed = Command::new("openssl").args(["passwd", "-apr1", "p@ss"]).output().expect("openssl runs").stdout;
        fs::write(root.join("users"), [b"me:", hashed.as_slice()].concat()).expect("users");
        fs::write(root.join("hosts"), format!("127.0.0.1 {KNOWN}\n")).expect("hosts");
        fs::write(root.join("squid.conf"), configuration(root, port)).expect("configuration");
        let mut process = Command::new("squid")
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .args(["-N", "-f", &root.join("squid.conf").display().to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("squid runs");
        let log = root.join("cache.log");
        wait_for("squid to have its port", || {
            let says = fs::read_to_string(&log).unwrap_or_default();
            assert!(process.try_wait().expect("a status").is_none(), "squid has ended: {says}");
            says.contains("Accepting HTTP Socket connections").then_some(())
        });
        Self { directory, process, port, _port: reserved }
    }

    /// Its URL for this user, or for nobody.
    pub fn url(&self, user: Option<&str>) -> String {
        let user = user.map(|user| format!("{user}@")).unwrap_or_default();
        format!("http://{user}127.0.0.1:{}", self.port)
    }

    /// What it was asked, a line each: result, method, where to and who asked.
    pub fn asked(&self) -> Vec<String> {
        let log = fs::read_to_string(self.directory.path().join("access.log")).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }
}

impl Drop for Squid {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn configuration(root: &Path, port: u16) -> String {
    let root = root.display();
    format!(
        "http_port 127.0.0.1:{port}\n\
         pid_filename {root}/squid.pid\n\
         cache_log {root}/cache.log\n\
         coredump_dir {root}\n\
         logformat short %>Hs %rm %ru %un\n\
         access_log stdio:{root}/access.log short\n\
         buffered_logs off\n\
         cache deny all\n\
         cache_mem 8 MB\n\
         max_filedescriptors 1024\n\
         pinger_enable off\n\
         netdb_filename none\n\
         visible_hostname squid.test\n\
         hosts_file {root}/hosts\n\
         shutdown_lifetime 0 seconds\n\
         auth_param basic program /usr/lib/squid/basic_ncsa_auth {root}/users\n\
         auth_param basic children 1\n\
         auth_param basic realm the company\n\
         acl known proxy_auth REQUIRED\n\
         acl forbidden dstdomain .forbidden.test\n\
         http_access deny forbidden\n\
         http_access allow known\n\
         http_access deny all\n"
    )
}
