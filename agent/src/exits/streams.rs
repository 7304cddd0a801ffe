//! The open streams of an exit, or of the whole agent, and what the ended ones carried.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tunnel::meter::Meter;

/// A register of streams. Its [`Place`]s keep it right.
#[derive(Debug, Default)]
pub struct Streams(Mutex<Register>);

#[derive(Debug, Default)]
struct Register {
    next: u64,
    open: HashMap<u64, Arc<Meter>>,
    cut: u64,
    ended_up: u64,
    ended_down: u64,
}

/// What a register says at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StreamStats {
    /// Streams open now, or being opened.
    pub open: usize,
    /// Streams ever entered.
    pub entered: u64,
    /// Those that an exit gave up, or that were lost with it.
    pub cut: u64,
    /// Bytes from the users to the sites.
    pub bytes_up: u64,
    /// Bytes from the sites to the users.
    pub bytes_down: u64,
    /// For how long every open stream has been silent; `None` without one.
    pub idle_for: Option<Duration>,
    /// Age of the oldest open stream; `None` without one.
    pub oldest: Option<Duration>,
}

impl Streams {
    /// Enters a stream until the place is dropped.
    pub fn enter(self: &Arc<Self>, meter: &Arc<Meter>) -> Place {
        let mut register = self.lock();
        let key = register.next;
        register.next += 1;
        register.open.insert(key, meter.clone());
        Place { streams: self.clone(), key, cut: false }
    }

    /// The numbers of now.
    pub fn stats(&self) -> StreamStats {
        let register = self.lock();
        let open = || register.open.values();
        StreamStats {
            open: register.open.len(),
            entered: register.next,
            cut: register.cut,
            bytes_up: register.ended_up + open().map(|meter| meter.into_tunnel()).sum::<u64>(),
            bytes_down: register.ended_down + open().map(|meter| meter.out_of_tunnel()).sum::<u64>(),
            idle_for: open().map(|meter| meter.idle_for()).min(),
            oldest: open().map(|meter| meter.age()).max(),
        }
    }

    /// How many are open now, or being opened.
    pub fn open(&self) -> usize {
        self.lock().open.len()
    }

    fn leave(&self, key: u64, cut: bool) {
        let mut register = self.lock();
        register.cut += u64::from(cut);
        if let Some(meter) = register.open.remove(&key) {
            register.ended_up += meter.into_tunnel();
            register.ended_down += meter.out_of_tunnel();
        }
    }

    /// Counts cannot be left half changed, so that a poisoned lock hides nothing.
    fn lock(&self) -> MutexGuard<'_, Register> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream's place in a register.
#[derive(Debug)]
pub struct Place {
    streams: Arc<Streams>,
    key: u64,
    cut: bool,
}

impl Place {
    /// The stream ends with its exit, not by an end of its own.
    pub fn mark_cut(&mut self) {
        self.cut = true;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.streams.leave(self.key, self.cut);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_numbers_cover_open_and_ended_streams() {
        let streams = Arc::new(Streams::default());
        let (first, second) = (Arc::new(Meter::new()), Arc::new(Meter::new()));
        let one = streams.enter(&first);
        tokio::time::advance(Duration::from_secs(5)).await;
        let mut two = streams.enter(&second);
        first.add_into_tunnel(10);
        second.add_out_of_tunnel(7);
        tokio::time::advance(Duration::from_secs(2)).await;
        let stats = streams.stats();
        assert_eq!((stats.open, stats.bytes_up, stats.bytes_down), (2, 10, 7));
        assert_eq!((stats.idle_for, stats.oldest), (Some(Duration::from_secs(2)), Some(Duration::from_secs(7))));
        drop(one);
        let stats = streams.stats();
        assert_eq!((stats.open, stats.entered, stats.bytes_up, stats.bytes_down), (1, 2, 10, 7));
        two.mark_cut();
        drop(two);
        assert_eq!((streams.stats().open, streams.stats().cut), (0, 1));
    }
}
