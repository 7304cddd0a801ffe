//! Processes as the system shows them: their family, what they hold, and whom they talk to.

use std::collections::HashSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Pids of the children of `parent` whose command line holds `name`.
pub fn children(parent: u32, name: &str) -> Vec<u32> {
    let listed = std::process::Command::new("ps").args(["-ww", "-eo", "pid=,ppid=,args="]).output().expect("ps runs");
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    let of_parent = |line: &&str| line.split_whitespace().nth(1) == Some(&parent.to_string()) && line.contains(name);
    text.lines().filter(of_parent).filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect()
}

/// Every process that an agent has started, with what those started.
pub fn descendants(pid: u32) -> Vec<u32> {
    let mut all = children(pid, "");
    let mut next = 0;
    while next < all.len() {
        all.extend(children(all[next], ""));
        next += 1;
    }
    all
}

/// Whether all of them have ended.
pub fn are_gone(pids: &[u32]) -> bool {
    pids.iter().all(|pid| matches!(state_of(*pid), None | Some('Z')))
}

/// The letter by which the kernel names a process's state; `None` for none.
pub fn state_of(pid: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// What a process holds.
#[derive(Debug, Clone, Copy)]
pub struct Holdings {
    pub descriptors: usize,
    pub threads: usize,
    pub resident_kb: u64,
}

/// What a process holds now; `None` once it has ended.
pub fn holdings(pid: u32) -> Option<Holdings> {
    let count = |folder: &str| Some(fs::read_dir(format!("/proc/{pid}/{folder}")).ok()?.count());
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let resident_kb = resident.trim().trim_end_matches(" kB").parse().ok()?;
    Some(Holdings { descriptors: count("fd")?, threads: count("task")?, resident_kb })
}

/// A socket of a process, of TCP or UDP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Socket {
    pub is_tcp: bool,
    pub is_listening: bool,
    pub local: SocketAddr,
    pub remote: SocketAddr,
}

/// The sockets that a process has open at this moment.
pub fn sockets(pid: u32) -> Vec<Socket> {
    let inodes: HashSet<String> = fs::read_dir(format!("/proc/{pid}/fd"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| fs::read_link(entry.path()).ok())
        .filter_map(|target| Some(target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    let mut found = Vec::new();
    for table in ["tcp", "tcp6", "udp", "udp6"] {
        let text = fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default();
        found.extend(text.lines().skip(1).filter_map(|line| socket(line, table.starts_with("tcp"), &inodes)));
    }
    found
}

/// Reads a line of `/proc/PID/net/tcp` (proc(5)) if the socket is one of these.
fn socket(line: &str, is_tcp: bool, inodes: &HashSet<String>) -> Option<Socket> {
    let columns: Vec<&str> = line.split_whitespace().collect();
    let state = *columns.get(3)?;
    let is_ours = inodes.contains(*columns.get(9)?);
    let socket = Socket { is_tcp, is_listening: state == "0A", local: address(columns[1])?, remote: address(columns[2])? };
    is_ours.then_some(socket)
}

/// The kernel writes an address as 32-bit words in its own byte order.
fn address(text: &str) -> Option<SocketAddr> {
    let (host, port) = text.split_once(':')?;
    let words: Option<Vec<u8>> = (0..host.len() / 8)
        .map(|at| u32::from_str_radix(&host[at * 8..at * 8 + 8], 16).ok())
        .collect::<Option<Vec<u32>>>()
        .map(|words| words.into_iter().flat_map(u32::to_ne_bytes).collect());
    let bytes = words?;
    let ip = match <[u8; 4]>::try_from(bytes.as_slice()) {
        Ok(octets) => IpAddr::V4(Ipv4Addr::from(octets)),
        Err(_) => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(bytes.as_slice()).ok()?)),
    };
    Some(SocketAddr::new(ip.to_canonical(), u16::from_str_radix(port, 16).ok()?))
}
