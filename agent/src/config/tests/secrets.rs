//! What is never shown, and files that others may read.

use super::*;

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
fn a_secret_in_an_open_file_is_refused_even_when_a_variable_overrules_it() {
    let fixture = Fixture::new("relay = { url = 'wss://a', token = 'hunter2' }").env("AWSLAMBDAPROXY_RELAY__TOKEN", "t");
    assert_eq!(fixture.config().relays.len(), 1);
    set_mode(&fixture.path(), 0o604);
    assert!(fixture.mistakes()[0].contains("mode 0604"));
}
