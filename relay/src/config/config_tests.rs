//! Tests of relay.toml.

use super::*;

fn parse(text: &str) -> Result<Settings, String> {
    Settings::parse(Path::new("/etc/x/relay.toml"), text).map_err(|error| error.to_string())
}

#[test]
fn a_whole_file_is_read() {
    let settings = parse(
        r#"
        listen = "127.0.0.1:8000"
        public_url = "wss://relay.example.com"
        state_dir = "state"
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
        [drain]
        time = "500ms"
        "#,
    )
    .expect("valid");
    let limits =
        Limits { connections: 10, per_address: 9, per_agent: 8, waiting: 7, handshakes: 6, bytes_per_second: Some(50_000_000) };
    assert_eq!((settings.tls.clone(), settings.limits), (Tls::Off, limits));
    assert_eq!(settings.drain, Duration::from_millis(500));
    assert_eq!(settings.state_dir, Path::new("/etc/x/state"));
    assert_eq!(settings.trusted.len(), 2);
    assert_eq!(settings.reached_at().expect("public").to_string(), "wss://relay.example.com:443");
}

#[test]
fn files_are_found_beside_the_configuration() {
    let settings = parse(
        "listen = \"127.0.0.1:0\"\nstate_dir = \"/s\"\ntls = { mode = \"files\", certificate = \"c.pem\", key = \"/k.pem\" }",
    );
    let Tls::Files { certificate, key } = settings.expect("valid").tls else { unreachable!("mode is files") };
    assert_eq!((certificate.to_str(), key.to_str()), (Some("/etc/x/c.pem"), Some("/k.pem")));
}

#[test]
fn all_problems_are_told_with_file_line_and_key() {
    let text = "listen = \"nowhere\"\nstate_dir = \"/s\"\n\n[tls]\nmode = \"acme\"\ndomain = \"x\"\n[limits]\nwaiting = 0\n";
    assert_eq!(
        parse(text).expect_err("invalid").lines().collect::<Vec<_>>(),
        [
            "/etc/x/relay.toml:1: listen: \"nowhere\" is no address with a port, like 0.0.0.0:443",
            "/etc/x/relay.toml:6: tls.domain: it is not built yet in this version; take the key out",
            "/etc/x/relay.toml:5: tls.mode: \"acme\" is not built yet in this version; take \"files\", \"self-signed\" or \"off\"",
            "/etc/x/relay.toml:8: limits.waiting: it is at least 1",
        ]
    );
}

#[test]
fn what_is_not_built_is_not_accepted_in_silence() {
    for (extra, key) in [
        ("[metrics]\nlisten = \"127.0.0.1:9090\"", "metrics.listen"),
        ("[proxy]\ntrusted = [\"x\"]", "proxy.trusted"),
        ("[drain]\ntime = \"1h\"", "drain.time"),
    ] {
        let error = parse(&format!("listen = \"[::1]:0\"\nstate_dir = \"/s\"\ntls.mode = \"off\"\n{extra}")).expect_err(extra);
        assert!(error.contains(key), "{error}");
    }
}

#[test]
fn plain_websocket_is_never_the_default() {
    let error = parse("listen = \"127.0.0.1:0\"\nstate_dir = \"/s\"").expect_err("no mode");
    assert!(error.contains("tls.mode"), "{error}");
}

#[test]
fn an_unknown_key_is_an_error_with_its_line() {
    let error = parse("listen = \"127.0.0.1:0\"\nlisten_on = 5\n").expect_err("unknown");
    assert!(error.starts_with("/etc/x/relay.toml:2: unknown field `listen_on`"), "{error}");
}
