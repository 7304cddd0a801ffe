//! Newer releases of this program: a running agent looks for one now and then, and offers it in `status`.
//!
//! Never: it installs nothing; that is the user's `awslambdaproxy update`. A server that does not answer is no problem of the
//! agent's.

use std::time::Duration;

use relay::update::{BadServer, Found, Manager, Program, Server, can_verify, find, own_file};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::config::UpdateConfig;
use crate::health::{Health, Problem, ProblemKey, Severity};

/// This program.
pub const PROGRAM: Program = Program { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") };

/// An agent that runs for less than this asks nobody.
const FIRST: Duration = Duration::from_secs(3600);
/// Releases are days apart, and servers count what an address asks.
const EVERY: Duration = Duration::from_secs(24 * 3600);

const CODE: &str = "update_available";

/// Where releases come from; `None` where the configuration says from nowhere.
pub fn server(config: &UpdateConfig) -> Result<Option<Server>, BadServer> {
    match config {
        UpdateConfig::Project => Ok(Some(Server::default())),
        UpdateConfig::Other(url) => url.to_string().parse().map(Some),
        UpdateConfig::Nowhere => Ok(None),
    }
}

/// Looks for newer releases for as long as it is polled. A build that could not install one does not look.
pub async fn offer(server: Server, health: Health) {
    if !can_verify() {
        return;
    }
    let mut ticks = interval_at(Instant::now() + FIRST, EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let server = server.clone();
        match tokio::task::spawn_blocking(move || find(PROGRAM, &server, None)).await {
            Ok(Ok(Found::Offer(offer))) => {
                health.set(ProblemKey::agent(CODE), problem(&offer.version().to_string()));
            }
            Ok(Ok(Found::Current)) => drop(health.clear(&ProblemKey::agent(CODE))),
            Ok(Err(error)) => tracing::debug!(%error, "did not learn of newer releases"),
            Err(error) => tracing::debug!(%error, "did not look for newer releases"),
        }
    }
}

fn problem(version: &str) -> Problem {
    let manager = own_file().ok().and_then(|path| Manager::of(&path));
    let command = manager.map_or("awslambdaproxy update", Manager::command);
    Problem {
        code: CODE.to_owned(),
        severity: Severity::Info,
        region: None,
        phase: None,
        text: format!("release {version} is there; this is {}", PROGRAM.version),
        hint: Some(format!("install it with: {command}; what runs goes on until it is restarted")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    /// Answers every question with a release of this version.
    fn serve(version: &'static str) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
        let url = format!("http://{}", listener.local_addr().expect("address"));
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let _head = stream.read(&mut [0; 4096]);
                let body = format!(r#"{{"tag_name":"v{version}","created_at":"2026-01-01T00:00:00Z","assets":[]}}"#);
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
                let _gone = stream.write_all((head + &body).as_bytes());
            }
        });
        url.parse().expect("a server")
    }

    #[tokio::test(start_paused = true)]
    async fn a_newer_release_is_offered_after_an_hour_and_nothing_is_asked_before() {
        let health = Health::default();
        let offering = offer(serve("99.0.0"), health.clone());
        tokio::pin!(offering);
        tokio::select! {
            () = &mut offering => unreachable!("it looks for ever"),
            () = tokio::time::sleep(FIRST - Duration::from_secs(1)) => {}
        }
        assert!(health.list().is_empty());
        let offered = async {
            while health.list().is_empty() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        tokio::select! {
            () = offering => unreachable!("it looks for ever"),
            () = offered => {}
        }
        let problem = health.list().remove(0);
        assert_eq!((problem.code.as_str(), problem.severity), ("update_available", Severity::Info));
        assert!(problem.text.contains("99.0.0") && problem.hint.is_some_and(|hint| hint.contains("awslambdaproxy update")));
    }
}
