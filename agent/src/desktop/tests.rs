//! The desktops' settings, with programs that keep them as the real ones do; GNOME's real one has a test of its own.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::*;

/// Programs that keep settings in memory. `broken` is a setting that cannot be written, `gone` a network service of macOS that
/// was removed.
#[derive(Default)]
struct Memory {
    settings: Mutex<BTreeMap<String, String>>,
    broken: Option<&'static str>,
    /// Nothing is kept, and nobody says so.
    is_deaf: bool,
    gone: Option<&'static str>,
}

impl Memory {
    fn get(&self, key: &str) -> Option<String> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn put(&self, key: &str, value: Option<&str>) -> Result<String, ToolError> {
        if self.broken == Some(key) {
            return Err(ToolError::Failed { line: key.to_owned(), text: "read only".to_owned(), code: Some(1) });
        }
        if self.is_deaf {
            return Ok(String::new());
        }
        let mut settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        match value {
            Some(value) => settings.insert(key.to_owned(), value.to_owned()),
            None => settings.remove(key),
        };
        Ok(String::new())
    }

    fn all(&self) -> BTreeMap<String, String> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn networksetup(&self, arguments: &[&str]) -> Result<String, ToolError> {
        match *arguments {
            ["-listallnetworkservices"] => {
                Ok("An asterisk (*) denotes that a network service is disabled.\nWi-Fi\n*Old\nThunderbolt Bridge".to_owned())
            }
            [_, service, ..] if self.gone == Some(service) => Err(ToolError::Failed {
                line: arguments.join(" "),
                text: format!("{service} is not a recognized network service.\n** Error: The parameters were not valid."),
                code: Some(1),
            }),
            ["-getautoproxyurl", service] => {
                let is_on = self.get(&format!("autoproxy {service}")).is_some_and(|state| state == "on");
                Ok(format!("URL: http://corp.example/pac\nEnabled: {}", if is_on { "Yes" } else { "No" }))
            }
            ["-getproxyautodiscovery", service] => {
                let is_on = self.get(&format!("discovery {service}")).is_some_and(|state| state == "on");
                Ok(format!("Auto Proxy Discovery: {}", if is_on { "On" } else { "Off" }))
            }
            ["-setautoproxystate", service, state] => self.put(&format!("autoproxy {service}"), Some(state)),
            ["-setproxyautodiscovery", service, state] => self.put(&format!("discovery {service}"), Some(state)),
            [get, service] if get.starts_with("-get") => {
                let kept = self.get(&format!("{} {service}", &get[4..])).unwrap_or("No||0".to_owned());
                let mut parts = kept.split('|');
                let mut part = || parts.next().unwrap_or_default();
                Ok(format!("Enabled: {}\nServer: {}\nPort: {}\nAuthenticated Proxy Enabled: 0", part(), part(), part()))
            }
            [set, service, host, port] => self.put(&format!("{} {service}", &set[4..]), Some(&format!("Yes|{host}|{port}"))),
            [set, service, state] => {
                let key = format!("{} {service}", set[4..].trim_end_matches("state"));
                let kept = self.get(&key).unwrap_or_default();
                let rest = kept.split_once('|').map_or("|0", |(_, rest)| rest);
                self.put(&key, Some(&format!("{}|{rest}", if state == "on" { "Yes" } else { "No" })))
            }
            _ => unreachable!("{arguments:?}"),
        }
    }
}

impl Tools for Memory {
    fn run(&self, program: &str, arguments: &[&str]) -> Result<String, ToolError> {
        let missing = || ToolError::Failed { line: program.to_owned(), text: "no such value".to_owned(), code: Some(1) };
        match (program, arguments) {
            ("gsettings", ["get", schema, key]) => Ok(self.get(&format!("{schema} {key}")).unwrap_or("''".to_owned())),
            ("gsettings", ["set", schema, key, value]) => self.put(&format!("{schema} {key}"), Some(value)),
            ("kreadconfig6" | "kwriteconfig6", _) => {
                Err(ToolError::Start { program: program.to_owned(), source: std::io::ErrorKind::NotFound.into() })
            }
            ("kreadconfig5", [.., "--key", key, "--default", absent]) => Ok(self.get(key).unwrap_or((*absent).to_owned())),
            ("kwriteconfig5", [.., "--key", key, "--delete", ""]) => self.put(key, None),
            ("kwriteconfig5", [.., "--key", key, "--", value]) => self.put(key, Some(value)),
            ("dbus-send", _) => Ok(String::new()),
            ("networksetup", arguments) => self.networksetup(arguments),
            ("reg", ["query", key, "/v", name]) => {
                let value = self.get(name).ok_or_else(missing)?;
                Ok(format!("{key}\n    {name}    {}\n", value.replacen(' ', "    ", 1)))
            }
            ("reg", ["add", _, "/v", name, "/t", kind, "/d", data, "/f"]) => self.put(name, Some(&format!("{kind} {data}"))),
            ("reg", ["delete", _, "/v", name, "/f"]) => self.put(name, None),
            _ => unreachable!("{program} {arguments:?}"),
        }
    }
}

