//! Mistakes in the configuration, and `config`.

use super::home::Home;

/// The exit code of a wrong configuration.
const CONFIG: Option<i32> = Some(3);

#[test]
fn an_unknown_key_is_named_with_its_line_and_a_suggestion() {
    let home = Home::new();
    let file = home.write_config("[exits]\ngrase = '10s'\n", 0o600);
    let ended = home.run(&["config", "check"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (CONFIG, ""));
    let expected = format!("{}:2: exits.grase: unknown key; did you mean `exits.grace`?", file.display());
    assert!(ended.stderr.contains(&expected), "{}", ended.stderr);
}

#[test]
fn a_wrong_type_is_named_with_key_value_and_line() {
    let home = Home::new();
    let file = home.write_config("\naws.memory_mb = 'much'\n", 0o644);
    let ended = home.run(&["run", "--local"]);
    assert_eq!(ended.code, CONFIG);
    let expected = format!("{}:2: aws.memory_mb = \"much\": expected an integer, found a string", file.display());
    assert!(ended.stderr.contains(&expected), "{}", ended.stderr);
}

#[test]
fn two_mistakes_are_reported_at_once() {
    let home = Home::new();
    home.write_config("frequency = 'often'\n[exits]\nmax_per_region = 1\n", 0o600);
    let ended = home.run(&["config", "check"]);
    assert_eq!(ended.code, CONFIG);
    for part in
        ["the configuration has 2 problems", "config.toml:1: frequency = \"often\"", "config.toml:3: exits.max_per_region = 1"]
    {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
}

#[test]
fn a_secret_that_others_may_read_is_refused_with_the_mend() {
    let home = Home::new();
    let file = home.write_config("[relay]\nurl = 'wss://relay.example.com'\ntoken = 'hunter2'\n", 0o644);
    let ended = home.run(&["run"]);
    assert_eq!(ended.code, CONFIG);
    assert!(ended.stderr.contains(&format!("chmod 600 {}", file.display())), "{}", ended.stderr);
    assert!(ended.stderr.contains("config.toml:3: relay.token"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("hunter2"));
}

#[test]
fn show_tells_every_value_and_its_source_but_no_secret() {
    let home = Home::new();
    home.write_config("frequency = '7m'\n[relay]\nurl = 'wss://relay.example.com'\ntoken = 'hunter2'\n", 0o600);
    let mut command = home.command(&["config", "show"]);
    let ended: super::home::Ended =
        command.env("AWSLAMBDAPROXY_PROXY__LISTEN", "127.0.0.1:9,127.0.0.1:10").output().expect("started").into();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let line = |key: &str| ended.stdout.lines().find(|line| line.starts_with(key)).unwrap_or_default().to_owned();
    assert!(line("frequency = \"7m\"").ends_with("config.toml:1"), "{}", ended.stdout);
    assert!(line("relay.token = \"…set\"").ends_with("config.toml:4"), "{}", ended.stdout);
    assert!(line("exits.grace = \"90s\"").ends_with("# default"), "{}", ended.stdout);
    let listen = line("proxy.listen = [\"127.0.0.1:9\", \"127.0.0.1:10\"]");
    assert!(listen.ends_with("# AWSLAMBDAPROXY_PROXY__LISTEN"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("hunter2"));
}

#[test]
fn path_is_data_and_check_says_ok() {
    let home = Home::new();
    let ended = home.run(&["config", "path"]);
    assert_eq!((ended.code, ended.stdout.trim_end()), (Some(0), home.config().to_str().expect("UTF-8")));
    let ended = home.run(&["config", "check"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "ok\n"));
    let ended = home.run(&["--config", "none.toml", "config", "check"]);
    assert_eq!(ended.code, CONFIG, "a named file must exist");
}

#[test]
fn a_region_that_is_perhaps_misspelled_is_doubted_and_no_mistake() {
    let home = Home::new();
    home.write_config("regions = ['us-esat-1']\n", 0o600);
    let ended = home.run(&["config", "check"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "ok\n"), "{ended:?}");
    assert!(ended.stderr.contains("us-esat-1 is no region that this version knows; did you mean us-east-1?"), "{ended:?}");
    assert!(!home.run(&["config", "check", "--local"]).stderr.contains("did you mean"), "a label is free");
}

#[test]
fn a_strange_variable_is_a_mistake() {
    let home = Home::new();
    let mut command = home.command(&["config", "check"]);
    let ended: super::home::Ended = command.env("AWSLAMBDAPROXY_RELAY_TOKEN", "hunter2").output().expect("started").into();
    assert_eq!(ended.code, CONFIG);
    assert!(ended.stderr.contains("did you mean AWSLAMBDAPROXY_RELAY__TOKEN?"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("hunter2"));
}
