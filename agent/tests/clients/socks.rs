//! SOCKS5 by name, IPv4 and IPv6, with curl.

use super::nginx::Nginx;
use super::program::{BASE, Program};
use super::tools::{curl, curl_text, wait_for};

#[test]
fn names_and_literals_are_taken_and_names_are_resolved_at_the_exit() {
    let (nginx, agent) = (Nginx::start(), Program::start(BASE));
    let (by_name, by_address) = (format!("socks5h://{}", agent.proxy()), format!("socks5://{}", agent.proxy()));
    for (proxy, host) in [(&by_name, "localhost"), (&by_name, "127.0.0.1"), (&by_address, "127.0.0.1")] {
        assert_eq!(curl_text(&["-x", proxy, &format!("http://{host}:{}/", nginx.http)]), "a real page\n", "{proxy} {host}");
    }
    // Only the exit may ask for a name: here that shows as the exit's own answer.
    let unknown = curl(&["-x", &by_name, "http://does-not-exist.invalid/"]);
    let talk = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert!(unknown.status.code() == Some(97) && talk.contains("(4)"), "{talk}");
    assert!(nginx.visitors().iter().all(|visitor| visitor.starts_with("127.64.")));
}

#[test]
fn an_ipv6_literal_is_understood_and_judged_at_the_exit() {
    let agent = Program::start(BASE);
    for proxy in ["socks5h", "socks5"] {
        let refused = curl(&["-x", &format!("{proxy}://{}", agent.proxy()), "http://[2001:db8::1]:8080/"]);
        let talk = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(refused.status.code() == Some(97) && talk.contains("(2)"), "{talk}");
    }
}

#[test]
fn socks4_is_refused_at_once() {
    let agent = Program::start(BASE);
    for version in ["socks4", "socks4a"] {
        let refused = curl(&["-x", &format!("{version}://{}", agent.proxy()), "http://127.0.0.1:80/"]);
        let talk = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(refused.status.code() == Some(97) && talk.contains("91"), "{talk}");
    }
}

#[test]
fn a_client_that_resolves_names_itself_is_warned_of_once() {
    let (nginx, agent) = (Nginx::start(), Program::start(BASE));
    let proxy = format!("socks5://{}", agent.proxy());
    let url = format!("http://127.0.0.1:{}/", nginx.http);
    for _ in 0..30 {
        curl_text(&["-x", &proxy, &url]);
    }
    let warnings = || agent.log().lines().filter(|line| line.contains("WARN") && line.contains("DNS")).count();
    wait_for("the warning", || (warnings() > 0).then_some(()));
    assert_eq!(warnings(), 1, "{}", agent.log());
}
