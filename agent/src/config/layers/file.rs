//! The TOML file as nodes with their lines.
//!
//! Never: a syntax error does not repeat the file's line, which may hold a secret.

use std::path::Path;
use std::sync::Arc;

use toml::de::{DeInteger, DeTable, DeValue};

use crate::config::mistake::Mistake;
use crate::config::node::{Kind, Node, Table};
use crate::config::origin::Origin;

/// Parses a document. All syntax errors are noted; then the tables are not worth reading.
pub(in crate::config) fn parse(path: &Path, text: &str) -> Result<Table, Vec<Mistake>> {
    let lines = Lines::new(path, text);
    let (document, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(lines.table(document.get_ref()));
    }
    let mistake = |error: &toml::de::Error| Mistake {
        origin: lines.origin(error.span().map_or(0, |span| span.start)),
        key: String::new(),
        value: None,
        text: error.message().to_owned(),
    };
    Err(errors.iter().map(mistake).collect())
}

/// Turns offsets into lines.
struct Lines {
    path: Arc<Path>,
    starts: Vec<usize>,
}

impl Lines {
    fn new(path: &Path, text: &str) -> Self {
        let starts = text.match_indices('\n').map(|(at, _)| at + 1).collect();
        Self { path: path.into(), starts }
    }

    fn origin(&self, offset: usize) -> Origin {
        let line = self.starts.partition_point(|start| *start <= offset) + 1;
        Origin::File { path: Arc::clone(&self.path), line }
    }

    /// A value's line is that of its key, as a reader looks for it.
    fn table(&self, table: &DeTable<'_>) -> Table {
        let entry = |(key, value): (&toml::Spanned<_>, &toml::Spanned<DeValue<'_>>)| {
            let name: &std::borrow::Cow<'_, str> = key.get_ref();
            (name.to_string(), self.node(key.span().start, value.get_ref()))
        };
        table.iter().map(entry).collect()
    }

    fn node(&self, offset: usize, value: &DeValue<'_>) -> Node {
        let kind = match value {
            DeValue::String(text) => Kind::Text(text.to_string()),
            DeValue::Integer(number) => Kind::Integer(integer(number)),
            DeValue::Float(number) => Kind::Float(number.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(value) => Kind::Boolean(*value),
            DeValue::Datetime(_) => Kind::Date,
            DeValue::Array(items) => Kind::List(items.iter().map(|item| self.node(item.span().start, item.get_ref())).collect()),
            DeValue::Table(table) => Kind::Table(self.table(table)),
        };
        Node { origin: self.origin(offset), kind }
    }
}

/// What no key takes is as good as the largest number.
fn integer(number: &DeInteger<'_>) -> i128 {
    let limit = if number.as_str().starts_with('-') { i128::MIN } else { i128::MAX };
    i128::from_str_radix(number.as_str(), number.radix()).unwrap_or(limit)
}
