//! Tests of relay.toml.

use std::time::Duration;

use super::*;
use crate::admission::Limits;

fn parse(text: &str) -> Result<Settings, String> {
    Settings::parse(Path::new("/etc/x/relay.toml"), text).map_err(|error| error.to_string())
}

#[test]
fn a_whole_file_is_read() {
    let settings = parse(
        r#"
        listen = "127.0.0.1:8000"
        public_url = "wss://relay.example.com"
        [tls]
        mode = "off"
        [proxy]
        trusted = ["127.0.0.1", "10.0.0.0/8"]
        [limits]
        connections = 10
        per_address = 9
        per_agent = 8
        waiting = 7
        handshakes = 6
        bytes_per_second = 50_000_000
        [metrics]
        listen = "127.0.0.1:9100"
        [drain]
        time = "500ms"
        "#,
    )
    .expect("valid");
    let limits =
        Limits { connections: 10, per_address: 9, per_agent: 8, waiting: 7, handshakes: 6, bytes_per_second: Some(50_000_000) };
    assert_eq!((settings.tls.clone(), settings.adjustable.limits), (Tls::Off, limits));
    assert_eq!(settings.adjustable.drain, Duration::from_millis(500));
    assert_eq!(settings.state_dir, Path::new("/etc/x/relay-state"));
    assert_eq!(settings.adjustable.trusted.len(), 2);
    assert_eq!(settings.metrics, MetricsPort::At("127.0.0.1:9100".parse().expect("address")));
    assert_eq!(settings.reached_at().expect("public").to_string(), "wss://relay.example.com:443");
}

#[test]
fn files_are_found_beside_the_configuration() {
    let settings = parse("listen = \"127.0.0.1:0\"\ntls = { mode = \"files\", certificate = \"c.pem\", key = \"/k.pem\" }");
    let Tls::Files { certificate, key } = settings.expect("valid").tls else { unreachable!("mode is files") };
    assert_eq!((certificate.to_str(), key.to_str()), (Some("/etc/x/c.pem"), Some("/k.pem")));
}

#[test]
fn all_problems_are_told_with_file_line_and_key() {
    let text = "listen = \"nowhere\"\n\n[tls]\nmode = \"acme\"\nkey = \"x\"\nacme_directory = \"http://x\"\nacme_email = \"me\"\n\
        [limits]\nwaiting = 0\n[metrics]\nlisten = \"9090\"\n[proxy]\ntrusted = [\"x\"]\n[drain]\ntime = \"1h\"\n";
    assert_eq!(
        parse(text).expect_err("invalid").lines().collect::<Vec<_>>(),
        [
            "/etc/x/relay.toml:1: listen: \"nowhere\" is no address with a port, like 0.0.0.0:443",
            "/etc/x/relay.toml:5: tls.key: it is for tls.mode = \"files\" only",
            "/etc/x/relay.toml: tls.domain: it is missing; tls.mode = \"acme\" needs the relay's name",
            "/etc/x/relay.toml:6: tls.acme_directory: \"http://x\" is neither an https:// URL nor \"staging\"",
            "/etc/x/relay.toml:7: tls.acme_email: \"me\" is no e-mail address",
            "/etc/x/relay.toml:13: proxy.trusted: \"x\" is no address or network",
            "/etc/x/relay.toml:15: drain.time: it is a time of at most 60 s, like \"2s\"",
            "/etc/x/relay.toml:9: limits.waiting: it is at least 1",
            "/etc/x/relay.toml:11: metrics.listen: \"9090\" is no address with a port, like 127.0.0.1:9090; \"\" turns it off",
        ]
    );
}

#[test]
fn a_ca_needs_a_name_and_knows_where_the_usual_one_is() {
    let acme = |more: &str| parse(&format!("listen = \"0.0.0.0:443\"\n{more}"));
    let authority = |more: &str| match acme(more).expect(more).tls {
        Tls::Acme(authority) => authority,
        other => unreachable!("{other:?}"),
    };
    let usual = authority("[tls]\nmode = \"acme\"\ndomain = \"Relay.example.com\"");
    assert_eq!((usual.domain.as_str(), usual.directory.as_str()), ("relay.example.com", crate::tls::acme::DIRECTORY));
    let own = authority(
        "public_url = \"wss://r.example.com:8443\"\n[tls]\nmode = \"acme\"\nacme_directory = \"staging\"\n\
         acme_root = \"ca.pem\"\nacme_email = \"me@example.com\"",
    );
    assert_eq!((own.domain.as_str(), own.directory.as_str()), ("r.example.com", crate::tls::acme::STAGING_DIRECTORY));
    assert_eq!((own.root.as_deref(), own.email.as_deref()), (Some(Path::new("/etc/x/ca.pem")), Some("me@example.com")));
    let settings = acme("[tls]\nmode = \"acme\"\ndomain = \"r.example.com\"").expect("valid");
    assert_eq!(settings.reached_at().expect("public").to_string(), "wss://r.example.com:443");
    for domain in ["192.0.2.1", "localhost", "r.example.com:443", "*.example.com", ""] {
        let error = acme(&format!("[tls]\nmode = \"acme\"\ndomain = \"{domain}\"")).expect_err(domain);
        assert!(error.contains("tls.domain"), "{error}");
    }
}

#[test]
fn metrics_are_on_loopback_unless_somebody_says_otherwise() {
    let metrics = |more: &str| parse(&format!("listen = \"[::1]:0\"\ntls.mode = \"off\"\n{more}")).expect("valid").metrics;
    assert_eq!(metrics(""), MetricsPort::Usual("127.0.0.1:9090".parse().expect("address")));
    assert_eq!(metrics("metrics.listen = \"\""), MetricsPort::Off);
}

#[test]
fn a_rate_that_carries_no_tunnel_is_refused() {
    let error = parse("listen = \"[::1]:0\"\ntls.mode = \"off\"\n[limits]\nbytes_per_second = 5").expect_err("too slow");
    assert!(error.contains("limits.bytes_per_second: it is at least 10000"), "{error}");
}

#[test]
fn plain_websocket_is_never_the_default() {
    let error = parse("listen = \"127.0.0.1:0\"").expect_err("no mode");
    assert!(error.contains("tls.mode"), "{error}");
}

#[test]
fn keys_and_values_that_cannot_be_are_told_together() {
    let text = "listen = 5\nlisten_on = \"ä\"\n[limits]\nwaiting = \"many\"\nper_agent = -1\n[proxy]\ntrusted = [\n  \"::1\",\n  7,\n]\n\
                [tls]\nmod = \"off\"\n[more]\nx = 1\n[metrics]\nlisten = 1\n";
    let error = parse(text).expect_err("invalid");
    let places = error.lines().map(|told| told.split(':').nth(1).and_then(|line| line.parse().ok()));
    assert_eq!(places.collect::<Option<Vec<u32>>>().expect(&error), [1, 2, 4, 5, 9, 12, 13, 16], "{error}");
    assert_eq!(parse("listen = 5\ntls =\nx = 5\n").expect_err("no TOML").lines().count(), 1);
    assert_eq!(parse("tls = { mode = 5, x = 1 }").expect_err("a line of two").lines().count(), 1);
}

#[test]
fn an_unknown_key_is_an_error_with_its_line() {
    let error = parse("listen = \"127.0.0.1:0\"\nlisten_on = 5\n").expect_err("unknown");
    assert!(error.starts_with("/etc/x/relay.toml:2: unknown field `listen_on`"), "{error}");
}
