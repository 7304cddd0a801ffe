//! A real web server: HTTP and HTTPS with HTTP/2, files to download and a place to upload to.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::tools::{Port, wait_for};

/// A running nginx; ends with the value.
pub struct Nginx {
    directory: TempDir,
    process: Child,
    pub http: u16,
    pub https: u16,
    _ports: [Port; 2],
}

impl Nginx {
    pub fn start() -> Self {
        let directory = tempfile::tempdir().expect("directory");
        let ports = [Port::reserved(), Port::reserved()];
        let [http, https] = [ports[0].number, ports[1].number];
        let root = directory.path();
        for folder in ["www", "www/up", "tmp"] {
            fs::create_dir(root.join(folder)).expect("folder");
        }
        // The workers of a server started by root are somebody else.
        for folder in ["", "www", "www/up", "tmp"] {
            open_to_all(&root.join(folder));
        }
        fs::write(root.join("www/index.html"), "a real page\n").expect("page");
        certificate(root);
        fs::write(root.join("nginx.conf"), configuration(root, http, https)).expect("configuration");
        let mut process = Command::new("nginx")
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .args(["-p", &root.display().to_string(), "-c", "nginx.conf", "-e", "error.log"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nginx runs");
        // It writes its pid once it has its ports. Whether something answers there would say nothing of who it is.
        let pid = root.join("nginx.pid");
        wait_for("nginx to have its ports", || {
            assert!(process.try_wait().expect("a status").is_none(), "nginx has ended");
            fs::read(&pid).is_ok_and(|pid| !pid.is_empty()).then_some(())
        });
        Self { directory, process, http, https, _ports: ports }
    }

    /// Where its files are.
    pub fn root(&self) -> PathBuf {
        self.directory.path().join("www")
    }

    /// Its certificate, to be trusted by clients.
    pub fn certificate(&self) -> String {
        self.directory.path().join("certificate.pem").display().to_string()
    }

    /// The addresses from which it was asked, one a request.
    pub fn visitors(&self) -> Vec<String> {
        self.visits().into_iter().map(|visit| visit.from).collect()
    }

    /// What it was asked, in the order of the answers' ends.
    pub fn visits(&self) -> Vec<Visit> {
        let log = fs::read_to_string(self.directory.path().join("access.log")).unwrap_or_default();
        log.lines().filter_map(Visit::read).collect()
    }
}

/// One request in a server's log.
#[derive(Debug)]
pub struct Visit {
    pub from: String,
    pub path: String,
    pub protocol: String,
}

impl Visit {
    /// Reads a line of the combined format: `ADDRESS - - [TIME] "METHOD PATH PROTOCOL" …`.
    fn read(line: &str) -> Option<Self> {
        let from = line.split(' ').next()?.to_owned();
        let mut request = line.split('"').nth(1)?.split(' ').skip(1).map(str::to_owned);
        Some(Self { from, path: request.next()?, protocol: request.next()? })
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its master ends the workers on SIGTERM, not on SIGKILL.
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let _ = self.process.wait();
    }
}

fn open_to_all(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o777)).expect("permissions");
}

fn certificate(root: &Path) {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        .args(["-keyout", "key.pem", "-out", "certificate.pem"])
        .current_dir(root)
        .stderr(Stdio::null())
        .status();
    assert!(made.expect("openssl runs").success());
}

fn configuration(root: &Path, http: u16, https: u16) -> String {
    let root = root.display();
    format!(
        "daemon off; worker_processes 1; pid nginx.pid; error_log error.log;
events {{ worker_connections 2048; }}
http {{
  access_log access.log; client_max_body_size 0; client_body_temp_path tmp; keepalive_requests 100000;
  types {{ text/html html; text/css css; text/javascript js; image/svg+xml svg; }}
  proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;
  server {{
    listen 127.0.0.1:{http}; listen 127.0.0.1:{https} ssl http2;
    ssl_certificate certificate.pem; ssl_certificate_key key.pem;
    root {root}/www;
    location /up/ {{ dav_methods PUT; }}
    location = /address {{ return 200 $remote_addr; }}
    location /slow/ {{ alias {root}/www/; limit_rate 200k; }}
  }}
}}
"
    )
}
