//! What is left to do while running streams may finish: to carry them, and nothing else.
//!
//! Never: an exit is invoked for a rotation that no stream can use.

use super::{Supervisor, fleet};
use crate::cloud::Cloud;
use crate::scheduler::plan::{Frequency, Fresh};
use crate::scheduler::time::Timestamp;

impl<C: Cloud> Supervisor<C> {
    pub(super) fn begin_to_wind_down(&mut self) {
        self.is_winding_down = true;
        (self.settings.frequency, self.settings.fresh) = (Frequency::Never, Fresh::Never);
    }

    /// Regions that carry nothing have done their work, unless somebody who came before the end still waits for an exit.
    pub(super) fn wind_down(&mut self, now: Timestamp, waiting: usize) {
        if waiting > 0 {
            return self.wake_regions(now);
        }
        let pooled = self.pool.exits();
        for index in 0..self.regions.len() {
            let mut exits = self.exits.values().filter(|exit| exit.region == index);
            if exits.all(|exit| fleet::streams_of(&pooled, exit).open == 0) {
                self.rest(index);
            }
        }
    }
}
