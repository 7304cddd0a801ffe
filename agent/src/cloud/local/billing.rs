//! What the local Lambda would have billed, counted in a file so that it outlives the process.
//!
//! One JSON line per invocation: `{"region","request_id","billed_ms","memory_mb","ended_at"}`, `ended_at` in seconds since
//! 1970. A large file is merged at the next start: the lines of a region, memory size and day become one, with
//! `"invocations"` and no `"request_id"`. A line is one write of an appending file, so it survives the end of the process;
//! it is not forced to disk.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::system::private_file;

/// From this size on the file is merged at start, bytes: some ten thousand invocations, read in a few milliseconds.
const MERGE_FROM: u64 = 1024 * 1024;
/// Longest line that is read, bytes; ours are below 200.
const LONGEST_LINE: u64 = 4096;
/// Seconds of a day.
const DAY: u64 = 24 * 60 * 60;

/// One invocation, or several merged ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) region: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) request_id: String,
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub(crate) invocations: u64,
    pub(crate) billed_ms: u64,
    pub(crate) memory_mb: u32,
    pub(crate) ended_at: u64,
}

fn one() -> u64 {
    1
}

fn is_one(count: &u64) -> bool {
    *count == 1
}

/// The sum of a billing file.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Total {
    /// How many invocations were billed.
    pub invocations: u64,
    /// Their billed time, milliseconds.
    pub billed_ms: u64,
    /// Their billed time multiplied by the function's memory.
    pub gb_seconds: f64,
    /// Lines that could not be read, such as one cut short by a full disk.
    pub unreadable: u64,
}

impl Total {
    fn add(&mut self, entry: &Entry) {
        self.invocations = self.invocations.saturating_add(entry.invocations);
        self.billed_ms = self.billed_ms.saturating_add(entry.billed_ms);
        self.gb_seconds += entry.billed_ms as f64 / 1000.0 * f64::from(entry.memory_mb) / 1024.0;
    }
}

/// The sum of everything billed in `path`; a file that does not exist has billed nothing.
pub fn read_total(path: &Path) -> io::Result<Total> {
    let mut total = Total::default();
    for_each(path, |entry| match entry {
        Some(entry) => total.add(&entry),
        None => total.unreadable += 1,
    })?;
    Ok(total)
}

/// Seconds since 1970.
pub(crate) fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}

/// The file, open for appending.
#[derive(Debug)]
pub(crate) struct Ledger {
    file: File,
}

impl Ledger {
    /// Opens or creates the file; a large one is merged first.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        if std::fs::metadata(path).is_ok_and(|metadata| metadata.len() >= MERGE_FROM) {
            merge(path)?;
        }
        Ok(Self { file: private_file().append(true).create(true).open(path)? })
    }

    /// Appends one line in one write.
    pub(crate) fn append(&self, entry: &Entry) -> io::Result<()> {
        (&self.file).write_all(&line_of(entry)?)
    }
}

fn line_of(entry: &Entry) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(entry)?;
    line.push(b'\n');
    Ok(line)
}

/// Replaces the file by one with a line per region, memory size and day.
fn merge(path: &Path) -> io::Result<()> {
    let mut days: BTreeMap<(u64, String, u32), Entry> = BTreeMap::new();
    for_each(path, |entry| {
        let Some(entry) = entry else { return };
        let key = (entry.ended_at / DAY, entry.region.clone(), entry.memory_mb);
        days.entry(key).and_modify(|sum| join(sum, &entry)).or_insert(Entry { request_id: String::new(), ..entry });
    })?;
    let mut merged = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
    for entry in days.values() {
        merged.write_all(&line_of(entry)?)?;
    }
    merged.as_file().sync_all()?;
    merged.persist(path)?;
    Ok(())
}

fn join(sum: &mut Entry, entry: &Entry) {
    sum.invocations = sum.invocations.saturating_add(entry.invocations);
    sum.billed_ms = sum.billed_ms.saturating_add(entry.billed_ms);
    sum.ended_at = sum.ended_at.max(entry.ended_at);
}

/// Hands every line to `each`; one that makes no sense as `None`.
fn for_each(path: &Path, mut each: impl FnMut(Option<Entry>)) -> io::Result<()> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file?,
    };
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    loop {
        line.clear();
        if reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        each(serde_json::from_slice(&line).ok());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(region: &str, ended_at: u64) -> Entry {
        Entry { region: region.into(), request_id: "id".into(), invocations: 1, billed_ms: 500, memory_mb: 512, ended_at }
    }

    fn sums(path: &Path) -> (u64, u64, f64) {
        let total = read_total(path).expect("read");
        (total.invocations, total.billed_ms, total.gb_seconds)
    }

    #[test]
    fn what_was_billed_is_there_after_a_restart() {
        let directory = tempfile::tempdir().expect("tempdir");
        let path = directory.path().join("billing.jsonl");
        assert_eq!(read_total(&path).expect("absent"), Total::default());
        for restart in 0..3 {
            Ledger::open(&path).expect("open").append(&entry("local-1", 100 + restart)).expect("append");
        }
        assert_eq!(sums(&path), (3, 1500, 0.75));
    }

    #[test]
    fn a_line_cut_short_is_counted_and_hides_no_other() {
        let directory = tempfile::tempdir().expect("tempdir");
        let path = directory.path().join("billing.jsonl");
        std::fs::write(&path, "{\"region\":\"lo\n\n").expect("write");
        Ledger::open(&path).expect("open").append(&entry("local-1", 1)).expect("append");
        let total = read_total(&path).expect("read");
        assert_eq!((total.invocations, total.unreadable), (1, 2));
    }

    #[test]
    fn merging_keeps_the_sum_and_each_day() {
        let directory = tempfile::tempdir().expect("tempdir");
        let path = directory.path().join("billing.jsonl");
        let ledger = Ledger::open(&path).expect("open");
        for ended_at in [5, 6, DAY, DAY + 1] {
            ledger.append(&entry("local-1", ended_at)).expect("append");
            ledger.append(&entry("local-2", ended_at)).expect("append");
        }
        let before = sums(&path);
        merge(&path).expect("merge");
        assert_eq!(sums(&path), before);
        assert_eq!(std::fs::read_to_string(&path).expect("read").lines().count(), 4);
    }
}
