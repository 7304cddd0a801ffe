//! Which process holds a port, so that "address in use" says whose. Linux only; elsewhere nobody is named.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// State of a listening socket in /proc/net/tcp (proc(5)).
const LISTENING: &str = "0A";

/// Names the process that listens on the port of `address`, as far as this user may see it.
pub(crate) fn find(address: SocketAddr) -> Option<String> {
    let inode = ["/proc/net/tcp", "/proc/net/tcp6"].iter().find_map(|table| {
        let text = fs::read_to_string(table).ok()?;
        text.lines().skip(1).find_map(|line| listening_inode(line, address.port()).map(str::to_owned))
    })?;
    let link = format!("socket:[{inode}]");
    let processes = fs::read_dir("/proc").ok()?;
    // Beside the processes stand names for one of them, such as `self`.
    let is_process = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().parse::<u32>().is_ok());
    let mut processes = processes.flatten().map(|entry| entry.path()).filter(is_process);
    processes.find(|process| holds(process, &link)).map(|process| name(&process))
}

/// The inode of a table's line, if it is a listener on `port`.
fn listening_inode(line: &str, port: u16) -> Option<&str> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (local, state, inode) = (fields.get(1)?, fields.get(3)?, fields.get(9)?);
    let found = u16::from_str_radix(local.rsplit(':').next()?, 16).ok()?;
    (found == port && *state == LISTENING).then_some(*inode)
}

fn holds(process: &Path, link: &str) -> bool {
    let Ok(descriptors) = fs::read_dir(process.join("fd")) else { return false };
    descriptors.flatten().any(|entry| fs::read_link(entry.path()).is_ok_and(|target| target.as_os_str() == link))
}

fn name(process: &Path) -> String {
    let pid = process.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let command = fs::read_to_string(process.join("comm")).unwrap_or_default();
    format!("{}, process {pid}", command.trim())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_holder_of_a_port_is_named() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
        let owner = find(listener.local_addr().expect("address")).expect("this process");
        assert!(owner.ends_with(&format!("process {}", std::process::id())), "{owner}");
    }

    #[test]
    fn a_strange_line_names_nobody() {
        for line in ["", "1 2 3", "0: 0100007F:ZZZZ 0 0A 0 0 0 0 0 77", "0: 0100007F:1F90 0 01 0 0 0 0 0 77"] {
            assert_eq!(listening_inode(line, 8080), None, "{line}");
        }
        assert_eq!(listening_inode("0: 0100007F:1F90 00000000:0000 0A 0 0 0 0 0 77", 8080), Some("77"));
    }
}
