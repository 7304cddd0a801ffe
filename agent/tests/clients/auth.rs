//! A proxy that demands a name and a password.

use super::program::{BASE, Program};
use super::site::Site;
use super::tools::{curl, curl_text};

fn agent() -> Program {
    Program::start(&BASE.replace("[egress]", "username = \"ann\"\npassword = \"s3cret: word\"\n[egress]"))
}

#[test]
fn http_without_the_right_credentials_gets_407_and_with_them_they_stay_here() {
    let (site, agent) = (Site::start(), agent());
    let url = site.url("/echo");
    for credentials in [&[][..], &["-U", "ann:wrong"], &["-U", "bob:s3cret: word"], &["-U", "ann:"]] {
        let head = curl_text(&[&["-x", &agent.url(), "-o", "/dev/null", "-D", "-", &url][..], credentials].concat());
        assert!(head.starts_with("HTTP/1.1 407") && head.contains("Proxy-Authenticate: Basic realm="), "{credentials:?}: {head}");
        let tunnel = curl(&[&["-p", "-x", &agent.url(), "-w", "%{http_connect}", &url][..], credentials].concat());
        assert_eq!(String::from_utf8_lossy(&tunnel.stdout), "407", "{credentials:?}");
    }
    for how in [&[][..], &["-p"], &["--proxy-anyauth"]] {
        let head = curl_text(&[&["-x", &agent.url(), "-U", "ann:s3cret: word", &url][..], how].concat());
        assert!(head.starts_with("GET /echo HTTP/1.1\r\n") && !head.to_lowercase().contains("proxy-"), "{how:?}: {head}");
    }
    assert!(!agent.log().contains("s3cret"), "the password is in the log");
}

#[test]
fn socks_takes_the_same_name_and_password() {
    let (site, agent) = (Site::start(), agent());
    let (proxy, url) = (format!("socks5h://{}", agent.proxy()), site.url("/echo"));
    for credentials in [&[][..], &["-U", "ann:wrong"], &["-U", "bob:s3cret: word"]] {
        let refused = curl(&[&["-x", &proxy, &url][..], credentials].concat());
        assert_eq!(refused.status.code(), Some(97), "{credentials:?}: {}", String::from_utf8_lossy(&refused.stderr));
    }
    assert!(curl_text(&["-x", &proxy, "-U", "ann:s3cret: word", &url]).starts_with("GET /echo HTTP/1.1\r\n"));
}
