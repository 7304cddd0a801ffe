//! Is the certificate what ends will believe: its dates, its names, its key?

use std::time::{Duration, SystemTime};

use super::finding::Finding;
use crate::cli::certificate;
use crate::cli::exit::CONFIG;
use crate::config::{Settings, Tls};
use crate::tls::{CertificateSlot, Certified, Facts};

const SUBJECT: &str = "certificate";
/// Below this much life somebody else's renewal has failed, or was forgotten.
const LITTLE_LIFE: Duration = Duration::from_secs(14 * DAY);
const DAY: u64 = 86_400;

pub(super) fn check(settings: &Settings, now: SystemTime) -> Vec<Finding> {
    let certified = match certificate::on_disk(settings) {
        Ok(certified) => certified,
        Err(error) => return vec![Finding::wrong(CONFIG, SUBJECT, error.to_string())],
    };
    if let Tls::Acme(authority) = &settings.tls
        && let Err(error) = authority.check_root()
    {
        return vec![Finding::wrong(CONFIG, SUBJECT, error.to_string())];
    }
    match (&settings.tls, certified) {
        (Tls::Off, _) => vec![Finding::ok(SUBJECT, "none here: something in front does TLS")],
        (Tls::Acme(authority), None) => {
            let text = format!("none yet; the relay asks {} for one of {} when it runs", authority.directory, authority.domain);
            vec![Finding::warning(SUBJECT, text)]
        }
        (Tls::SelfSigned, None) => {
            let text = format!("none yet; one for {} is made at the first start or pairing code", settings.certificate_host());
            vec![Finding::ok(SUBJECT, text)]
        }
        (Tls::Files { .. }, None) => Vec::new(),
        (Tls::SelfSigned, Some(certified)) => {
            let pin = certified.pin();
            fits(certified).map_or_else(|wrong| vec![wrong], |_| vec![Finding::ok(SUBJECT, format!("our own, sha256={pin}"))])
        }
        (Tls::Acme(authority), Some(certified)) => {
            fits(certified).map_or_else(|wrong| vec![wrong], |facts| judge(&facts, Some(&authority.domain), now))
        }
        (Tls::Files { .. }, Some(certified)) => {
            let host = settings.public_url.as_ref().map(|url| url.host());
            fits(certified).map_or_else(|wrong| vec![wrong], |facts| judge(&facts, host, now))
        }
    }
}

/// Certificate and key belong together, and the certificate can be read.
fn fits(certified: Certified) -> Result<Facts, Finding> {
    let facts = certified.facts();
    let fitting = CertificateSlot::holding(certified).and(facts);
    fitting.map_err(|error| Finding::wrong(CONFIG, SUBJECT, error.to_string()))
}

fn judge(facts: &Facts, host: Option<&str>, now: SystemTime) -> Vec<Finding> {
    let dates = humantime::format_rfc3339_seconds(facts.not_after);
    let mut findings = vec![match facts.remaining(now) {
        _ if now < facts.not_before => {
            let begin = humantime::format_rfc3339_seconds(facts.not_before);
            Finding::wrong(CONFIG, SUBJECT, format!("it is valid from {begin} only; is this machine's clock right?"))
        }
        Duration::ZERO => Finding::wrong(CONFIG, SUBJECT, format!("it has ended at {dates}; renew it")),
        rest if rest < LITTLE_LIFE => {
            Finding::warning(SUBJECT, format!("it ends soon, at {dates} (in {} days); is it renewed?", rest.as_secs() / DAY))
        }
        rest => Finding::ok(SUBJECT, format!("valid until {dates} (for {} days)", rest.as_secs() / DAY)),
    }];
    findings.push(match host {
        Some(host) if facts.covers(host) => Finding::ok(SUBJECT, format!("it is for {host}, and the key is its own")),
        Some(host) => {
            let text = format!("it is not for {host}, so no end will believe it: take another one, or another public_url");
            Finding::wrong(CONFIG, SUBJECT, text)
        }
        None => Finding::warning(SUBJECT, "whether its names fit cannot be told: set public_url to what ends connect to"),
    });
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::self_signed;

    #[test]
    fn dates_and_names_are_judged_as_an_end_will() {
        let directory = tempfile::tempdir().expect("directory");
        let mut facts = self_signed(directory.path(), "relay.example.com").expect("made").facts().expect("facts");
        let now = facts.not_before + Duration::from_secs(100 * DAY);
        let told = |facts: &Facts, host, now| {
            let lines: Vec<String> = judge(facts, host, now).iter().map(ToString::to_string).collect();
            lines.join("\n")
        };
        facts.not_after = now + Duration::from_secs(90 * DAY);
        let sound = told(&facts, Some("relay.example.com"), now);
        assert!(sound.contains("for 90 days") && sound.contains("it is for relay.example.com"), "{sound}");
        let early = told(&facts, None, facts.not_before - Duration::from_secs(1));
        assert!(early.contains("clock") && early.contains("public_url"), "{early}");
        facts.not_after = now + Duration::from_secs(3 * DAY);
        let ending = told(&facts, Some("other.example.com"), now);
        assert!(ending.contains("in 3 days") && ending.contains("not for other.example.com"), "{ending}");
        let ended = judge(&facts, None, facts.not_after + Duration::from_secs(1));
        assert_eq!(ended[0].exit_code(), Some(CONFIG));
    }
}
