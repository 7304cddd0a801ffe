//! Processes as the system shows them.

/// Pids of the children of `parent` whose command line holds `name`.
pub fn children(parent: u32, name: &str) -> Vec<u32> {
    let listed = std::process::Command::new("ps").args(["-eo", "pid=,ppid=,args="]).output().expect("ps runs");
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
    pids.iter().all(|pid| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.is_empty() || stat.contains(") Z ")
    })
}
