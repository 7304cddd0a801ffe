//! KDE Plasma: `kioslaverc`, through the programs that read and write its files.

use std::net::SocketAddr;

use super::Desktop;
use crate::tools::{ToolError, Tools};

/// The file and the group in it.
const PLACE: [&str; 4] = ["--file", "kioslaverc", "--group", "Proxy Settings"];
/// Stands for a key that is not there: no value of these settings.
const ABSENT: &str = "(absent)";
/// `ProxyType`: what is written below holds.
const MANUAL: &str = "1";

pub(super) struct Kde;

impl Desktop for Kde {
    fn wanted(&self, _: &dyn Tools, proxy: SocketAddr) -> Result<Vec<(String, String)>, ToolError> {
        let (ip, port) = (proxy.ip(), proxy.port());
        let host = if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() };
        let url = |scheme: &str| format!("{scheme}://{host} {port}");
        Ok([
            ("httpProxy", url("http")),
            ("httpsProxy", url("http")),
            ("socksProxy", url("socks")),
            ("ProxyType", MANUAL.to_owned()),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .to_vec())
    }

    fn read(&self, tools: &dyn Tools, setting: &str) -> Result<Option<String>, ToolError> {
        let value = either(tools, "kreadconfig", &[&PLACE[..], &["--key", setting, "--default", ABSENT]].concat())?;
        Ok(Some(value).filter(|value| value != ABSENT))
    }

    fn write(&self, tools: &dyn Tools, setting: &str, value: Option<&str>) -> Result<(), ToolError> {
        let change = value.map_or_else(|| ["--delete", ""], |value| ["--", value]);
        either(tools, "kwriteconfig", &[&PLACE[..], &["--key", setting], &change].concat()).map(drop)
    }

    fn announce(&self, tools: &dyn Tools) -> Result<(), ToolError> {
        let signal = ["--type=signal", "/KIO/Scheduler", "org.kde.KIO.Scheduler.reparseSlaveConfiguration", "string:"];
        tools.run("dbus-send", &signal).map(drop)
    }
}

/// The program of Plasma 6, or of Plasma 5 where that is missing.
fn either(tools: &dyn Tools, program: &str, arguments: &[&str]) -> Result<String, ToolError> {
    match tools.run(&format!("{program}6"), arguments) {
        Err(ToolError::Start { .. }) => tools.run(&format!("{program}5"), arguments),
        ended => ended,
    }
}