const AGENT: &str = "/home/me/config.toml";

fn asked() -> Asked<'static> {
    Asked { proxy: "127.0.0.1:8080".parse().expect("address"), agent: Path::new(AGENT) }
}

fn system<'a>(memory: &'a Memory, state: &tempfile::TempDir, session: &str) -> SystemProxy<'a> {
    SystemProxy::new(memory, state.path(), Some(session.to_owned()))
}

fn directory() -> tempfile::TempDir {
    tempfile::tempdir().expect("a directory")
}

/// On and off again, for each desktop through its own words.
fn there_and_back(kind: Kind, memory: &Memory) -> BTreeMap<String, String> {
    let before = memory.all();
    let desktop = kind.desktop();
    let wanted = desktop.wanted(memory, "127.0.0.1:8080".parse().expect("address")).expect("wanted");
    let earlier: Vec<_> = wanted.iter().map(|(setting, _)| desktop.read(memory, setting).expect("read")).collect();
    for (setting, ours) in &wanted {
        desktop.write(memory, setting, Some(ours)).expect("written");
        assert_eq!(desktop.read(memory, setting).expect("read").as_ref(), Some(ours));
    }
    let set = memory.all();
    for ((setting, _), before) in wanted.iter().zip(&earlier) {
        desktop.write(memory, setting, before.as_deref()).expect("written");
        assert_eq!(desktop.read(memory, setting).expect("read"), *before);
    }
    assert!(before.iter().all(|(key, value)| memory.get(key).as_ref() == Some(value)));
    set
}

#[test]
fn every_desktop_is_set_and_put_back_in_its_own_words() {
    let set = there_and_back(Kind::Gnome, &Memory::default());
    assert_eq!(set["org.gnome.system.proxy mode"], "'manual'");
    assert_eq!(set["org.gnome.system.proxy.https port"], "8080");

    let memory = Memory::default();
    memory.put("ProxyType", Some("2")).expect("put");
    let set = there_and_back(Kind::Kde, &memory);
    assert_eq!((set["ProxyType"].as_str(), set["httpsProxy"].as_str()), ("1", "http://127.0.0.1 8080"));
    assert_eq!(memory.all().len(), 1, "what was not there is not there again");

    let memory = Memory::default();
    memory.put("webproxy Wi-Fi", Some("Yes|corp.example|3128")).expect("put");
    memory.put("autoproxy Wi-Fi", Some("on")).expect("put");
    let set = there_and_back(Kind::MacOs, &memory);
    assert_eq!((set["webproxy Wi-Fi"].as_str(), set["autoproxy Wi-Fi"].as_str()), ("Yes|127.0.0.1|8080", "off"));
    assert!(!set.keys().any(|key| key.contains("Old")));

    let memory = Memory::default();
    memory.put("ProxyEnable", Some("REG_DWORD 0x0")).expect("put");
    let set = there_and_back(Kind::Windows, &memory);
    assert_eq!((set["ProxyServer"].as_str(), set["ProxyEnable"].as_str()), ("REG_SZ 127.0.0.1:8080", "REG_DWORD 0x1"));
    assert_eq!((memory.all().len(), set.contains_key("AutoConfigURL")), (1, false));
    memory.put("AutoConfigURL", Some("REG_SZ http://corp.example/pac")).expect("put");
    assert_eq!(there_and_back(Kind::Windows, &memory)["AutoConfigURL"], "REG_SZ ");
}

#[test]
fn sessions_are_known_by_what_they_say() {
    for (session, kind) in
        [("GNOME", Kind::Gnome), ("ubuntu:GNOME", Kind::Gnome), ("KDE", Kind::Kde), ("X-Cinnamon", Kind::Gnome)]
    {
        assert_eq!(Kind::of_session(Some(session)), Some(kind), "{session}");
    }
    assert_eq!((Kind::of_session(Some("sway")), Kind::of_session(Some("XFCE")), Kind::of_session(None)), (None, None, None));
}

#[test]
fn off_puts_back_what_on_has_changed() {
    let (memory, state) = (Memory::default(), directory());
    memory.put("org.gnome.system.proxy.http host", Some("'corp.example'")).expect("put");
    let proxy = system(&memory, &state, "GNOME");
    assert_eq!((proxy.state().expect("state"), proxy.off().expect("off")), (State::Off, Restored::Nothing));
    proxy.on(asked()).expect("on");
    assert_eq!(memory.get("org.gnome.system.proxy.http host").as_deref(), Some("'127.0.0.1'"));
    assert_eq!(proxy.state().expect("state"), State::On { desktop: "GNOME", agent: asked().agent.to_owned() });
    proxy.on(asked()).expect("on twice is on");
    assert_eq!(proxy.off().expect("off"), Restored::Done { kept: Vec::new() });
    assert_eq!(memory.get("org.gnome.system.proxy.http host").as_deref(), Some("'corp.example'"));
    assert_eq!(proxy.state().expect("state"), State::Off);
}

