//! Bytes that left AWS and are not in the file yet. Exits add, the keeper takes.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Whose bytes, if that is known, and of which region.
type Source = (Option<String>, String);

/// Sums of bytes by their source.
#[derive(Debug, Default)]
pub(super) struct Carried(Mutex<BTreeMap<Source, u64>>);

impl Carried {
    pub(super) fn add(&self, source: Source, bytes: u64) {
        if bytes > 0 {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(source).or_default() += bytes;
        }
    }

    pub(super) fn take(&self) -> BTreeMap<Source, u64> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
