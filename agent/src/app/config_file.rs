//! Whether the configuration file still says what the agent was started with. It is watched, not followed.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

use crate::config::Seen;
use crate::health::{Health, Problem, ProblemKey, Severity};
use crate::status::model::CONFIG_CHANGED;

/// Between two looks for the log's sake; for `status` one is taken at once. Some kilobytes are read.
const PERIOD: Duration = Duration::from_secs(30);
/// What can be done about it.
const RESTART: &str = "restart the agent to follow it";

/// The file, and where its change is told. Clones share both.
#[derive(Clone)]
pub(super) struct ConfigFile {
    seen: Arc<Seen>,
    health: Health,
}

impl ConfigFile {
    pub(super) fn new(seen: Seen, health: Health) -> Self {
        Self { seen: Arc::new(seen), health }
    }

    /// Looks again and again, until the handle is dropped.
    pub(super) fn watch(&self) -> AbortOnDropHandle<()> {
        let file = self.clone();
        AbortOnDropHandle::new(tokio::spawn(async move {
            loop {
                file.look().await;
                sleep(PERIOD).await;
            }
        }))
    }

    /// Sets the problem, or clears it. What cannot be read now says nothing new.
    pub(super) async fn look(&self) {
        let seen = Arc::clone(&self.seen);
        match tokio::task::spawn_blocking(move || seen.has_changed()).await {
            Ok(Ok(changed)) => self.tell(changed),
            Ok(Err(error)) => tracing::debug!(%error, file = %self.seen.path().display(), "the configuration cannot be read"),
            Err(_) => {}
        }
    }

    fn tell(&self, changed: bool) {
        let key = ProblemKey::agent(CONFIG_CHANGED);
        if !changed {
            self.health.clear(&key);
            return;
        }
        let code = CONFIG_CHANGED.to_owned();
        let (text, hint) = (format!("{} was changed since the agent started", self.seen.path().display()), RESTART.to_owned());
        if self.health.get(&key).is_none() {
            tracing::warn!(code, hint, "{text}");
        }
        let severity = Severity::Warning;
        self.health.set(key, Problem { code, severity, region: None, phase: None, text, hint: Some(hint) });
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config::{Flags, Mode, Sources, load};

    #[tokio::test]
    async fn a_changed_file_is_a_problem_until_it_is_changed_back() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("config.toml");
        fs::write(&path, "frequency = 5").expect("written");
        let sources =
            Sources { file: path.clone(), file_required: true, environment: vec![], flags: Flags::default(), mode: Mode::Local };
        let health = Health::default();
        let file = ConfigFile::new(load(sources).expect("sound").file, health.clone());
        let told = async |text: &str| {
            fs::write(&path, text).expect("written");
            file.look().await;
            health.list().into_iter().map(|problem| (problem.code, problem.severity)).collect::<Vec<_>>()
        };
        assert_eq!(told("frequency = 5").await, []);
        assert_eq!(told("frequency = 6").await, [(CONFIG_CHANGED.to_owned(), Severity::Warning)]);
        assert_eq!(told("it is no TOML").await.len(), 1);
        assert_eq!(told("frequency = 5").await, []);
    }
}
