//! The ledger's file: one JSON line per event, shared by all agents of a user.
//!
//! Every exchange holds a lock, takes in what others wrote, and appends in one write. A large file is replaced by a short
//! one with the same sums. A line is not forced to disk: it survives the end of the process, not that of the machine.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::entry::Entry;
use super::ledger::Ledger;
use crate::scheduler::time::Timestamp;
use crate::system::{is_same_file, private_file};

/// From this size on the file is made short again, bytes: a week of a busy agent, read in a few milliseconds.
const MERGE_FROM: u64 = 1024 * 1024;
/// Largest file that is read, bytes. Ours never is; another program's is not ours to sum.
const LARGEST: u64 = 64 * 1024 * 1024;
/// Longest line that is read, bytes; ours are below 400.
const LONGEST_LINE: u64 = 4096;

/// The file and what has been read of it.
#[derive(Debug)]
pub(super) struct Store {
    path: PathBuf,
    file: Option<Reading>,
    ledger: Ledger,
    unreadable: u64,
    was_read: bool,
}

/// The open file, and how far it was read.
#[derive(Debug)]
struct Reading {
    file: File,
    offset: u64,
}

impl Store {
    /// A store that has read nothing yet.
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, file: None, ledger: Ledger::default(), unreadable: 0, was_read: false }
    }

    /// The file's name.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What all lines come to, as far as they were read.
    pub(super) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Takes in what others wrote, and appends `lines`: all of them, or none.
    pub(super) fn exchange(&mut self, lines: &[Entry], now: Timestamp) -> io::Result<()> {
        let _locked = lock(&self.path)?;
        let mut at = self.current()?;
        self.take_in(&mut at)?;
        self.was_read = true;
        if !lines.is_empty() {
            at.offset = append(&mut at.file, at.offset, lines)?;
            lines.iter().cloned().for_each(|line| self.ledger.apply(line));
        }
        if at.offset >= MERGE_FROM {
            match self.merge(now) {
                Ok(short) => at = short,
                // The lines stand: who wrote them again would count them twice.
                Err(error) => tracing::warn!(path = %self.path.display(), %error, "the ledger stays long"),
            }
        }
        self.file = Some(at);
        Ok(())
    }

    /// Whether there is a file of which nothing could be read yet.
    pub(super) fn is_unknown(&self) -> bool {
        !self.was_read && !matches!(self.path.symlink_metadata(), Err(error) if error.kind() == ErrorKind::NotFound)
    }

    /// The file that has the name now: the one read so far, or another, of which nothing was read.
    fn current(&mut self) -> io::Result<Reading> {
        let named = open(&self.path)?;
        match self.file.take() {
            Some(known) if is_same_file(&known.file, &named)? && named.metadata()?.len() >= known.offset => Ok(known),
            _ => {
                (self.ledger, self.unreadable) = (Ledger::default(), 0);
                Ok(Reading { file: named, offset: 0 })
            }
        }
    }

    fn take_in(&mut self, at: &mut Reading) -> io::Result<()> {
        at.file.seek(SeekFrom::Start(at.offset))?;
        if at.file.metadata()?.len() > LARGEST {
            return Err(io::Error::other(format!("it is larger than {LARGEST} bytes")));
        }
        let (ledger, unreadable) = (&mut self.ledger, &mut self.unreadable);
        at.offset += for_each(&at.file, |line| match line {
            Some(entry) => ledger.apply(entry),
            None => *unreadable += 1,
        })?;
        if self.unreadable > 0 && at.offset > 0 {
            tracing::debug!(lines = self.unreadable, path = %self.path.display(), "some lines of the ledger make no sense");
        }
        Ok(())
    }

    /// Puts a short file in the place of the long one.
    fn merge(&mut self, now: Timestamp) -> io::Result<Reading> {
        let mut short = tempfile::NamedTempFile::new_in(self.path.parent().unwrap_or(Path::new(".")))?;
        let offset = append(short.as_file_mut(), 0, &self.ledger.compact(now))?;
        short.as_file().sync_all()?;
        // Not `persist`, which on Windows replaces no file that an agent has open.
        let (_, short) = short.keep()?;
        if let Err(error) = fs::rename(&short, &self.path) {
            let _as_before = fs::remove_file(&short);
            return Err(error);
        }
        Ok(Reading { file: open(&self.path)?, offset })
    }
}

/// Keeps other processes away until it is dropped, or this one ends. The lock has a file of its own: the ledger's is replaced.
fn lock(path: &Path) -> io::Result<File> {
    let file = private().truncate(false).open(path.with_extension("lock"))?;
    file.lock()?;
    Ok(file)
}

fn open(path: &Path) -> io::Result<File> {
    private().truncate(false).open(path)
}

fn private() -> OpenOptions {
    let mut options = private_file();
    options.read(true).write(true).create(true);
    options
}

