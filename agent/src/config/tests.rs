//! The contract of config.toml, end to end: text in, `Config` or mistakes out.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use proptest::prelude::*;
use secrecy::ExposeSecret;

use super::*;

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
        self.load().unwrap_or_else(|mistakes| panic!("{mistakes}")).config
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
    assert_eq!(rule.hosts, [HostPattern::Subdomains("example.com".into()), "192.0.2.0/24".parse().expect("valid")]);
    assert_eq!(rule.ports, [PortRange { first: 443, last: 443 }, PortRange { first: 8000, last: 8999 }]);
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
        ("routing.rules = [{hosts = ['a*b'], via = 'block'}]", "expected a host"),
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

#[test]
fn syntax_errors_have_a_line_and_show_no_secret() {
    let mistakes = Fixture::new("frequency = \n[relay]\ntoken = hunter2\nurl = 'a\n").mistakes();
    assert!(mistakes.len() >= 3, "{mistakes:?}");
    assert!(mistakes[0].starts_with("config.toml:1: "), "{mistakes:?}");
    assert!(!mistakes.concat().contains("hunter2"), "{mistakes:?}");
}

#[test]
fn no_mistake_and_no_debug_shows_a_secret() {
    let text = "relay = { url = 'wss://me:hunter2@example.com', token = 'hunter2 x', tokem = 'hunter2', proxy = 'ftp://a:hunter2@b' }\n\
                proxy.pasword = 'hunter2'\naws.secret_access_key = ['hunter2']\nproxy.password = 'hunter2'\n";
    let mistakes = Fixture::new(text).mistakes();
    assert!(mistakes.len() >= 6, "{mistakes:#?}");
    assert!(!mistakes.concat().contains("hunter2"), "{mistakes:#?}");
    let loaded = Fixture::new(DOCUMENTED).load().expect("valid");
    assert!(!format!("{loaded:?}").contains("s3cret-token"));
    let token = loaded.settings.iter().find(|setting| setting.key == "relay.token").expect("shown");
    assert_eq!(token.value, "\"…set\"");
}

#[test]
fn a_secret_in_a_file_that_others_read_is_refused_with_the_mend() {
    let fixture = Fixture::new(DOCUMENTED);
    set_mode(&fixture.path(), 0o644);
    let mistakes = fixture.mistakes();
    let mend = format!("chmod 600 {}", fixture.path().display()).replace(&format!("{}/", fixture.dir.path().display()), "");
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    assert!(mistakes[0].starts_with("config.toml:12: relay.token: ") && mistakes[0].contains(&mend), "{mistakes:?}");

    let open = Fixture::new("frequency = 10");
    set_mode(&open.path(), 0o644);
    assert_eq!(open.config().frequency, Frequency::Every(Duration::from_secs(10)));
}

#[test]
fn a_token_file_must_be_private_too() {
    let fixture = Fixture::new("relay = { url = 'wss://example.com', token_file = 'token' }");
    assert!(fixture.mistakes()[0].contains("cannot be read"));
    fs::write(fixture.dir.path().join("token"), "abc").expect("written");
    set_mode(&fixture.dir.path().join("token"), 0o640);
    assert!(fixture.mistakes()[0].contains("chmod 600"));
}

#[test]
fn flags_beat_variables_and_variables_beat_the_file() {
    let fixture = Fixture::new("frequency = 10\nexits.grace = 10\nproxy.wait = 1")
        .env("AWSLAMBDAPROXY_FREQUENCY", "20")
        .env("AWSLAMBDAPROXY_EXITS__GRACE", "20s")
        .env("AWSLAMBDAPROXY_PROXY__LISTEN", "127.0.0.1:1, 127.0.0.1:2")
        .env("AWSLAMBDAPROXY_AWS__LOGS", "true")
        .env("AWSLAMBDAPROXY_LOG", "debug")
        .env("OTHER", "x")
        .flags(Flags::default().set("--frequency", "frequency", Some("30".into())));
    let loaded = fixture.load().expect("valid");
    let config = &loaded.config;
    assert_eq!(config.frequency, Frequency::Every(Duration::from_secs(30)));
    assert_eq!(config.exits.grace, Duration::from_secs(20));
    assert_eq!(config.proxy.listen.len(), 2);
    assert!(config.aws.logs);
    let origin = |key| loaded.settings.iter().find(|setting| setting.key == key).expect("in force").origin.to_string();
    assert_eq!(origin("frequency"), "--frequency");
    assert_eq!(origin("exits.grace"), "AWSLAMBDAPROXY_EXITS__GRACE");
    assert_eq!(origin("proxy.wait"), format!("{}:3", fixture.path().display()));
    assert_eq!(origin("exits.drain"), "default");
}

