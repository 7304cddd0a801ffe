//! macOS: `networksetup`, for each service of the network that is switched on.
//!
//! A setting is `SERVICE/web` or the like; its text is `on HOST PORT` or `off HOST PORT`.

use std::net::SocketAddr;

use super::Desktop;
use crate::tools::{ToolError, Tools};

/// What each kind of traffic has a setting of its own for.
const KINDS: [(&str, &str); 3] = [("web", "webproxy"), ("secureweb", "securewebproxy"), ("socks", "socksfirewallproxy")];

pub(super) struct MacOs;

impl Desktop for MacOs {
    fn wanted(&self, tools: &dyn Tools, proxy: SocketAddr) -> Result<Vec<(String, String)>, ToolError> {
        let listed = tools.run("networksetup", &["-listallnetworkservices"])?;
        let value = format!("on {} {}", proxy.ip(), proxy.port());
        let of_service = |service: &str| KINDS.map(|(kind, _)| (format!("{service}/{kind}"), value.clone()));
        Ok(services(&listed).flat_map(of_service).collect())
    }

    fn read(&self, tools: &dyn Tools, setting: &str) -> Result<Option<String>, ToolError> {
        let (service, option) = split(setting);
        let shown = match tools.run("networksetup", &[&format!("-get{option}"), service]) {
            Ok(shown) => shown,
            // A service that was removed says nothing any more.
            Err(ToolError::Failed { text, .. }) if text.contains("not a recognized network service") => return Ok(None),
            Err(error) => return Err(error),
        };
        let of = |name: &str| shown.lines().find_map(|line| line.strip_prefix(name)).map_or("", str::trim).to_owned();
        let state = if of("Enabled:") == "Yes" { "on" } else { "off" };
        Ok(Some(format!("{state} {} {}", of("Server:"), of("Port:"))))
    }

    fn write(&self, tools: &dyn Tools, setting: &str, value: Option<&str>) -> Result<(), ToolError> {
        let (service, option) = split(setting);
        let mut words = value.unwrap_or("off  0").splitn(3, ' ');
        let mut word = || words.next().unwrap_or_default();
        let (state, host, port) = (word(), word(), word());
        // Setting the host switches it on too, whatever it says of the host.
        let set = tools.run("networksetup", &[&format!("-set{option}"), service, host, port]);
        tools.run("networksetup", &[&format!("-set{option}state"), service, state])?;
        set.map(drop)
    }
}

/// The first line explains the list; a star marks a service that is switched off.
fn services(listed: &str) -> impl Iterator<Item = &str> {
    listed.lines().skip(1).filter(|line| !line.is_empty() && !line.starts_with('*'))
}

fn split(setting: &str) -> (&str, &'static str) {
    let (service, kind) = setting.rsplit_once('/').unwrap_or((setting, ""));
    let option = KINDS.iter().find(|(name, _)| *name == kind).map_or(KINDS[0].1, |(_, option)| option);
    (service, option)
}
