//! Windows: the user's Internet settings in the registry, through `reg`. Programs that run already look again when they next
//! ask the system.
//!
//! A setting's text is its kind and its data, as `reg query` shows them.

use std::net::SocketAddr;

use super::Desktop;
use crate::tools::{ToolError, Tools};

const KEY: &str = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Internet Settings";

/// The URL of a script that chooses proxies.
const SCRIPT: &str = "AutoConfigURL";

pub(super) struct Windows;

impl Desktop for Windows {
    fn wanted(&self, tools: &dyn Tools, proxy: SocketAddr) -> Result<Vec<(String, String)>, ToolError> {
        let ours = [("ProxyServer", format!("REG_SZ {proxy}")), ("ProxyEnable", "REG_DWORD 0x1".to_owned())];
        // A script that chooses proxies goes before the one that is named.
        let script = self.read(tools, SCRIPT)?.map(|_| (SCRIPT, "REG_SZ ".to_owned()));
        Ok(script.into_iter().chain(ours).map(|(setting, value)| (setting.to_owned(), value)).collect())
    }

    fn read(&self, tools: &dyn Tools, setting: &str) -> Result<Option<String>, ToolError> {
        match tools.run("reg", &["query", KEY, "/v", setting]) {
            Ok(shown) => Ok(value(&shown, setting)),
            // That is how it says that there is none.
            Err(ToolError::Failed { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn write(&self, tools: &dyn Tools, setting: &str, value: Option<&str>) -> Result<(), ToolError> {
        let arguments = match value.and_then(|value| value.split_once(' ')) {
            Some((kind, data)) => vec!["add", KEY, "/v", setting, "/t", kind, "/d", data, "/f"],
            None => vec!["delete", KEY, "/v", setting, "/f"],
        };
        tools.run("reg", &arguments).map(drop)
    }
}

/// The line of a value: its name, its kind and its data, each after spaces.
fn value(shown: &str, setting: &str) -> Option<String> {
    let rest = shown.lines().find_map(|line| line.trim().strip_prefix(setting))?.trim();
    let (kind, data) = rest.split_once(' ').unwrap_or((rest, ""));
    Some(format!("{kind} {}", data.trim()))
}
