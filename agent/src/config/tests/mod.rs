//! The contract of config.toml, end to end: text in, `Config` or mistakes out.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use proptest::prelude::*;
use secrecy::ExposeSecret;

use super::*;
use crate::routing::{HostPattern, Ports, Via};

mod layers;
mod secrets;

/// A configuration in a directory of its own.
struct Fixture {
    dir: tempfile::TempDir,
    sources: Sources,
}

impl Fixture {
    fn new(text: &str) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("config.toml");
        fs::write(&file, text).expect("written");
        set_mode(&file, 0o600);
        let sources = Sources { file, file_required: true, environment: Vec::new(), flags: Flags::default(), mode: Mode::Cloud };
        Self { dir, sources }
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.sources.environment.push((OsString::from(name), OsString::from(value)));
        self
    }

    fn flags(mut self, flags: Flags) -> Self {
        self.sources.flags = flags;
        self
    }

    fn mode(mut self, mode: Mode) -> Self {
        self.sources.mode = mode;
        self
    }

    fn path(&self) -> PathBuf {
        self.sources.file.clone()
    }

    fn load(&self) -> Result<Loaded, Mistakes> {
        load(self.sources.clone())
    }

    fn config(&self) -> Config {
        self.load().expect("no mistakes").config
    }

    /// The mistakes, each without its directory.
    fn mistakes(&self) -> Vec<String> {
        let mistakes = self.load().expect_err("mistakes");
        let prefix = format!("{}/", self.dir.path().display());
        mistakes.list().iter().map(|mistake| mistake.to_string().replace(&prefix, "")).collect()
    }
}

#[cfg(unix)]
fn set_mode(path: &std::path::Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("mode set");
}

const DOCUMENTED: &str = r#"
regions   = ["us-west-2", "us-west-1", "us-east-1", "us-east-2"]
frequency = "5m"

[proxy]
listen = "127.0.0.1:8080"
wait = "10s"
optimistic = false

[relay]
url   = "wss://relay.example.com"
token = "s3cret-token"

[aws]
function_name = "awslambdaproxy"
role_name     = "awslambdaproxy"
memory_mb     = 128
architecture  = "arm64"
timeout       = "15m"
logs          = false

[exits]
max_per_region = 3
renew     = "auto"
fresh     = "auto"
drain     = "1h"
grace     = "90s"
idle      = "15m"
check_url = "https://checkip.amazonaws.com"

[routing]
policy = "round-robin"

[[routing.rules]]
hosts = ["*.example.com", "192.0.2.0/24"]
ports = [443, "8000-8999"]
via   = "direct"

[egress]
allow = []
deny_ports = [25]

[budget]
monthly_usd = 5.0

[local]
concurrency = 10
idle_life   = "10m"

[update]
url = "https://releases.example.com"
"#;

#[test]
fn the_documented_file_says_what_the_defaults_say() {
    let documented = Fixture::new(DOCUMENTED).load().expect("valid");
    let only = "relay.url = 'wss://relay.example.com'\nrelay.token = 's3cret-token'";
    let defaults = Fixture::new(only).load().expect("valid");
    let extra = ["routing.rules", "budget.monthly_usd", "update.url"];
    let values = |loaded: &Loaded| -> Vec<(String, String)> {
        let settings = loaded.settings.iter().filter(|setting| !extra.iter().any(|key| setting.key.starts_with(key)));
        settings.map(|setting| (setting.key.clone(), setting.value.clone())).collect()
    };
    assert_eq!(values(&documented), values(&defaults));
    assert!(defaults.settings.iter().any(|setting| setting.origin == Origin::Default));
}

