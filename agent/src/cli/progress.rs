//! Progress bars on standard error, one for each place; none where that is no terminal.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::deploy::{Note, Watcher};

/// How often a bar moves while nothing is told.
const TICK: Duration = Duration::from_millis(120);

/// The bars of one piece of work.
pub(super) struct Progress {
    all: MultiProgress,
    bars: RefCell<BTreeMap<String, ProgressBar>>,
}

impl Progress {
    /// Shows the bars while `work` is done; they are gone when it is.
    pub(super) async fn over<T>(work: impl AsyncFnOnce(Watcher<'_>) -> T) -> T {
        // Hides itself where standard error is no terminal.
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let progress = Self { all, bars: RefCell::default() };
        work(&|place: &str, note: Note<'_>| progress.note(place, note)).await
    }

    fn note(&self, place: &str, note: Note<'_>) {
        let mut bars = self.bars.borrow_mut();
        let bar = bars.entry(place.to_owned()).or_insert_with(|| self.bar(place));
        match note {
            Note::Doing(text) => bar.set_message(text.to_owned()),
            Note::Done => bar.finish_with_message("done"),
            Note::Failed => bar.abandon_with_message("failed"),
        }
    }

    fn bar(&self, place: &str) -> ProgressBar {
        let bar = self.all.add(ProgressBar::new_spinner());
        // The template is a constant; were it wrong, the plain spinner serves.
        bar.set_style(
            ProgressStyle::with_template("{spinner} {prefix:16} {wide_msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()),
        );
        bar.set_prefix(place.to_owned());
        bar.enable_steady_tick(TICK);
        bar
    }
}

impl Drop for Progress {
    /// The table says what came of it.
    fn drop(&mut self) {
        let _not_a_terminal = self.all.clear();
    }
}
