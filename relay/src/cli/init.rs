//! `init`: writes the configuration, makes the certificate if it is ours to make, and adds the first agent.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::args::InitArgs;
use super::exit::CliError;
use super::{agent, print, run};
use crate::agents::AgentsFile;
use crate::config::{PublicUrl, Settings, default_config};
use crate::system::write_private;
use crate::tls::Certified;

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
    let text = content(config, args)?;
    let settings = Settings::parse(config, &text)?;
    run::certified(&settings)?.map(Certified::server_config).transpose()?;
    let directory = config.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory).map_err(CliError::system(directory.display().to_string()))?;
    let agents = AgentsFile::in_directory(&settings.state_dir);
    agent::add(&settings, &agents, &args.agent)?;
    // Last, so that an init that failed can be repeated once its cause is gone.
    write_private(config, text.as_bytes()).map_err(CliError::system(config.display().to_string()))?;
    print::note(format_args!("wrote {}; start with: awslambdaproxy-relay run", config.display()));
    Ok(())
}

fn content(config: &Path, args: &InitArgs) -> Result<String, CliError> {
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
    if let Some(state) = state_beside(config) {
        file.insert("state_dir".into(), state.into());
    }
    file.insert("tls".into(), tls(args)?.into());
    Ok(file.to_string())
}

/// A configuration in a place of its own keeps its state beside it, so that two relays of one user do not share agents.
fn state_beside(config: &Path) -> Option<String> {
    let usual = default_config().is_ok_and(|usual| usual == config);
    let name = config.file_stem()?.to_string_lossy();
    (!usual).then(|| format!("{name}-state"))
}

fn tls(args: &InitArgs) -> Result<Table, CliError> {
    let mode = match (args.self_signed, args.behind_proxy) {
        (true, _) => "self-signed",
        (_, true) => "off",
        _ => "files",
    };
    let mut table = Table::from_iter([("mode".to_owned(), Value::from(mode))]);
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
