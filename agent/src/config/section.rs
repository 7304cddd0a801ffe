//! The typed accessor: asks one section for its keys, notes every mistake, and goes on with the default.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use super::ledger::Ledger;
use super::mistake::Mistake;
use super::node::{Kind, Node, Table};
use super::origin::Origin;
use super::value::{Fault, Value};

/// A section that is being read. What was never asked for by the end is unknown.
pub(super) struct Section<'a> {
    name: String,
    origin: Origin,
    table: Option<&'a Table>,
    asked: RefCell<BTreeSet<&'static str>>,
    ledger: &'a Ledger,
}

impl<'a> Section<'a> {
    /// The whole configuration.
    pub(super) fn root(table: &'a Table, ledger: &'a Ledger) -> Self {
        Self::new(String::new(), Origin::Default, Some(table), ledger)
    }

    fn new(name: String, origin: Origin, table: Option<&'a Table>, ledger: &'a Ledger) -> Self {
        Self { name, origin, table, asked: RefCell::default(), ledger }
    }

    /// The full key.
    pub(super) fn key(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }

    fn node(&self, key: &'static str) -> Option<&'a Node> {
        self.asked.borrow_mut().insert(key);
        self.ledger.known(&self.key(key));
        self.table?.get(key)
    }

    /// Where a key stands, if anywhere.
    pub(super) fn origin_of(&self, key: &str) -> Option<Origin> {
        self.table?.get(key).map(|node| node.origin.clone())
    }

    /// A value that may be absent.
    pub(super) fn optional<T: Value>(&self, key: &'static str) -> Option<T> {
        if T::SECRET {
            self.holds_secret(key);
        }
        let node = self.node(key)?;
        let value = self.read(&self.key(key), node)?;
        self.ledger.setting(self.key(key), T::show(&value), node.origin.clone());
        Some(value)
    }

    /// A value with a default.
    pub(super) fn or<T: Value>(&self, key: &'static str, default: T) -> T {
        if self.node(key).is_some() {
            return self.optional(key).unwrap_or(default);
        }
        self.ledger.setting(self.key(key), default.show(), Origin::Default);
        default
    }

    /// A value with a default and bounds.
    pub(super) fn within<T: Value + PartialOrd>(&self, key: &'static str, default: T, range: RangeInclusive<T>) -> T {
        let value = self.or(key, default);
        if !range.contains(&value) {
            self.mistake(key, format!("must be {} to {}", plain(range.start()), plain(range.end())));
        }
        value
    }

    /// A list with a default, of at most `most` items.
    pub(super) fn list<T: Value>(&self, key: &'static str, default: Vec<T>, most: usize) -> Vec<T> {
        let Some(node) = self.node(key) else {
            self.ledger.setting(self.key(key), show_list(&default), Origin::Default);
            return default;
        };
        let Some(items) = node.items() else {
            self.note(&node.origin, self.key(key), node.shown(), expected(&format!("a list, each {}", T::EXPECTED), node));
            return default;
        };
        self.items(key, node, &items, most)
    }

    /// A list that may also be written as its only item.
    pub(super) fn one_or_list<T: Value>(&self, key: &'static str, default: Vec<T>, most: usize) -> Vec<T> {
        match self.node(key) {
            Some(node) if node.items().is_none() => self.items(key, node, std::slice::from_ref(node), most),
            _ => self.list(key, default, most),
        }
    }

    fn items<T: Value>(&self, key: &'static str, node: &Node, items: &[Node], most: usize) -> Vec<T> {
        if items.len() > most {
            self.mistake(key, format!("has {} items, at most {most} are allowed", items.len()));
        }
        let name = |index: usize| if items.len() > 1 { format!("{key}[{}]", index + 1) } else { key.to_owned() };
        let read = |(index, item)| self.read(&self.key(&name(index)), item);
        let values: Vec<T> = items.iter().take(most).enumerate().filter_map(read).collect();
        self.ledger.setting(self.key(key), show_list(&values), node.origin.clone());
        values
    }

    fn read<T: Value>(&self, key: &str, node: &Node) -> Option<T> {
        let text = match T::read(node) {
            Ok(value) => return Some(value),
            Err(Fault::Type) => expected(T::EXPECTED, node),
            Err(Fault::Value(text)) => text,
        };
        let shown = if T::SECRET { Some("…".to_owned()) } else { node.shown() };
        self.note(&node.origin, key.to_owned(), shown, text);
        None
    }

    /// A section in this one; empty when it is not there.
    pub(super) fn section(&self, key: &'static str) -> Section<'a> {
        let name = self.key(key);
        match self.node(key) {
            None => Section::new(name, self.origin.clone(), None, self.ledger),
            Some(node) => self.table_of(name, node),
        }
    }

    /// The sections written as `[key]` or `[[key]]`. `keys` are what each may hold.
    pub(super) fn sections(&self, key: &'static str, keys: &[&str]) -> Vec<Section<'a>> {
        keys.iter().for_each(|inner| self.ledger.known(&self.key(&format!("{key}.{inner}"))));
        match self.node(key) {
            None => Vec::new(),
            Some(Node { kind: Kind::List(items), .. }) => {
                let named = |(index, node)| self.table_of(self.key(&format!("{key}[{}]", index + 1)), node);
                items.iter().enumerate().map(named).collect()
            }
            Some(node) => vec![self.table_of(self.key(key), node)],
        }
    }

    fn table_of(&self, name: String, node: &'a Node) -> Section<'a> {
        let table = match &node.kind {
            Kind::Table(table) => Some(table),
            _ => {
                // Its value may be a secret at the wrong place, so it is not repeated.
                self.note(&node.origin, name.clone(), None, expected("a section", node));
                None
            }
        };
        Section::new(name, node.origin.clone(), table, self.ledger)
    }

    /// Whether a list was given, and nothing in it.
    pub(super) fn list_is_empty(&self, key: &'static str) -> bool {
        self.node(key).and_then(Node::items).is_some_and(|items| items.is_empty())
    }

    /// Whether a text was given, and nothing in it; then it is noted as the setting in force.
    pub(super) fn is_empty_text(&self, key: &'static str) -> bool {
        let empty = self.node(key).filter(|node| matches!(&node.kind, Kind::Text(text) if text.trim().is_empty()));
        if let Some(node) = empty {
            self.ledger.setting(self.key(key), "\"\"".to_owned(), node.origin.clone());
        }
        empty.is_some()
    }

    /// Whether the section was written as one.
    pub(super) fn is_present(&self) -> bool {
        self.table.is_some()
    }

    /// Notes a mistake of a key that was read; of the section, where the key is absent.
    pub(super) fn mistake(&self, key: &str, text: impl Into<String>) {
        let node = self.table.and_then(|table| table.get(key));
        let origin = node.map_or(&self.origin, |node| &node.origin);
        let secret = self.ledger.is_secret(&self.key(key));
        let shown = node.filter(|_| !secret).and_then(Node::shown);
        self.note(origin, self.key(key), shown, text.into());
    }

    /// Takes back a setting that turned out not to be in force.
    pub(super) fn overruled(&self, key: &str) {
        self.ledger.forget(&self.key(key));
    }

    /// Notes that a key's value is a secret.
    pub(super) fn holds_secret(&self, key: &str) {
        self.ledger.secret(self.key(key));
    }

    fn note(&self, origin: &Origin, key: String, value: Option<String>, text: String) {
        self.ledger.mistake(Mistake { origin: origin.clone(), key, value, text });
    }

    /// Ends the reading: what was not asked for is unknown.
    pub(super) fn finish(self) {
        let asked = self.asked.borrow();
        for (key, node) in self.table.into_iter().flatten().filter(|(key, _)| !asked.contains(key.as_str())) {
            self.ledger.unknown(self.key(key), node.origin.clone());
        }
    }
}

fn expected(what: &str, node: &Node) -> String {
    format!("expected {what}, found {}", node.kind_name())
}

fn show_list<T: Value>(values: &[T]) -> String {
    format!("[{}]", values.iter().map(T::show).collect::<Vec<_>>().join(", "))
}

/// A bound in prose, without the quotes of TOML.
fn plain<T: Value>(value: &T) -> String {
    value.show().trim_matches('"').to_owned()
}
