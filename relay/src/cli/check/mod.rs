//! `check`: says of everything that a relay needs whether it is sound, and what to do where it is not. It changes nothing.

mod certificate;
mod finding;
mod port;

use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use super::exit::{CliError, FAILURE};
use super::print;
use crate::agents::AgentsFile;
use crate::config::{Settings, Tls};
use finding::Finding;

/// Prints what there is to say of the configuration at `config` and all that it names.
pub(super) fn check(config: &Path) -> Result<ExitCode, CliError> {
    let settings = Settings::load(config)?;
    let mut findings = vec![Finding::ok("configuration", config.display().to_string())];
    findings.extend(address(&settings));
    findings.extend(certificate::check(&settings, SystemTime::now()));
    findings.extend(proxy(&settings));
    findings.extend(port::check(&settings));
    findings.push(agents(&settings));
    findings.iter().try_for_each(print::line)?;
    Ok(findings.iter().filter_map(Finding::exit_code).max().map_or(ExitCode::SUCCESS, ExitCode::from))
}

/// Where ends are told to connect to.
fn address(settings: &Settings) -> Vec<Finding> {
    let Some(url) = settings.reached_at() else {
        let text = "nobody can connect to the listen address as it stands; set public_url to what ends connect to";
        return vec![Finding::warning("address", text)];
    };
    let mut findings = vec![Finding::ok("address", url.to_string())];
    if matches!(settings.tls, Tls::Acme(_)) && settings.listen.port() != 443 {
        let text = format!(
            "the CA asks at port 443 and the relay listens on {}: let something pass port 443 on to it, or it gets no certificate",
            settings.listen
        );
        findings.push(Finding::warning("address", text));
    }
    findings
}

/// What matters when something in front does TLS.
fn proxy(settings: &Settings) -> Vec<Finding> {
    let trusted = &settings.adjustable.trusted;
    let mut findings = Vec::new();
    if settings.tls != Tls::Off {
        return findings;
    }
    if !settings.listen.ip().is_loopback() {
        let text = format!("plain WebSocket on {}, which others reach: tokens can be read on the way", settings.listen);
        findings.push(Finding::warning("proxy", text));
    }
    if trusted.is_empty() {
        let text = "[proxy] trusted is empty: everybody counts as the proxy, and shares the limits of one address";
        findings.push(Finding::warning("proxy", text));
    } else {
        let list: Vec<String> = trusted.iter().map(ToString::to_string).collect();
        findings.push(Finding::ok("proxy", format!("the client's address is believed of {}", list.join(", "))));
    }
    findings
}

fn agents(settings: &Settings) -> Finding {
    match AgentsFile::in_directory(&settings.state_dir).names() {
        Ok(names) if names.is_empty() => {
            Finding::warning("agents", "none may use this relay yet; `awslambdaproxy-relay agent add NAME` adds one")
        }
        Ok(names) => Finding::ok("agents", format!("{} may use this relay", names.len())),
        Err(error) => Finding::wrong(FAILURE, "agents", error.to_string()),
    }
}
