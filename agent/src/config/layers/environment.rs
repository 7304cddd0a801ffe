//! `AWSLAMBDAPROXY_SECTION__KEY`: every setting as a variable, lists by comma.

use std::ffi::OsString;

use crate::config::layers::{Misplaced, put};
use crate::config::ledger::Ledger;
use crate::config::mistake::Mistake;
use crate::config::node::{Node, Table};
use crate::config::origin::Origin;

/// What all our variables begin with.
const PREFIX: &str = "AWSLAMBDAPROXY_";

/// Between a section and its key.
const SEPARATOR: &str = "__";

/// Variables that are no setting: `AWSLAMBDAPROXY_LOG` filters the log, the others are of builds and installs.
const RESERVED: [&str; 4] = ["log", "release_key", "base_url", "function_zips"];

/// The variable of a full key.
pub(in crate::config) fn name_of(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', SEPARATOR).to_uppercase())
}

/// Puts the variables over what is there.
pub(in crate::config) fn apply(root: &mut Table, variables: Vec<(OsString, OsString)>, ledger: &Ledger) {
    let mut ours: Vec<(String, OsString)> = variables.into_iter().filter_map(ours).collect();
    ours.sort();
    for (name, value) in ours {
        let key = name[PREFIX.len()..].to_lowercase();
        if !RESERVED.contains(&key.as_str()) {
            set(root, name, &key, value, ledger);
        }
    }
}

fn ours((name, value): (OsString, OsString)) -> Option<(String, OsString)> {
    let name = name.into_string().ok()?;
    name.starts_with(PREFIX).then_some((name, value))
}

fn set(root: &mut Table, name: String, key: &str, value: OsString, ledger: &Ledger) {
    let path: Vec<&str> = key.split(SEPARATOR).collect();
    let full = path.join(".");
    let origin = Origin::Environment(name);
    let Ok(value) = value.into_string() else {
        let text = "is not UTF-8 text".to_owned();
        return ledger.mistake(Mistake { origin, key: full, value: None, text });
    };
    match put(root, &path, Node::text(origin.clone(), value)) {
        Ok(()) => {}
        Err(Misplaced::NoSection) => ledger.unknown(full, origin),
        Err(error) => ledger.mistake(Mistake { origin, key: full, value: None, text: error.to_string() }),
    }
}
