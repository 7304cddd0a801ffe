//! The raw twin of the configuration: whatever the layers said, as a tree of values that know their origin.
//!
//! Never: a node has no `Debug`, since any text in it may be a secret.

use std::collections::BTreeMap;

use super::origin::Origin;

/// Longest value that a message repeats, characters.
const LONGEST_SHOWN: usize = 80;

/// Keys and values of a section.
pub(super) type Table = BTreeMap<String, Node>;

/// One value and where it came from.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) origin: Origin,
    pub(super) kind: Kind,
}

/// The value. From flags and variables only `Text` comes, and lists and tables that the flags build.
#[derive(Clone)]
pub(super) enum Kind {
    Text(String),
    Integer(i128),
    Float(f64),
    Boolean(bool),
    Date,
    List(Vec<Node>),
    Table(Table),
}

impl Node {
    pub(super) fn text(origin: Origin, text: impl Into<String>) -> Self {
        Self { origin, kind: Kind::Text(text.into()) }
    }

    /// The kind in words, for "expected …, found …".
    pub(super) fn kind_name(&self) -> &'static str {
        match (&self.kind, self.origin.is_typed()) {
            (Kind::Text(_), true) => "a string",
            (Kind::Text(_), false) => "other text",
            (Kind::Integer(_), _) => "an integer",
            (Kind::Float(_), _) => "a number with a fraction",
            (Kind::Boolean(_), _) => "a boolean",
            (Kind::Date, _) => "a date",
            (Kind::List(_), _) => "a list",
            (Kind::Table(_), _) => "a section",
        }
    }

    /// The value as a message may repeat it: short, without control characters, without user information of a URL.
    pub(super) fn shown(&self) -> Option<String> {
        match &self.kind {
            Kind::Text(text) => Some(quoted(text)),
            Kind::Integer(number) => Some(number.to_string()),
            Kind::Float(number) => Some(number.to_string()),
            Kind::Boolean(value) => Some(value.to_string()),
            Kind::Date | Kind::List(_) | Kind::Table(_) => None,
        }
    }

    /// The items of a list. The text of a variable or flag is split at its commas.
    pub(super) fn items(&self) -> Option<Vec<Self>> {
        match &self.kind {
            Kind::List(items) => Some(items.clone()),
            Kind::Text(text) if !self.origin.is_typed() => {
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                Some(items.map(|item| Self::text(self.origin.clone(), item)).collect())
            }
            _ => None,
        }
    }
}

/// A text in quotes. What stands before an `@` is hidden: it may be a password of a URL, or a relay's token.
pub(super) fn quoted(text: &str) -> String {
    let visible = match text.rsplit_once('@') {
        Some((_, rest)) => format!("…@{rest}"),
        None => text.to_owned(),
    };
    let mut short: String = visible.chars().take(LONGEST_SHOWN).collect();
    if short.len() < visible.len() {
        short.push('…');
    }
    format!("{short:?}")
}