/// Writes `lines` at the end, which is `offset`; on a full disk nothing of them stays. Returns the new end.
fn append(file: &mut File, offset: u64, lines: &[Entry]) -> io::Result<u64> {
    let mut bytes = Vec::new();
    if offset > 0 && !ends_a_line(file, offset)? {
        bytes.push(b'\n');
    }
    for line in lines {
        serde_json::to_writer(&mut bytes, line)?;
        bytes.push(b'\n');
    }
    file.seek(SeekFrom::Start(offset))?;
    match file.write_all(&bytes) {
        Ok(()) => Ok(offset + bytes.len() as u64),
        Err(error) => {
            // What stays of it if this fails too is a line that makes no sense, and hides no other.
            let _as_before = file.set_len(offset);
            Err(error)
        }
    }
}

fn ends_a_line(file: &mut File, offset: u64) -> io::Result<bool> {
    let mut last = [0];
    file.seek(SeekFrom::Start(offset - 1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// Hands every line to `each`, one that makes no sense as `None`; returns how many bytes there were.
pub(super) fn for_each(from: impl Read, mut each: impl FnMut(Option<Entry>)) -> io::Result<u64> {
    let mut reader = BufReader::new(from);
    let (mut line, mut read) = (Vec::new(), 0);
    loop {
        line.clear();
        match reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line) {
            Ok(0) => return Ok(read),
            Ok(count) => read += count as u64,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        if line != b"\n" {
            each(serde_json::from_slice(&line).ok());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::calendar::Month;
    use super::super::entry::Sum;
    use super::super::usage::Processor;
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_564_800_000);

    fn sum(region: &str) -> Entry {
        let (month, region, processor) = (Month::of(NOW), region.to_owned(), Processor::Arm64);
        Entry::Sum(Sum { account: None, month, region, processor, mb_ms: 1024 * 1000, requests: 1, bytes_out: 7 })
    }

    fn requests(store: &Store) -> u64 {
        store.ledger().usage(None, Month::of(NOW), NOW).bill().requests
    }

    #[test]
    fn two_agents_see_each_other_s_lines_and_a_third_what_both_left() {
        let directory = tempfile::tempdir().expect("tempdir");
        let path = directory.path().join("usage.jsonl");
        let (mut one, mut other) = (Store::new(path.clone()), Store::new(path.clone()));
        one.exchange(&[sum("a"), sum("b")], NOW).expect("written");
        other.exchange(&[sum("a")], NOW).expect("written");
        one.exchange(&[], NOW).expect("read");
        assert_eq!((requests(&one), requests(&other)), (3, 3));
        let mut third = Store::new(path);
        third.exchange(&[], NOW).expect("read");
        assert_eq!(third.ledger(), one.ledger());
    }

    #[test]
    fn a_long_file_becomes_short_and_nobody_loses_a_line() {
        let directory = tempfile::tempdir().expect("tempdir");
        let path = directory.path().join("usage.jsonl");
        let (mut one, mut other) = (Store::new(path.clone()), Store::new(path.clone()));
        let many = vec![sum("a"); 12_000];
        other.exchange(&[sum("b")], NOW).expect("written");
        one.exchange(&many, NOW).expect("written");
        assert!(std::fs::metadata(&path).expect("there").len() < 1000, "it was not made short");
        other.exchange(&[sum("b")], NOW).expect("written");
        one.exchange(&[], NOW).expect("read");
        assert_eq!((requests(&one), requests(&other)), (12_002, 12_002));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_that_cannot_be_made_short_holds_each_line_once() {
        let directory = tempfile::tempdir().expect("tempdir");
        let path = directory.path().join("u");
        // The longest path that the system takes: a new file beside it would need a longer one.
        let longest = 4095 - "/u.lock".len();
        let padding = "/".repeat(longest - directory.path().as_os_str().len());
        let mut store = Store::new(PathBuf::from(format!("{padding}{}/u", directory.path().display())));
        store.exchange(&vec![sum("a"); 12_000], NOW).expect("written");
        store.exchange(&[sum("a")], NOW).expect("written");
        let mut next = Store::new(path);
        next.exchange(&[], NOW).expect("read");
        assert_eq!((requests(&store), requests(&next)), (12_001, 12_001));
    }

    #[test]
    fn a_line_cut_short_is_counted_and_hides_no_other() {
        let directory = tempfile::tempdir().expect("tempdir");
        let path = directory.path().join("usage.jsonl");
        std::fs::write(&path, "{\"event\":\"su").expect("written");
        let mut store = Store::new(path.clone());
        store.exchange(&[sum("a")], NOW).expect("written");
        let mut next = Store::new(path);
        next.exchange(&[], NOW).expect("read");
        assert_eq!((requests(&store), requests(&next), next.unreadable), (1, 1, 1));
    }

    #[cfg(unix)]
    #[test]
    fn others_cannot_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().expect("tempdir");
        let path = directory.path().join("usage.jsonl");
        Store::new(path.clone()).exchange(&[sum("a")], NOW).expect("written");
        let mode = std::fs::metadata(path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn on_a_full_disk_nothing_is_half_written() {
        // The device takes no byte, like a full disk.
        let mut file = OpenOptions::new().read(true).write(true).open("/dev/full").expect("the device");
        let error = append(&mut file, 0, &[sum("a")]).expect_err("no room");
        assert_eq!(error.kind(), ErrorKind::StorageFull);
    }
}
