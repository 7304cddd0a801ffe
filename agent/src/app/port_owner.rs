//! Which process holds an address's port, so that "address in use" says whose. Linux only; elsewhere nobody is named.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// State of a listening socket in /proc/net/tcp (proc(5)).
const LISTENING: &str = "0A";

/// Names the process that listens where `address` would be, as far as this user may see it.
pub(crate) fn find(address: SocketAddr) -> Option<String> {
    let inode = ["/proc/net/tcp", "/proc/net/tcp6"].iter().find_map(|table| {
        let text = fs::read_to_string(table).ok()?;
        text.lines().skip(1).find_map(|line| listening_inode(line, address).map(str::to_owned))
    })?;
    let link = format!("socket:[{inode}]");
    let processes = fs::read_dir("/proc").ok()?;
    // Beside the processes stand names for one of them, such as `self`.
    let is_process = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().parse::<u32>().is_ok());
    let mut processes = processes.flatten().map(|entry| entry.path()).filter(is_process);
    processes.find(|process| holds(process, &link)).map(|process| name(&process))
}

/// The inode of a table's line, if it is a listener that stands in the way of one at `address`.
fn listening_inode(line: &str, address: SocketAddr) -> Option<&str> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (local, state, inode) = (fields.get(1)?, fields.get(3)?, fields.get(9)?);
    let (ip, port) = local.split_once(':')?;
    let (ip, port) = (table_ip(ip)?, u16::from_str_radix(port, 16).ok()?);
    (port == address.port() && *state == LISTENING && is_in_the_way(ip, address.ip())).then_some(*inode)
}

/// One that listens at every address stands in the way of all, and one at any in the way of one at all. An IPv6 socket at
/// every address takes IPv4's too.
fn is_in_the_way(listener: IpAddr, wanted: IpAddr) -> bool {
    let covers = |one: IpAddr, other: IpAddr| one.is_unspecified() && (one.is_ipv6() || other.is_ipv4());
    let (listener, wanted) = (listener.to_canonical(), wanted.to_canonical());
    listener == wanted || covers(listener, wanted) || covers(wanted, listener)
}

/// An address as the tables show it: words of 32 bits, each in the machine's own order.
fn table_ip(text: &str) -> Option<IpAddr> {
    if !text.is_ascii() {
        return None;
    }
    let word = |at: usize| Some(u32::from_str_radix(text.get(at..at + 8)?, 16).ok()?.to_ne_bytes());
    match text.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let words: Vec<u8> = [word(0)?, word(8)?, word(16)?, word(24)?].concat();
            Some(Ipv6Addr::from(<[u8; 16]>::try_from(words).ok()?).into())
        }
        _ => None,
    }
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
    fn a_listener_at_another_address_is_not_blamed() {
        // Bound and not listening: nobody else listens there meanwhile.
        let reserved = tokio::net::TcpSocket::new_v4().expect("a socket");
        reserved.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("bind");
        let port = reserved.local_addr().expect("address").port();
        let _other = std::net::TcpListener::bind(("127.0.0.2", port)).expect("bind");
        assert_eq!(find(SocketAddr::from(([127, 0, 0, 1], port))), None, "nobody is in the way there");
        assert!(find(SocketAddr::from(([0, 0, 0, 0], port))).is_some(), "a listener at every address meets it");
    }

    #[test]
    fn addresses_are_read_as_the_kernel_writes_them() {
        let read = |text: &str| table_ip(text).map(|ip| ip.to_string());
        // Of a machine whose lowest byte comes first, as all are on which this is tested.
        assert_eq!(read("0100007F").as_deref(), Some("127.0.0.1"));
        assert_eq!(read("00000000000000000000000001000000").as_deref(), Some("::1"));
        assert_eq!(read("0000000000000000FFFF00000100007F").as_deref(), Some("::ffff:127.0.0.1"));
        for text in ["", "0100007", "0100007G", "éééé", "000000000000000000000000010000000"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_listener_at_every_address_is_in_the_way_of_all_that_it_takes() {
        let ip = |text: &str| text.parse::<IpAddr>().expect("an address");
        for (listener, wanted, expected) in [
            ("127.0.0.1", "127.0.0.1", true),
            ("192.168.1.2", "127.0.0.1", false),
            ("0.0.0.0", "127.0.0.1", true),
            ("127.0.0.1", "0.0.0.0", true),
            ("::", "127.0.0.1", true),
            ("::ffff:127.0.0.1", "127.0.0.1", true),
            ("0.0.0.0", "::1", false),
            ("::1", "127.0.0.1", false),
        ] {
            assert_eq!(is_in_the_way(ip(listener), ip(wanted)), expected, "{listener} {wanted}");
        }
    }

    #[test]
    fn a_strange_line_names_nobody() {
        let address = SocketAddr::from(([127, 0, 0, 1], 8080));
        for line in [
            "",
            "1 2 3",
            "0: 0100007F:ZZZZ 0 0A 0 0 0 0 0 77",
            "0: 0100007F:1F90 0 01 0 0 0 0 0 77",
            "0: 7F:1F90 0 0A 0 0 0 0 0 77",
        ] {
            assert_eq!(listening_inode(line, address), None, "{line}");
        }
        assert_eq!(listening_inode("0: 0100007F:1F90 00000000:0000 0A 0 0 0 0 0 77", address), Some("77"));
    }
}
