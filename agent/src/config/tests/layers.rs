//! Flags, variables and file: which of them wins.

use super::*;
use crate::routing::Via;

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
    assert!(!fixture.load().expect("defaults").file.was_there());
}