#[test]
fn the_documented_file_becomes_values() {
    let config = Fixture::new(DOCUMENTED).config();
    assert_eq!(config.regions.len(), 4);
    assert_eq!(config.frequency, Frequency::Every(Duration::from_secs(300)));
    assert_eq!(config.relays[0].url.to_string(), "wss://relay.example.com");
    assert_eq!(config.relays[0].token.expose_secret(), "s3cret-token");
    assert_eq!(config.exits.idle, Some(Duration::from_secs(900)));
    assert_eq!(config.egress.deny_ports, [25]);
    assert_eq!(config.budget.monthly_usd, Some(5.0));
    let rule = &config.routing.rules[0];
    assert_eq!(rule.hosts, [HostPattern::Below("example.com".into()), "192.0.2.0/24".parse().expect("valid")]);
    assert_eq!(rule.ports, ["443", "8000-8999"].map(|text| text.parse::<Ports>().expect("ports")));
    assert_eq!(rule.via, Via::Direct);
}

#[test]
fn every_key_that_is_off_by_default_is_accepted() {
    let fixture = Fixture::new(
        r#"
        regions = ["eu-*", "us-west-2", "*"]
        frequency = "never"
        proxy.listen = ["0.0.0.0:8080", "[::1]:1080"]
        proxy.username = "me"
        proxy.password = "pass"
        aws.access_key_id = "AKIA"
        aws.secret_access_key = "key"
        aws.session_token = "session"
        exits.idle = "never"
        exits.check_url = ""
        exits.renew = "never"
        exits.fresh = "always"
        [[relay]]
        url = "wss://one.example.com:8443"
        token_file = "token"
        certificate_sha256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
        proxy = "http://user:pass@proxy.example.com:3128"
        ca_file = "ca.pem"
        [[relay]]
        url = "ws://127.0.0.1:8000"
        token = "two"
        [[routing.rules]]
        hosts = ["*"]
        via = "eu-west-1"
        "#,
    );
    for name in ["token", "ca.pem"] {
        fs::write(fixture.dir.path().join(name), " of-the-file\n").expect("written");
        set_mode(&fixture.dir.path().join(name), 0o600);
    }
    let config = fixture.config();
    assert_eq!(config.frequency, Frequency::Never);
    assert_eq!(config.relays[0].token.expose_secret(), "of-the-file");
    assert_eq!(config.relays[0].pin.expect("given")[..2], [0x01, 0x23]);
    assert_eq!(config.relays.len(), 2);
    assert!(matches!(config.aws.credentials, AwsCredentials::Keys { .. }));
    assert!(config.exits.idle.is_none() && config.exits.check_url.is_none());
    assert_eq!(config.proxy.credentials.expect("given").username, "me");
}

#[test]
fn all_mistakes_come_at_once_with_key_value_line_and_file() {
    let fixture = Fixture::new(
        "regions = ['us-west-2', 'moon']\n\
         frequencey = '5m'\n\
         [exits]\n\
         grace = '3s'\n\
         max_per_region = 1\n\
         drain = true\n\
         [proxy]\n\
         grace = '1s'\n\
         listen = '0.0.0.0:8080'\n\
         [relay]\n\
         url = 'ws://relay.example.com'\n",
    );
    assert_eq!(
        fixture.mistakes(),
        [
            "config.toml:1: regions: \"moon\" is not a region's name, like us-west-2 (free labels work with --local only)",
            "config.toml:2: frequencey: unknown key; did you mean `frequency`?",
            "config.toml:4: exits.grace = \"3s\": must be 5s to 110s",
            "config.toml:5: exits.max_per_region = 1: must be 2 to 100",
            "config.toml:6: exits.drain = true: expected a duration like \"5m\", or seconds, found a boolean",
            "config.toml:8: proxy.grace: unknown key; did you mean `exits.grace`?",
            "config.toml:9: proxy.listen = \"0.0.0.0:8080\": 0.0.0.0:8080 is not loopback, so proxy.username and proxy.password \
             are required",
            "config.toml:10: relay.token: is missing; or give a token_file",
            "config.toml:11: relay.url = \"ws://relay.example.com\": ws:// is allowed to a loopback address only; use wss://",
        ]
    );
}

