//! `env`, `exec` and the PAC file, with a running agent and programs that mind them.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output};
use std::thread;

use super::support::program::{BASE, Program};
use super::support::tools::{curl, curl_text, wait_for};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Listens on 127.0.0.2, and on the same port of 127.0.0.1, which no part of an agent can have then: exits connect to no
/// address of this machine with the port of a relay or of a proxy.
fn listen() -> (TcpListener, TcpListener) {
    wait_for("a port that both addresses have free", || {
        let guard = TcpListener::bind("127.0.0.1:0").ok()?;
        let listener = TcpListener::bind(("127.0.0.2", guard.local_addr().ok()?.port())).ok()?;
        Some((listener, guard))
    })
}

/// A site on this machine that no exception of `no_proxy` names; answers who asks.
fn site() -> String {
    let (listener, guard) = listen();
    let url = format!("http://{}/", listener.local_addr().expect("address"));
    thread::spawn(move || {
        let _guard = guard;
        for mut stream in listener.incoming().flatten() {
            let _head = stream.read(&mut [0; 4096]);
            let peer = stream.peer_addr().map(|peer| peer.ip().to_string()).unwrap_or_default();
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{peer}", peer.len());
            let _gone = stream.write_all(answer.as_bytes());
        }
    });
    url
}

fn agent(more: &str) -> Program {
    Program::start(&format!("regions = [\"local-1\", \"local-2\"]\n{BASE}{more}"))
}

/// How many bytes the exits of a region have brought.
fn brought(agent: &Program, region: &str) -> u64 {
    let status = agent.status().expect("a status");
    let exits = status["exits"].as_array().expect("exits").iter().filter(|exit| exit["region"] == region);
    exits.filter_map(|exit| exit["bytes_down"].as_u64()).sum()
}

/// A shell that has nothing but a search path, in a directory whose name says nothing.
fn shell(script: &str) -> Output {
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).env_clear().env("PATH", "/usr/bin:/bin").current_dir("/").output().expect("it runs")
}

/// What the proxy answers to a client of this user name and password.
fn code(agent: &Program, user: &str, site: &str) -> String {
    curl_text(&["-o", "/dev/null", "-w", "%{http_code}", "-x", &agent.url(), "--proxy-user", user, site])
}

fn exec(agent: &Program, arguments: &[&str]) -> Output {
    agent.command(&[&["exec"], arguments].concat())
}

#[test]
fn a_command_goes_through_the_proxy_and_its_exit_code_comes_back() {
    let (agent, site) = (agent(""), site());
    let seen = exec(&agent, &["--", "curl", "-fsS", &site]);
    assert!(seen.status.success() && !seen.stdout.is_empty(), "{}", text(&seen.stderr));
    assert_ne!(text(&seen.stdout), "127.0.0.1", "that is where an exit's connections do not come from");
    assert_eq!(exec(&agent, &["--", "sh", "-c", "exit 42"]).status.code(), Some(42));
    // As a shell tells them apart: not there, and no program.
    assert_eq!(exec(&agent, &["--", "/none/such"]).status.code(), Some(127));
    assert_eq!(exec(&agent, &["--", "/etc/passwd"]).status.code(), Some(126));
    assert_eq!(exec(&agent, &[]).status.code(), Some(2));
}

#[test]
fn a_region_is_asked_of_by_the_user_name_and_no_other_serves() {
    let (agent, site) = (agent(""), site());
    let before = brought(&agent, "local-1");
    for _ in 0..4 {
        let seen = exec(&agent, &["--region", "local-2", "--", "curl", "-fsS", &site]);
        assert!(seen.status.success(), "{}", text(&seen.stderr));
    }
    assert_eq!(brought(&agent, "local-1"), before);
    assert!(brought(&agent, "local-2") > 0);
    let unknown = exec(&agent, &["--region", "mars", "--", "true"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown.stderr).contains("only local-1, local-2"), "{}", text(&unknown.stderr));
    // In whatever letters.
    assert_eq!(code(&agent, "Region=local-2:", &site), "200");
    // The same by SOCKS, where the site is asked through a tunnel.
    let socks = curl(&["-x", &format!("socks5h://region%3Dlocal-2:x@{}", agent.proxy()), &site]);
    assert!(socks.status.success(), "{}", text(&socks.stderr));
    assert_eq!(brought(&agent, "local-1"), before);
}

