//! What one reading of the layers noted: mistakes, settings in force, known and unknown keys, where secrets stand.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::layers::environment;
use super::mistake::Mistake;
use super::origin::Origin;
use super::suggestion;

/// A value in force, for `config show`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The full key.
    pub key: String,
    /// The value in TOML; a secret is `"…set"`.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
}

/// The notes. Sections share it while they are read, on one thread.
#[derive(Default)]
pub(super) struct Ledger {
    mistakes: RefCell<Vec<Mistake>>,
    settings: RefCell<Vec<Setting>>,
    known: RefCell<BTreeSet<String>>,
    unknown: RefCell<Vec<(String, Origin)>>,
    /// Full keys whose values are secrets, present or not.
    secrets: RefCell<BTreeSet<String>>,
}

impl Ledger {
    pub(super) fn mistake(&self, mistake: Mistake) {
        self.mistakes.borrow_mut().push(mistake);
    }

    pub(super) fn setting(&self, key: String, value: String, origin: Origin) {
        self.settings.borrow_mut().push(Setting { key, value, origin });
    }

    pub(super) fn known(&self, key: &str) {
        self.known.borrow_mut().insert(without_index(key));
    }

    pub(super) fn unknown(&self, key: String, origin: Origin) {
        self.unknown.borrow_mut().push((key, origin));
    }

    pub(super) fn secret(&self, key: String) {
        self.secrets.borrow_mut().insert(key);
    }

    pub(super) fn is_secret(&self, key: &str) -> bool {
        self.secrets.borrow().contains(key)
    }

    pub(super) fn forget(&self, key: &str) {
        self.settings.borrow_mut().retain(|setting| setting.key != key);
    }

    /// The keys of secrets, without the numbers of their sections.
    pub(super) fn secret_keys(&self) -> BTreeSet<String> {
        self.secrets.borrow().iter().map(|key| without_index(key)).collect()
    }

    /// Judges the unknown keys, now that all known ones are, and hands everything out.
    pub(super) fn close(self) -> (Vec<Mistake>, Vec<Setting>) {
        let known = self.known.into_inner();
        let mut mistakes = self.mistakes.into_inner();
        mistakes.extend(self.unknown.into_inner().into_iter().map(|(key, origin)| stranger(key, origin, &known)));
        (mistakes, self.settings.into_inner())
    }
}

/// The mistake of an unknown key, with what was probably meant.
fn stranger(key: String, origin: Origin, known: &BTreeSet<String>) -> Mistake {
    let meant = suggestion::nearest(&without_index(&key), known.iter().map(String::as_str));
    let text = match (meant, &origin) {
        (None, Origin::Environment(_)) => "no such setting".to_owned(),
        (None, _) => "unknown key".to_owned(),
        (Some(meant), Origin::Environment(_)) => format!("no such setting; did you mean {}?", environment::name_of(meant)),
        (Some(meant), _) => format!("unknown key; did you mean `{meant}`?"),
    };
    Mistake { origin, key, value: None, text }
}

/// `relay[2].url` is known as `relay.url`.
fn without_index(key: &str) -> String {
    let mut inside = false;
    key.chars()
        .filter(|c| {
            inside = (inside || *c == '[') && *c != ']';
            !inside && *c != ']'
        })
        .collect()
}
