//! Reads all layers, once, and either gives the whole configuration or every mistake in it.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::layers::{environment, file};
use super::ledger::{Ledger, Setting};
use super::mistake::{Mistake, Mistakes};
use super::node::{Kind, Table};
use super::origin::Origin;
use super::section::Section;
use super::seen::Seen;
use super::small::{self, BudgetConfig, LocalConfig, UpdateConfig};
use super::{AwsConfig, Config, ExitsConfig, Flags, Mode, ProxyConfig, RoutingConfig, exits, private_file, regions, relay};

/// Where to look.
/// Never: it has no `Debug`, since the environment holds secrets.
#[derive(Clone)]
pub struct Sources {
    /// The file.
    pub file: PathBuf,
    /// Whether the file was named by the user: then it must be there.
    pub file_required: bool,
    /// The environment, whole; only our variables are looked at.
    pub environment: Vec<(OsString, OsString)>,
    /// The command line.
    pub flags: Flags,
    /// What regions may be called.
    pub mode: Mode,
}

/// What was read.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Every value in force and its source, in the order of the contract.
    pub settings: Vec<Setting>,
    /// The file as it was read.
    pub file: Seen,
}

/// The file's part of a reading.
struct FromFile {
    table: Table,
    seen: Seen,
    /// The mode, and the table before other layers wrote over it, when others may read the file.
    open_to_others: Option<(u32, Table)>,
}

/// Reads everything.
pub fn load(sources: Sources) -> Result<Loaded, Mistakes> {
    let path = std::path::absolute(&sources.file).unwrap_or_else(|_| sources.file.clone());
    let from_file = read_file(&path, sources.file_required).map_err(Mistakes::new)?;
    layered(from_file, sources, &path)
}

/// Reads everything, with `text` as the file's.
#[cfg(feature = "fuzzing")]
pub fn load_text(text: &str, sources: Sources) -> Result<Loaded, Mistakes> {
    let path = sources.file.clone();
    let table = file::parse(&path, text).map_err(Mistakes::new)?;
    layered(FromFile { table, seen: Seen::new(&path, Some(text)), open_to_others: None }, sources, &path)
}

/// The other layers over the file's, and the whole checked.
fn layered(from_file: FromFile, sources: Sources, path: &Path) -> Result<Loaded, Mistakes> {
    let ledger = Ledger::default();
    let mut table = from_file.table;
    environment::apply(&mut table, sources.environment, &ledger);
    sources.flags.apply(&mut table, &ledger);
    let config = assemble(&table, &ledger, path, sources.mode);
    if let Some((mode, table)) = from_file.open_to_others {
        judge_privacy(&ledger, mode, &table, path);
    }
    let (mistakes, settings) = ledger.close();
    if mistakes.is_empty() {
        return Ok(Loaded { config, settings, file: from_file.seen });
    }
    Err(Mistakes::new(mistakes))
}

fn read_file(path: &Path, required: bool) -> Result<FromFile, Vec<Mistake>> {
    match private_file::read(path) {
        Ok(private) => {
            let table = file::parse(path, &private.text)?;
            let open_to_others = private.open_to_others.map(|mode| (mode, table.clone()));
            Ok(FromFile { table, seen: Seen::new(path, Some(&private.text)), open_to_others })
        }
        Err(error) if error.kind() == ErrorKind::NotFound && !required => {
            Ok(FromFile { table: Table::new(), seen: Seen::new(path, None), open_to_others: None })
        }
        Err(error) => {
            let origin = Origin::File { path: Arc::from(path), line: 1 };
            Err(vec![Mistake { origin, key: String::new(), value: None, text: format!("cannot be read: {error}") }])
        }
    }
}

fn assemble(table: &Table, ledger: &Ledger, path: &Path, mode: Mode) -> Config {
    let root = Section::root(table, ledger);
    let base = path.parent().unwrap_or(path);
    let regions = regions::read(&root, mode);
    let frequency = exits::frequency(&root);
    let config = Config {
        mode,
        frequency,
        proxy: ProxyConfig::read(root.section("proxy")),
        relays: relay::read(&root, base),
        aws: AwsConfig::read(root.section("aws")),
        exits: ExitsConfig::read(root.section("exits")),
        routing: RoutingConfig::read(root.section("routing"), &regions),
        egress: small::egress(root.section("egress")),
        budget: BudgetConfig::read(root.section("budget")),
        local: LocalConfig::read(root.section("local")),
        update: UpdateConfig::read(root.section("update")),
        regions,
    };
    root.finish();
    config
}

/// A secret in a file that others may read is out, even where a stronger layer overrules it.
fn judge_privacy(ledger: &Ledger, mode: u32, table: &Table, path: &Path) {
    let keys = ledger.secret_keys();
    let found = keys.iter().filter_map(|key| find(table, key.split('.')).map(|origin| (key, origin)));
    if let Some((key, origin)) = found.min_by_key(|(_, origin)| origin.line()) {
        let text = format!("the file {}", private_file::mend(mode, path));
        ledger.mistake(Mistake { origin, key: key.clone(), value: None, text });
    }
}

/// Where a key stands, in whichever of the sections of its name.
fn find<'a>(table: &Table, mut path: impl Iterator<Item = &'a str> + Clone) -> Option<Origin> {
    let node = table.get(path.next()?)?;
    if path.clone().next().is_none() {
        return Some(node.origin.clone());
    }
    match &node.kind {
        Kind::Table(table) => find(table, path),
        Kind::List(items) => items.iter().find_map(|item| match &item.kind {
            Kind::Table(table) => find(table, path.clone()),
            _ => None,
        }),
        _ => None,
    }
}
