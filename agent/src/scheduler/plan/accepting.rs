//! Which exit takes the new streams.
//!
//! Never: not an exit that is not ready, and nothing is ended here because a newer one came.

use std::time::Duration;

use super::pass::Pass;
use super::view::{ExitId, ExitView, REPLACE, RenewalProgress, UNSTEADY};
use crate::exits::state::{ExitState, Reason};

impl Pass<'_> {
    /// Makes the newest ready exit the one that accepts, and drains all that are older. Without one, a draining exit that is
    /// still paired stands in.
    pub(super) fn choose_acceptor(&mut self) {
        self.watch_tunnels();
        let Some(best) = self.best() else { return };
        match best.state {
            ExitState::Ready => self.activate(best.id),
            ExitState::Draining => self.undrain(best.id),
            _ => {}
        }
        for (id, state) in self.older_than(&best) {
            match state {
                ExitState::Active => self.drain(id),
                ExitState::Ready => self.end(id, Reason::Done),
                _ => {}
            }
        }
    }

    fn best(&self) -> Option<ExitView> {
        let steady = || self.exits.iter().filter(|exit| exit.is_steady());
        let chosen = steady().filter(|exit| matches!(exit.state, ExitState::Ready | ExitState::Active));
        let unsettled = |exit: &ExitView| exit.asked || exit.renewal == RenewalProgress::UnderWay;
        let stand_in = || steady().filter(|exit| exit.is_draining() && !unsettled(exit));
        chosen.max_by_key(|exit| exit.order()).or_else(|| stand_in().max_by_key(|exit| (exit.deadline, exit.id))).cloned()
    }

    fn older_than(&self, best: &ExitView) -> Vec<(ExitId, ExitState)> {
        let older = self.exits.iter().filter(|exit| exit.is_open() && exit.order() < best.order());
        older.map(|exit| (exit.id, exit.state)).collect()
    }

    /// Looks again when an unpaired tunnel passes a limit of this file or of the replacement.
    fn watch_tunnels(&mut self) {
        let open = self.exits.iter().filter(|exit| exit.is_open());
        let unpaired: Vec<Duration> = open.filter_map(|exit| exit.unpaired_for).collect();
        for unpaired in unpaired {
            self.wake_when(unpaired, UNSTEADY);
            self.wake_when(unpaired, REPLACE);
        }
    }
}
