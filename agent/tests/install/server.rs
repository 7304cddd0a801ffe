//! A release server: GitHub's API for `update`, GitHub's download pages for the installers.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::json;

/// What the server does wrong with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It sends half of it, and closes.
    Cut,
    /// It sends half of it, and waits.
    Stall,
    /// It does not know it.
    Missing,
}

/// What is served: the latest version, and a directory for each.
struct Shelf {
    latest: String,
    releases: Vec<(String, PathBuf)>,
    /// What is given for a release that is asked for by its version.
    instead: Option<String>,
    fault: Option<(String, Fault)>,
    asked: Vec<String>,
    stalled: Sender<()>,
}

/// A running server; its port goes with the process.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    shelf: Arc<Mutex<Shelf>>,
    stalled: Receiver<()>,
}

impl Server {
    /// Serves the release in `directory` as the latest one.
    pub(crate) fn start(version: &str, directory: &Path) -> Self {
        let (stalled, waits) = channel();
        let releases = vec![(version.to_owned(), directory.to_owned())];
        let shelf = Shelf { latest: version.to_owned(), releases, instead: None, fault: None, asked: Vec::new(), stalled };
        let shelf = Arc::new(Mutex::new(shelf));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind");
        let address = listener.local_addr().expect("address");
        let served = shelf.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shelf = served.clone();
                thread::spawn(move || serve(stream, address, &shelf));
            }
        });
        Self { address, shelf, stalled: waits }
    }

    /// GitHub's API.
    pub(crate) fn api(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The page of releases, as installers take it.
    pub(crate) fn pages(&self) -> String {
        format!("http://{}/releases", self.address)
    }

    /// Serves another release too, which is not the latest.
    pub(crate) fn add(&self, version: &str, directory: &Path) {
        self.shelf.lock().expect("shelf").releases.push((version.to_owned(), directory.to_owned()));
    }

    /// From now on gives this release to whoever asks for a certain one.
    pub(crate) fn give_instead(&self, version: &str) {
        self.shelf.lock().expect("shelf").instead = Some(version.to_owned());
    }

    /// From now on does this with files whose name ends so.
    pub(crate) fn fail(&self, name: &str, fault: Fault) {
        self.shelf.lock().expect("shelf").fault = Some((name.to_owned(), fault));
    }

    /// From now on does all right.
    pub(crate) fn mend(&self) {
        self.shelf.lock().expect("shelf").fault = None;
    }

    /// Returns once a file has been stopped half way.
    pub(crate) fn wait_until_stalled(&self) {
        self.stalled.recv_timeout(super::support::tools::PATIENCE).expect("a stalled download");
    }

    /// The paths that were asked for.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.shelf.lock().expect("shelf").asked.clone()
    }
}

/// One request, one answer. A proxy's absolute form is taken too.
fn serve(mut stream: TcpStream, address: SocketAddr, shelf: &Mutex<Shelf>) {
    let Some(path) = request(&stream) else { return };
    let path = path.strip_prefix(&format!("http://{address}")).unwrap_or(&path).to_owned();
    let (found, fault, stalled) = {
        let mut shelf = shelf.lock().expect("shelf");
        shelf.asked.push(path.clone());
        let fault = shelf.fault.as_ref().filter(|(name, _)| path.ends_with(name)).map(|(_, fault)| *fault);
        (answer(&path, address, &shelf), fault, shelf.stalled.clone())
    };
    let body = found.filter(|_| fault != Some(Fault::Missing));
    let (status, body) = body.map_or(("404 Not Found", Vec::new()), |body| ("200 OK", body));
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let sent = if matches!(fault, Some(Fault::Cut | Fault::Stall)) { &body[..body.len() / 2] } else { &body };
    // Who does not want the answer has gone.
    let _gone = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(sent));
    if fault == Some(Fault::Stall) {
        let _nobody_waits = stalled.send(());
        // Until the other end goes.
        let _gone = BufReader::new(stream).read_line(&mut String::new());
    }
}

fn request(stream: &TcpStream) -> Option<String> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next()?.ok()?;
    let _rest: Vec<_> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    first.split(' ').nth(1).map(str::to_owned)
}

fn answer(path: &str, address: SocketAddr, shelf: &Shelf) -> Option<Vec<u8>> {
    let directory = |version: &str| shelf.releases.iter().find(|(it, _)| it == version).map(|(_, directory)| directory);
    if let Some(rest) = path.strip_prefix("/repos/awslambdaproxy/awslambdaproxy/releases/") {
        let asked = rest.strip_prefix("tags/v").map(|version| shelf.instead.as_deref().unwrap_or(version));
        let version = asked.unwrap_or(&shelf.latest);
        return Some(described(version, directory(version)?, address));
    }
    let (version, name) = match path.strip_prefix("/releases/latest/download/") {
        Some(name) => (shelf.latest.as_str(), name),
        None => path.strip_prefix("/releases/download/v")?.split_once('/')?,
    };
    fs::read(directory(version)?.join(name)).ok()
}

/// A release as GitHub describes one.
fn described(version: &str, directory: &Path, address: SocketAddr) -> Vec<u8> {
    let names = fs::read_dir(directory).expect("a release").map(|entry| entry.expect("a file").file_name());
    let assets: Vec<_> = names
        .map(|name| name.to_string_lossy().into_owned())
        .map(|name| json!({"name": name, "url": format!("http://{address}/releases/download/v{version}/{name}")}))
        .collect();
    let tag = format!("v{version}");
    let release = json!({"tag_name": tag, "name": tag, "created_at": "2026-01-01T00:00:00Z", "body": "", "assets": assets});
    serde_json::to_vec(&release).expect("JSON")
}