#[test]
fn wrong_types_are_named_for_every_kind_of_key() {
    for (line, text) in [
        ("regions = 'us-west-2'", "expected a list"),
        ("regions = [1]", "expected a region"),
        ("regions = []", "names no region"),
        ("frequency = '10'", "the unit is missing"),
        ("frequency = 0", "must be 1s"),
        ("proxy = 1", "expected a section, found an integer"),
        ("proxy.wait = []", "expected a duration"),
        ("proxy.listen = 8080", "expected an address and port"),
        ("proxy.listen = 'localhost'", "expected an address and port"),
        ("proxy.optimistic = 'yes'", "expected true or false, found a string"),
        ("proxy.username = 'me'", "needs a password"),
        ("aws.memory_mb = 64", "must be 128 to 10240"),
        ("aws.memory_mb = 128.5", "expected an integer, found a number with a fraction"),
        ("aws.memory_mb = 99999999999999999999999", "must be 0 to"),
        ("aws.architecture = 'sparc'", "must be \"arm64\" or \"x86_64\""),
        ("aws.timeout = '20m'", "must be 10s to 15m"),
        ("aws.session_token = 'x'", "needs access_key_id"),
        ("routing.rules = 'x'", "expected a section, found a string"),
        ("routing.rules = [{hosts = ['*']}]", "routing.rules[1].via: is missing"),
        ("routing.rules = [{hosts = ['*'], via = 'eu-west-1'}]", "not one of the regions"),
        ("routing.rules = [{hosts = ['a*b'], via = 'block'}]", "not a host pattern"),
        ("routing.rules = [{hosts = ['*'], via = 'block', ports = [0]}]", "ports are 1 to 65535"),
        ("routing.rules = [{hosts = ['*'], via = 'block', port = [1]}]", "did you mean `routing.rules.ports`"),
        ("egress.allow = ['10.0.0.0']", "expected a CIDR"),
        ("egress.deny_ports = [70000]", "a port is 1 to 65535"),
        ("budget.monthly_usd = -1", "must be 0 to"),
        ("local.concurrency = 0", "must be 1 to 1000"),
        ("update.url = 'http://example.com'", "loopback"),
        ("exits.check_url = 'example.com'", "a URL begins with"),
        ("date = 2020-01-01", "unknown key"),
    ] {
        let mistakes = Fixture::new(line).mistakes();
        assert!(mistakes.len() == 1 && mistakes[0].contains(text), "{line}: {mistakes:#?}");
        assert!(mistakes[0].starts_with("config.toml:1: "), "{mistakes:?}");
    }
}

#[test]
fn every_section_refuses_strangers() {
    for section in ["proxy", "relay", "aws", "exits", "routing", "egress", "budget", "local", "update"] {
        let mistakes = Fixture::new(&format!("[{section}]\nxyzzy = 1\n")).mistakes();
        let stranger = format!("config.toml:2: {section}.xyzzy: unknown key");
        assert!(mistakes.contains(&stranger), "{mistakes:#?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_text_panics(text in "(.|\n){0,200}") {
        let _ = Fixture::new(&text).load();
    }

    #[test]
    fn no_value_of_any_key_panics(
        key in prop::sample::select(vec![
            "regions", "frequency", "proxy", "proxy.listen", "proxy.wait", "relay", "relay.url", "relay.token", "relay.token_file",
            "relay.certificate_sha256", "relay.proxy", "aws.timeout", "aws.memory_mb", "exits.idle", "exits.check_url",
            "routing.rules", "egress.allow", "budget.monthly_usd", "local.idle_life", "update.url",
        ]),
        value in prop::sample::select(vec![
            "''", "'x'", "'*'", "'é'", "'@'", "0", "-1", "9223372036854775808", "1e999", "nan", "true", "[]", "[[]]", "['']",
            "[{}]", "{}", "{ url = 1 }", "2020-01-01", "'never'", "'9999999999999y'", "'0-0'", "[1, 'a', {}]", "['x', 'x']",
        ]),
    ) {
        let fixture = Fixture::new(&format!("{key} = {value}"));
        let _ = fixture.load();
        let variable = crate::config::layers::environment::name_of(key);
        let _ = Fixture::new("").env(&variable, value.trim_matches('\'')).load();
    }
}
