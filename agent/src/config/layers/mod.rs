//! The layers under the defaults: file, environment, flags. Each writes over the one before it.

pub(super) mod environment;
pub(super) mod file;
pub(super) mod flags;

use super::node::{Kind, Node, Table};
use super::origin::Origin;

/// Why a value cannot be put where its key says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Misplaced {
    /// A part of the key is a value, not a section.
    #[error("no such setting")]
    NoSection,
    /// The key is a section, not a value.
    #[error("is a section; name one of its keys")]
    Section,
    /// The file has several such sections.
    #[error("the file has several of these sections; set it there")]
    Several,
}

/// Puts a value over whatever stood at `path`, making the sections on the way.
pub(super) fn put(table: &mut Table, path: &[&str], node: Node) -> Result<(), Misplaced> {
    let Some((first, rest)) = path.split_first() else {
        return Err(Misplaced::NoSection);
    };
    if rest.is_empty() {
        if table.get(*first).is_some_and(holds_sections) {
            return Err(Misplaced::Section);
        }
        table.insert((*first).to_owned(), node);
        return Ok(());
    }
    let empty = || Node { origin: node.origin.clone(), kind: Kind::Table(Table::new()) };
    put(inner(table.entry((*first).to_owned()).or_insert_with(empty))?, rest, node)
}

fn holds_sections(node: &Node) -> bool {
    match &node.kind {
        Kind::Table(_) => true,
        Kind::List(items) => items.iter().any(|item| matches!(item.kind, Kind::Table(_))),
        _ => false,
    }
}

/// The section itself, also when it is written as the only one of a list.
fn inner(node: &mut Node) -> Result<&mut Table, Misplaced> {
    match &mut node.kind {
        Kind::Table(table) => Ok(table),
        Kind::List(items) => match items.as_mut_slice() {
            [only] => inner(only),
            _ => Err(Misplaced::Several),
        },
        _ => Err(Misplaced::NoSection),
    }
}

/// A section that a layer builds by itself.
pub(super) fn table(origin: &Origin, entries: impl IntoIterator<Item = (&'static str, Node)>) -> Node {
    let entries = entries.into_iter().map(|(key, node)| (key.to_owned(), node)).collect();
    Node { origin: origin.clone(), kind: Kind::Table(entries) }
}
