//! The flags of a command as settings: the strongest layer.

use crate::config::layers::{put, table};
use crate::config::ledger::Ledger;
use crate::config::mistake::Mistake;
use crate::config::node::{Kind, Node, Table};
use crate::config::origin::Origin;

/// What `--bypass` is called.
const BYPASS: &str = "--bypass";

/// The settings that a command line carries.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    values: Vec<(&'static str, &'static str, String)>,
    bypass: Vec<String>,
}

impl Flags {
    /// `flag` sets `key`, a full key such as `proxy.listen`, when it was given.
    #[must_use]
    pub fn set(mut self, flag: &'static str, key: &'static str, value: Option<String>) -> Self {
        self.values.extend(value.map(|value| (flag, key, value)));
        self
    }

    /// Hosts that go direct: a rule before all of the file's.
    #[must_use]
    pub fn bypass(mut self, hosts: &[String]) -> Self {
        self.bypass.extend(hosts.iter().cloned());
        self
    }

    pub(in crate::config) fn apply(self, root: &mut Table, ledger: &Ledger) {
        for (flag, key, value) in self.values {
            let origin = Origin::Flag(flag);
            let path: Vec<&str> = key.split('.').collect();
            if let Err(error) = put(root, &path, Node::text(origin.clone(), value)) {
                ledger.mistake(Mistake { origin, key: key.to_owned(), value: None, text: error.to_string() });
            }
        }
        if !self.bypass.is_empty() {
            put_first_rule(root, &self.bypass);
        }
    }
}

/// A file whose `routing` is no section keeps it, so that its reader says so.
fn put_first_rule(root: &mut Table, hosts: &[String]) {
    let origin = Origin::Flag(BYPASS);
    let hosts = hosts.iter().map(|host| Node::text(origin.clone(), host)).collect();
    let hosts = Node { origin: origin.clone(), kind: Kind::List(hosts) };
    let rule = table(&origin, [("hosts", hosts), ("via", Node::text(origin.clone(), "direct"))]);
    let routing = root.entry("routing".to_owned()).or_insert_with(|| table(&origin, []));
    let Kind::Table(routing) = &mut routing.kind else { return };
    let empty = || Node { origin: origin.clone(), kind: Kind::List(Vec::new()) };
    let rules = routing.entry("rules".to_owned()).or_insert_with(empty);
    match &mut rules.kind {
        Kind::List(rules) => rules.insert(0, rule),
        Kind::Table(_) => {
            let only = rules.clone();
            rules.kind = Kind::List(vec![rule, only]);
        }
        _ => {}
    }
}
