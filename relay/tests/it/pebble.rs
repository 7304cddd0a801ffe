//! A real CA on loopback: pebble, which looks for its proof at a port of our choice, and the name server that it asks.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::support::{PATIENCE, Port};

/// A CA that certifies whatever name is proven at `port`, and forgets everything when it ends.
pub(crate) struct Pebble {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) address: SocketAddr,
    management: Port,
    names: Port,
    names_management: Port,
    _port: Port,
    processes: Vec<Child>,
}

impl Pebble {
    /// Its certificates live `life`; it proves names at `port`.
    pub(crate) fn start(port: u16, life: Duration) -> Self {
        let directory = tempfile::tempdir().expect("directory");
        own_certificate(directory.path());
        let [port_of_its_own, management, names, names_management] = [(); 4].map(|()| Port::reserved());
        let (address, managed) = (port_of_its_own.address, management.address);
        let configuration = format!(
            "{{\"pebble\":{{\"listenAddress\":\"{address}\",\"managementListenAddress\":\"{managed}\",\
             \"certificate\":\"certificate.pem\",\"privateKey\":\"key.pem\",\"httpPort\":1,\"tlsPort\":{port},\
             \"certificateValidityPeriod\":{}}}}}",
            life.as_secs()
        );
        std::fs::write(directory.path().join("pebble.json"), configuration).expect("written");
        let processes = Vec::new();
        let mut pebble = Self { directory, address, management, names, names_management, _port: port_of_its_own, processes };
        pebble.run();
        pebble
    }

    /// Begins anew: another root, no account and no order of before.
    pub(crate) fn restart(&mut self) {
        self.stop();
        self.run();
    }

    pub(crate) fn stop(&mut self) {
        for mut process in self.processes.drain(..) {
            process.kill().expect("killed");
            process.wait().expect("ended");
        }
    }

    /// The directory's URL.
    pub(crate) fn url(&self) -> String {
        format!("https://{}/dir", self.address)
    }

    /// Who vouches for the CA's own port.
    pub(crate) fn root(&self) -> PathBuf {
        self.directory.path().join("certificate.pem")
    }

    /// The root of what it issues.
    pub(crate) fn issuer(&self) -> CertificateDer<'static> {
        let url = format!("https://{}/roots/0", self.management.address);
        let answer = Command::new("curl").args(["-sS", "--fail", "--cacert"]).arg(self.root()).arg(url).output().expect("curl");
        assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
        CertificateDer::from_pem_slice(&answer.stdout).expect("a certificate")
    }

    /// How many orders it took, by all that ran here. It refuses some requests once, so that clients learn to ask again.
    pub(crate) fn orders(&self) -> usize {
        let log = std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default();
        log.lines().filter(|line| line.contains("Added order ")).count()
    }

    fn run(&mut self) {
        let mut names = self.program("pebble-challtestsrv");
        names.args(["-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-http01", "", "-https01", "", "-tlsalpn01", ""]);
        names.args(["-management", &self.names_management.address.to_string(), "-dns01", &self.names.address.to_string()]);
        let mut ca = self.program("pebble");
        ca.args(["-config", "pebble.json", "-dnsserver", &self.names.address.to_string()]);
        // It refuses one request in twenty for its nonce, and a client that is refused thrice gives up for a while.
        ca.env("PEBBLE_VA_NOSLEEP", "1").env("PEBBLE_WFE_NONCEREJECT", "0");
        self.processes = [names, ca].map(|mut command| command.spawn().expect("it is installed by prepare.sh")).into();
        let begun = Instant::now();
        for address in [self.address, self.management.address, self.names_management.address] {
            while std::net::TcpStream::connect(address).is_err() {
                assert!(begun.elapsed() < PATIENCE, "pebble does not listen on {address}");
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }

    fn program(&self, name: &str) -> Command {
        let log = File::options().create(true).append(true).open(self.directory.path().join("log")).expect("log");
        let mut command = Command::new(name);
        command.current_dir(self.directory.path()).stdin(Stdio::null());
        command.stderr(log.try_clone().expect("log")).stdout(log);
        command
    }
}

impl Drop for Pebble {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// Certificate and key in `directory`, for 127.0.0.1.
pub(crate) fn own_certificate(directory: &Path) {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-keyout", "key.pem", "-out", "certificate.pem"])
        .current_dir(directory)
        .stderr(Stdio::null())
        .status();
    assert!(made.expect("openssl runs").success());
}