#[test]
fn a_region_that_is_not_there_is_refused_and_nothing_else_serves() {
    // No time would bring it, so none is waited.
    let more = BASE.replace("[proxy]\n", "[proxy]\nwait = \"10m\"\n");
    let (agent, site) = (Program::start(&format!("regions = [\"local-1\"]\n{more}")), site());
    let answer = curl_text(&["-i", "-x", &agent.url(), "--proxy-user", "region=mars:", &site]);
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("Retry-After: "), "{answer}");
    assert!(answer.contains("mars is not one of this proxy's regions (local-1)"), "{answer}");
}

#[test]
fn a_wish_that_names_no_region_is_refused_and_a_name_that_is_no_wish_is_told() {
    let (agent, site) = (agent(""), site());
    let before = brought(&agent, "local-1") + brought(&agent, "local-2");
    let answer = curl_text(&["-i", "-x", &agent.url(), "--proxy-user", "region=:", &site]);
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("region= in the user name names no region"), "{answer}");
    let socks = curl(&["-x", &format!("socks5h://region%3D:x@{}", agent.proxy()), &site]);
    assert_eq!(socks.status.code(), Some(97), "{}", text(&socks.stderr));
    assert_eq!(brought(&agent, "local-1") + brought(&agent, "local-2"), before);
    for _ in 0..2 {
        assert_eq!(code(&agent, "local-1:hunter2", &site), "200");
    }
    let told = "the proxy's user name \"local-1\" is ignored";
    let log = wait_for("what the log says", || Some(agent.log()).filter(|log| log.contains(told)));
    assert!(log.matches(told).count() == 1 && !log.contains("hunter2"), "{log}");
    assert!(log.contains("a SOCKS client is refused: region="), "{log}");
}

#[test]
fn a_shell_takes_the_variables_and_gives_them_back() {
    let more = BASE.replace("[proxy]\n", "[proxy]\nusername = \"me\"\npassword = \"it's secret\"\n");
    let (agent, site) = (Program::start(&format!("regions = [\"local-1\"]\n{more}")), site());
    let environment = agent.command(&["env", "--shell", "sh"]);
    let script = format!("{}curl -sS -o /dev/null -w '%{{http_code}}' {site}", text(&environment.stdout));
    let seen = shell(&script);
    assert_eq!(text(&seen.stdout), "200", "{}", text(&seen.stderr));
    let unset = text(&agent.command(&["env", "--unset", "--shell", "sh"]).stdout);
    let left = text(&shell(&format!("{}{unset}env", text(&environment.stdout))).stdout);
    assert!(!left.to_lowercase().contains("proxy"), "{left}");
}

#[test]
fn what_holds_with_regions_only_is_no_mistake_here() {
    let agent = agent("");
    agent.desktop.configure(&format!(
        "regions = [\"us-east-1\", \"eu-*\"]\n[relay]\nurl = \"wss://relay.example\"\ntoken = \"{}\"\n\
         [routing]\nrules = [{{ hosts = [\"*.example\"], via = \"us-east-1\" }}]\n",
        "t".repeat(43)
    ));
    for command in [&["env", "--shell", "sh"][..], &["exec", "--", "true"]] {
        let ended = agent.command(command);
        assert!(ended.status.success(), "{command:?}: {}", text(&ended.stderr));
    }
}

#[test]
fn the_pac_file_is_for_browsers_of_this_machine() {
    let agent = agent("");
    let url = format!("{}/proxy.pac", agent.url());
    let pac = curl_text(&["-i", &url]);
    assert!(pac.starts_with("HTTP/1.1 200 OK\r\n") && pac.contains("application/x-ns-proxy-autoconfig"), "{pac}");
    assert!(pac.contains(&format!("return \"PROXY {}\";", agent.proxy())) && !pac.contains("DIRECT"), "{pac}");
    let code = |arguments: &[&str]| curl_text(&[&["-o", "/dev/null", "-w", "%{http_code}"], arguments].concat());
    assert_eq!(code(&["-H", "Host: evil.example", &url]), "400");
    assert_eq!(code(&[&format!("{}/", agent.url())]), "400");
    assert_eq!(code(&["-X", "POST", &url]), "400");
}
