//! A server that speaks TLS, for what the release server on loopback cannot show: `openssl s_server`.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::release::run;

/// It runs as long as this is kept. Its pages are files with whole answers in them.
pub(crate) struct Secure {
    process: Child,
    pub(crate) address: String,
}

impl Secure {
    /// Serves `pages`, each a path and an answer, with a certificate that it leaves in `directory` as `cert.pem`.
    pub(crate) fn start(directory: &Path, pages: &[(&str, Vec<u8>)]) -> Self {
        for (path, answer) in pages {
            let file = directory.join(path);
            fs::create_dir_all(file.parent().expect("a parent")).expect("made");
            fs::write(file, answer).expect("written");
        }
        let mut request = Command::new("openssl");
        request.args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-subj",
            "/CN=127.0.0.1",
        ]);
        request.args(["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"]);
        run(request.current_dir(directory));
        let mut command = Command::new("openssl");
        command.args(["s_server", "-accept", "127.0.0.1:0", "-cert", "cert.pem", "-key", "key.pem", "-HTTP"]);
        let mut process = command.current_dir(directory).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it runs");
        let mut lines = BufReader::new(process.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
        let address = lines.find_map(|line| line.strip_prefix("ACCEPT ").map(str::to_owned)).expect("an address");
        // It says more, and has to find a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, address }
    }
}

impl Drop for Secure {
    fn drop(&mut self) {
        let _ended = self.process.kill().and_then(|()| self.process.wait());
    }
}