#[test]
fn what_the_user_changed_meanwhile_stays() {
    let (memory, state) = (Memory::default(), directory());
    let proxy = system(&memory, &state, "KDE");
    proxy.on(asked()).expect("on");
    memory.put("ProxyType", Some("4")).expect("put");
    assert_eq!(proxy.state().expect("state"), State::Changed { settings: vec!["ProxyType".to_owned()] });
    assert_eq!(proxy.off().expect("off"), Restored::Done { kept: vec!["ProxyType".to_owned()] });
    assert_eq!(memory.all(), BTreeMap::from([("ProxyType".to_owned(), "4".to_owned())]));
}

#[test]
fn what_fails_half_way_is_put_back() {
    let memory = Memory { broken: Some("org.gnome.system.proxy mode"), ..Memory::default() };
    let state = directory();
    let proxy = system(&memory, &state, "GNOME");
    assert!(matches!(proxy.on(asked()), Err(DesktopError::Undone(_))));
    assert!(memory.all().values().all(|value| value == "''"));
    assert_eq!(proxy.state().expect("state"), State::Off);
}

#[test]
fn a_tool_that_does_nothing_is_not_believed() {
    let (mut memory, state) = (Memory { is_deaf: true, ..Memory::default() }, directory());
    assert!(matches!(system(&memory, &state, "GNOME").on(asked()), Err(DesktopError::Undone(ToolError::Idle { .. }))));
    memory.is_deaf = false;
    system(&memory, &state, "GNOME").on(asked()).expect("on");
    memory.is_deaf = true;
    assert!(matches!(system(&memory, &state, "GNOME").off(), Err(DesktopError::Left { .. })));
    memory.is_deaf = false;
    assert_eq!(system(&memory, &state, "GNOME").off().expect("off"), Restored::Done { kept: Vec::new() });
}

#[test]
fn a_setting_that_cannot_be_put_back_keeps_no_other_from_it() {
    let (mut memory, state) = (Memory::default(), directory());
    memory.put("ProxyType", Some("0")).expect("put");
    system(&memory, &state, "KDE").on(asked()).expect("on");
    memory.broken = Some("httpsProxy");
    let error = system(&memory, &state, "KDE").off().expect_err("one is broken");
    let text = error.to_string();
    assert!(text.starts_with("1 of the desktop's proxy settings could not be put back: httpsProxy: "), "{text}");
    assert!(text.contains("read only") && text.contains("desktop-proxy.json"), "{text}");
    let left = BTreeMap::from([("ProxyType", "0"), ("httpsProxy", "http://127.0.0.1 8080")]);
    assert_eq!(memory.all(), left.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect());
    // The user's own meanwhile is nobody else's.
    memory.put("ProxyType", Some("1")).expect("put");
    assert!(matches!(system(&memory, &state, "KDE").on(asked()), Err(DesktopError::Left { .. })), "what was before is not lost");
    memory.broken = None;
    assert_eq!(system(&memory, &state, "KDE").off().expect("off"), Restored::Done { kept: Vec::new() });
    assert_eq!(memory.all(), BTreeMap::from([("ProxyType".to_owned(), "1".to_owned())]));
}

#[test]
fn a_network_service_that_is_gone_keeps_no_other_from_being_put_back() {
    let (mut memory, state) = (Memory::default(), directory());
    let journal = journal::Journal::within(state.path());
    let setting = |service: &str| journal::Change {
        setting: format!("{service}/web"),
        before: Some("off  0".to_owned()),
        ours: "on 127.0.0.1 8080".to_owned(),
    };
    for service in ["Wi-Fi", "Thunderbolt Bridge"] {
        memory.put(&format!("webproxy {service}"), Some("Yes|127.0.0.1|8080")).expect("put");
    }
    let changes = vec![setting("Wi-Fi"), setting("Thunderbolt Bridge")];
    journal.write(&journal::Entry { desktop: Kind::MacOs, agent: AGENT.into(), changes }).expect("written");
    memory.gone = Some("Thunderbolt Bridge");
    let restored = system(&memory, &state, "").off().expect("off");
    assert_eq!(restored, Restored::Done { kept: vec!["Thunderbolt Bridge/web".to_owned()] });
    assert_eq!(memory.get("webproxy Wi-Fi").as_deref(), Some("No||0"));
    assert_eq!(journal.read().expect("read"), None);
}

#[test]
fn another_agents_setting_is_not_ours_to_end() {
    let (memory, state) = (Memory::default(), directory());
    let proxy = system(&memory, &state, "GNOME");
    proxy.on(asked()).expect("on");
    assert_eq!(proxy.off_for(Path::new("/other.toml")).expect("asked"), Restored::Nothing);
    // The agent itself may run where nothing tells the desktop.
    let agent = SystemProxy::new(&memory, state.path(), None);
    assert_eq!(agent.off_for(Path::new(AGENT)).expect("off"), Restored::Done { kept: Vec::new() });
    assert!(matches!(agent.on(asked()), Err(DesktopError::Unknown)));
}
