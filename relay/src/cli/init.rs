//! `init`: writes the configuration, makes the certificate if it is ours to make, and adds the first agent.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::args::InitArgs;
use super::exit::CliError;
use super::{agent, certificate, print};
use crate::agents::AgentsFile;
use crate::config::{NOT_CERTIFIABLE, PublicUrl, Settings, Tls, certifiable, default_config};
use crate::system::write_public;
use crate::tls::CertificateSlot;

/// Where TLS is expected.
const TLS_PORT: u16 = 443;
/// Behind a proxy: any port that nobody else's default is.
const PLAIN_PORT: u16 = 8000;

/// Writes a configuration to `config`, which must not exist yet.
pub(super) fn init(config: &Path, args: &InitArgs) -> Result<(), CliError> {
    if config.exists() {
        let exists = io::Error::new(io::ErrorKind::AlreadyExists, "it exists; `agent add` makes further pairing codes");
        return Err(CliError::system(config.display().to_string())(exists));
    }
    let text = content(args)?;
    let settings = Settings::parse(config, &text)?;
    // A certificate of no use is told now, and not at the first start.
    certificate::on_disk_or_made(&settings)?.map(CertificateSlot::holding).transpose()?;
    let directory = config.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory).map_err(CliError::system(directory.display().to_string()))?;
    let agents = AgentsFile::in_directory(&settings.state_dir);
    // Of an earlier set-up, whose configuration is gone: its code was shown once, and who still has it is not this user.
    if agents.names()?.contains(&args.agent) {
        agents.revoke(&args.agent)?;
        print::note(format_args!("the earlier pairing code of {} is not valid any more", args.agent));
    }
    agent::add(&settings, &agents, &args.agent)?;
    // Last, so that an init that failed can be repeated once its cause is gone. It holds no secret.
    write_public(config, text.as_bytes()).map_err(CliError::system(config.display().to_string()))?;
    advise(config, &settings);
    Ok(())
}

fn advise(config: &Path, settings: &Settings) {
    match &settings.tls {
        Tls::Acme(authority) => print::note(format_args!(
            "at its start the relay asks {} for a certificate of {}, and so agrees to its terms; the name must point at this \
             machine, and its port 443 must be open to everybody",
            authority.directory, authority.domain
        )),
        Tls::Off => print::note(format_args!(
            "let nginx or Caddy pass WebSockets on to {}; [proxy] trusted says whose X-Forwarded-For is believed",
            settings.listen
        )),
        Tls::Files { .. } | Tls::SelfSigned => {}
    }
    // The one that is found without being named needs no name.
    let named = if default_config().is_ok_and(|usual| usual == config) {
        String::new()
    } else {
        format!(" --config {}", config.display())
    };
    print::note(format_args!("wrote {}; start with: awslambdaproxy-relay run{named}", config.display()));
}

fn content(args: &InitArgs) -> Result<String, CliError> {
    let listen = args.listen.unwrap_or(match args.behind_proxy {
        true => SocketAddr::from((Ipv4Addr::LOCALHOST, PLAIN_PORT)),
        false => SocketAddr::from((Ipv4Addr::UNSPECIFIED, TLS_PORT)),
    });
    let port = if args.behind_proxy { TLS_PORT } else { listen.port() };
    let url = args
        .host
        .as_ref()
        .map(|host| PublicUrl::secure(host, port).map_err(|error| CliError::Usage(format!("--host {host}: {error}"))));
    let mut file = Table::new();
    file.insert("listen".into(), listen.to_string().into());
    if let Some(url) = url.transpose()? {
        file.insert("public_url".into(), url.to_string().into());
    }
    if args.behind_proxy {
        // What is on this machine may be the proxy; nobody else is believed.
        let trusted = Table::from_iter([("trusted".to_owned(), Value::from(vec!["127.0.0.1", "::1"]))]);
        file.insert("proxy".into(), trusted.into());
    }
    file.insert("tls".into(), tls(args)?.into());
    Ok(file.to_string())
}

fn tls(args: &InitArgs) -> Result<Table, CliError> {
    let mode = match (&args.domain, args.self_signed, args.behind_proxy) {
        (Some(_), ..) => "acme",
        (None, true, _) => "self-signed",
        (None, _, true) => "off",
        (None, false, false) => "files",
    };
    let mut table = Table::from_iter([("mode".to_owned(), Value::from(mode))]);
    if let Some(domain) = &args.domain {
        if certifiable(domain).is_none() {
            return Err(CliError::Usage(format!("--domain {domain}: it {NOT_CERTIFIABLE}")));
        }
        table.insert("domain".to_owned(), domain.clone().into());
    }
    for (name, path) in [("certificate", &args.certificate), ("key", &args.key)] {
        if let Some(path) = path {
            table.insert(name.to_owned(), absolute(path)?.into());
        }
    }
    Ok(table)
}

/// A path as the configuration can keep it, wherever the relay is started from.
fn absolute(path: &Path) -> Result<String, CliError> {
    let absolute: PathBuf = std::path::absolute(path).map_err(CliError::system(path.display().to_string()))?;
    let text = absolute.into_os_string().into_string();
    text.map_err(|path| CliError::Usage(format!("{}: a path in the configuration is UTF-8", path.display())))
}
