//! A relay with TLS in this process, for certificates of every kind.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::thread;

use relay::agents::{Agents, AgentsFile, Token};
use relay::tls::{CertificateSlot, Certified};
use tokio_util::sync::CancellationToken;

/// A running relay.
pub struct TlsRelay {
    pub address: SocketAddr,
    /// The SHA-256 of its certificate.
    pub pin: String,
    pub token: String,
    agents: AgentsFile,
}

/// The only agent that it knows.
const AGENT: &str = "test";

impl TlsRelay {
    /// With a certificate that it made itself.
    pub fn self_signed() -> Self {
        Self::start(|folder| relay::tls::self_signed(folder, "127.0.0.1").expect("certificate"))
    }

    /// With a certificate that a private authority has signed; that one's own goes to `authority`.
    pub fn privately_signed(authority: &Path) -> Self {
        let authority = authority.to_owned();
        Self::start(move |folder| signed(folder, &authority))
    }

    fn start(certified: impl FnOnce(&Path) -> Certified + Send + 'static) -> Self {
        let token = "0123456789abcdef".repeat(4);
        let (known, (ready, is_ready)) = (token.clone(), mpsc::channel());
        thread::spawn(move || {
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
            let folder = tempfile::tempdir().expect("folder");
            let certified = certified(folder.path());
            let pin = certified.pin();
            let file = AgentsFile::in_directory(folder.path());
            file.add(&AGENT.parse().expect("a name"), Token::presented(&known).hash()).expect("added");
            let mut config = relay::server::Config::plain(Agents::from_file(file.clone()).expect("agents"));
            config.tls = Some(CertificateSlot::holding(certified).expect("TLS"));
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("bind");
                ready.send((listener.local_addr().expect("address"), pin, file)).expect("told");
                relay::server::run(listener, config, CancellationToken::new()).await.expect("relay");
            });
        });
        let (address, pin, agents) = is_ready.recv().expect("the relay is ready");
        Self { address, pin, token, agents }
    }

    /// Knows the agent no more.
    pub fn revoke(&self) {
        self.agents.revoke(&AGENT.parse().expect("a name")).expect("revoked");
    }

    /// The agent's `[relay]` section for this relay, with more lines.
    pub fn section(&self, more: &str) -> String {
        format!("[relay]\nurl = \"wss://{}\"\ntoken = \"{}\"\n{more}\n", self.address, self.token)
    }
}

/// Makes an authority and a certificate for 127.0.0.1 that it has signed.
fn signed(folder: &Path, authority: &Path) -> Certified {
    let script = format!(
        "cd {folder} && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=authority \
           -addext basicConstraints=critical,CA:TRUE -keyout authority.key -out {authority} && \
         openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=relay -keyout key.pem -out request && \
         printf 'subjectAltName=IP:127.0.0.1' > names && \
         openssl x509 -req -in request -days 2 -CA {authority} -CAkey authority.key -CAcreateserial -extfile names -out relay.pem",
        folder = folder.display(),
        authority = authority.display(),
    );
    let output = Command::new("sh").args(["-ec", &script]).output().expect("sh runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Certified::from_files(&folder.join("relay.pem"), &folder.join("key.pem")).expect("certificate")
}
