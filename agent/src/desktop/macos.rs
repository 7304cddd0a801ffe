//! macOS: `networksetup`, for each service of the network that is switched on.
//!
//! A setting is `SERVICE/web` or the like; its text is `on HOST PORT` or `off HOST PORT`. What finds proxies by itself goes
//! before those that are named: `SERVICE/script` and `SERVICE/discovery`, with a text of `on` or `off`.

use std::net::SocketAddr;

use super::Desktop;
use crate::tools::{ToolError, Tools};

/// What each kind of traffic has a setting of its own for.
const KINDS: [(&str, &str); 3] = [("web", "webproxy"), ("secureweb", "securewebproxy"), ("socks", "socksfirewallproxy")];

/// What finds proxies by itself: its name, and what tells and sets it.
const FINDERS: [(&str, &str, &str); 2] =
    [("script", "-getautoproxyurl", "-setautoproxystate"), ("discovery", "-getproxyautodiscovery", "-setproxyautodiscovery")];

pub(super) struct MacOs;

impl Desktop for MacOs {
    fn wanted(&self, tools: &dyn Tools, proxy: SocketAddr) -> Result<Vec<(String, String)>, ToolError> {
        let listed = tools.run("networksetup", &["-listallnetworkservices"])?;
        let value = format!("on {} {}", proxy.ip(), proxy.port());
        let of_service = |service: &str| {
            let off = FINDERS.map(|(name, ..)| (format!("{service}/{name}"), "off".to_owned()));
            off.into_iter().chain(KINDS.map(|(kind, _)| (format!("{service}/{kind}"), value.clone()))).collect::<Vec<_>>()
        };
        Ok(services(&listed).flat_map(of_service).collect())
    }

    fn read(&self, tools: &dyn Tools, setting: &str) -> Result<Option<String>, ToolError> {
        if let Some((service, get, _)) = finder(setting) {
            let is_on = |line: &str| matches!(line.split_once(": "), Some(("Enabled", "Yes") | ("Auto Proxy Discovery", "On")));
            let shown = shown(tools, get, service)?;
            return Ok(shown.map(|shown| if shown.lines().any(is_on) { "on" } else { "off" }.to_owned()));
        }
        let (service, option) = split(setting);
        let Some(shown) = shown(tools, &format!("-get{option}"), service)? else { return Ok(None) };
        let of = |name: &str| shown.lines().find_map(|line| line.strip_prefix(name)).map_or("", str::trim).to_owned();
        let state = if of("Enabled:") == "Yes" { "on" } else { "off" };
        Ok(Some(format!("{state} {} {}", of("Server:"), of("Port:"))))
    }

    fn write(&self, tools: &dyn Tools, setting: &str, value: Option<&str>) -> Result<(), ToolError> {
        if let Some((service, _, set)) = finder(setting) {
            return tools.run("networksetup", &[set, service, value.unwrap_or("off")]).map(drop);
        }
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

/// What is said of a service; one that was removed says nothing any more.
fn shown(tools: &dyn Tools, question: &str, service: &str) -> Result<Option<String>, ToolError> {
    match tools.run("networksetup", &[question, service]) {
        Ok(shown) => Ok(Some(shown)),
        Err(ToolError::Failed { text, .. }) if text.contains("not a recognized network service") => Ok(None),
        Err(error) => Err(error),
    }
}

/// The service of what finds proxies by itself, and what tells and sets it.
fn finder(setting: &str) -> Option<(&str, &'static str, &'static str)> {
    let (service, name) = setting.rsplit_once('/')?;
    FINDERS.iter().find(|(finder, ..)| *finder == name).map(|(_, get, set)| (service, *get, *set))
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