#[test]
fn a_strange_variable_is_a_mistake_with_a_suggestion() {
    let fixture = Fixture::new("frequency = 10")
        .env("AWSLAMBDAPROXY_RELAY_TOKEN", "hunter2")
        .env("AWSLAMBDAPROXY_PROXY", "x")
        .env("AWSLAMBDAPROXY_FREQUENCY__X", "x");
    let mistakes = fixture.mistakes().join("\n");
    assert!(mistakes.contains("did you mean AWSLAMBDAPROXY_RELAY__TOKEN?"), "{mistakes}");
    assert!(mistakes.contains("AWSLAMBDAPROXY_FREQUENCY__X: frequency.x: no such setting"), "{mistakes}");
    assert!(mistakes.contains("AWSLAMBDAPROXY_PROXY: proxy: expected a section"), "{mistakes}");
    assert!(!mistakes.contains("hunter2"), "{mistakes}");
}

#[test]
fn variables_reach_the_only_relay_and_make_one_where_there_is_none() {
    let make = Fixture::new("").env("AWSLAMBDAPROXY_RELAY__URL", "wss://a").env("AWSLAMBDAPROXY_RELAY__TOKEN", "t");
    assert_eq!(make.config().relays.len(), 1);
    let only = Fixture::new("[[relay]]\nurl='wss://a'\ntoken='t'").env("AWSLAMBDAPROXY_RELAY__URL", "wss://b");
    assert_eq!(only.config().relays[0].url.to_string(), "wss://b");
    let file = Fixture::new("[relay]\nurl='wss://a'\ntoken='t'");
    let token = file.dir.path().join("other");
    fs::write(&token, "of-the-variable").expect("written");
    set_mode(&token, 0o600);
    let file = file.env("AWSLAMBDAPROXY_RELAY__TOKEN_FILE", &token.display().to_string());
    assert_eq!(file.config().relays[0].token.expose_secret(), "of-the-variable");
    let two = "[[relay]]\nurl='wss://a'\ntoken='t'\n[[relay]]\nurl='wss://b'\ntoken='t'";
    let several = Fixture::new(two).env("AWSLAMBDAPROXY_RELAY__URL", "wss://c").mistakes();
    assert!(several[0].contains("several of these sections"), "{several:?}");
}

#[test]
fn a_profile_on_the_command_line_beats_keys_in_the_file() {
    let text = "aws = { access_key_id = 'a', secret_access_key = 'b' }";
    let flag = || Flags::default().set("--profile", "aws.profile", Some("work".into()));
    let config = Fixture::new(text).flags(flag()).config();
    assert!(matches!(config.aws.credentials, AwsCredentials::Profile(name) if name == "work"));
    let both = "aws = { access_key_id = 'a', secret_access_key = 'b', profile = 'c' }";
    assert!(Fixture::new(both).mistakes()[0].contains("keep one of them"));
}

#[test]
fn bypassed_hosts_are_the_first_rule() {
    let text = "[[routing.rules]]\nhosts = ['*']\nvia = 'block'";
    let flags = Flags::default().bypass(&["intranet.example.com".into(), "*.local".into()]);
    let rules = Fixture::new(text).flags(flags.clone()).config().routing.rules;
    assert_eq!((rules.len(), &rules[0].via, rules[0].hosts.len()), (2, &Via::Direct, 2));
    assert_eq!(Fixture::new("").flags(flags).config().routing.rules.len(), 1);
}

#[test]
fn labels_are_free_with_the_local_lambda_only() {
    assert!(Fixture::new("regions = ['paris']").mistakes()[0].contains("--local"));
    let local = Fixture::new("regions = ['paris', 'us-west-2']").mode(Mode::Local).config();
    assert_eq!(local.regions.len(), 2);
    assert_eq!(Fixture::new("").mode(Mode::Local).config().regions[1].to_string(), "local-2");
    for text in ["regions = ['*']", "regions = ['direct']", "regions = ['a', 'a']"] {
        assert_eq!(Fixture::new(text).mode(Mode::Local).mistakes().len(), 1, "{text}");
    }
}

#[test]
fn a_missing_file_is_fine_unless_it_was_named() {
    let mut fixture = Fixture::new("");
    fixture.sources.file = fixture.dir.path().join("none.toml");
    assert!(fixture.mistakes()[0].contains("cannot be read"));
    fixture.sources.file_required = false;
    assert!(!fixture.load().expect("defaults").file_found);
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
        let variable = layers::environment::name_of(key);
        let _ = Fixture::new("").env(&variable, value.trim_matches('\'')).load();
    }
}
