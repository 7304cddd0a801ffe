//! GNOME and its relatives: `gsettings`, whose texts are GVariant's.

use std::net::SocketAddr;

use super::Desktop;
use crate::tools::{ToolError, Tools};

const SCHEMA: &str = "org.gnome.system.proxy";
/// What each kind of traffic has a setting of its own for.
const KINDS: [&str; 3] = ["http", "https", "socks"];

pub(super) struct Gnome;

impl Desktop for Gnome {
    fn wanted(&self, _: &dyn Tools, proxy: SocketAddr) -> Result<Vec<(String, String)>, ToolError> {
        let host = |kind: &str| (format!("{SCHEMA}.{kind} host"), format!("'{}'", proxy.ip()));
        let port = |kind: &str| (format!("{SCHEMA}.{kind} port"), proxy.port().to_string());
        let mut wanted: Vec<_> = KINDS.iter().flat_map(|kind| [host(kind), port(kind)]).collect();
        wanted.push((format!("{SCHEMA} mode"), "'manual'".to_owned()));
        Ok(wanted)
    }

    fn read(&self, tools: &dyn Tools, setting: &str) -> Result<Option<String>, ToolError> {
        let (schema, key) = split(setting);
        tools.run("gsettings", &["get", schema, key]).map(Some)
    }

    fn write(&self, tools: &dyn Tools, setting: &str, value: Option<&str>) -> Result<(), ToolError> {
        let (schema, key) = split(setting);
        let arguments = value.map_or_else(|| vec!["reset", schema, key], |value| vec!["set", schema, key, value]);
        tools.run("gsettings", &arguments).map(drop)
    }
}

fn split(setting: &str) -> (&str, &str) {
    setting.split_once(' ').unwrap_or((SCHEMA, setting))
}
