//! `env` and `exec`: the proxy for programs of a shell, by the variables that they mind.
//!
//! Never: a variable names a way round the proxy, but for this machine itself.

use std::ffi::{OsStr, OsString};
use std::io;
use std::net::SocketAddr;

use anyhow::{Context as _, anyhow};
use clap::{Args, ValueEnum};
use secrecy::ExposeSecret;

use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use crate::config::Credentials;
use crate::proxy::auth::region_username;
use crate::system::become_it;

/// Programs read them in either case.
const PROXIES: [&str; 6] = ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];
const EXCEPTIONS: [&str; 2] = ["no_proxy", "NO_PROXY"];
/// What stays on this machine.
const HERE: &str = "localhost,127.0.0.1,::1";

/// Options of `env`.
#[derive(Debug, Args)]
pub(super) struct EnvArgs {
    /// Print what takes the variables away again
    #[arg(long)]
    unset: bool,
    /// For this shell [default: what SHELL says]
    #[arg(long, value_enum)]
    shell: Option<Shell>,
}

/// How variables are set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shell {
    /// bash, zsh and their relatives
    #[value(name = "sh")]
    Posix,
    /// fish
    Fish,
    /// PowerShell
    #[value(name = "powershell")]
    Power,
}

/// Options of `exec`.
#[derive(Debug, Args)]
pub(super) struct ExecArgs {
    /// Through exits of this region only
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

pub(super) async fn env(context: &Context, arguments: &EnvArgs) -> Result<Exit, Failure> {
    let shell = arguments.shell.unwrap_or_else(Shell::of_user);
    let text: String = if arguments.unset {
        PROXIES.iter().chain(&EXCEPTIONS).map(|name| shell.unset(name)).collect()
    } else {
        let url = url(context.proxy_address().await?, credentials(context)?.as_ref(), None);
        variables(&url).map(|(name, value)| shell.set(name, value)).collect()
    };
    context.printer.data(&text)?;
    Ok(Exit::Ok)
}

pub(super) async fn exec(context: &Context, arguments: ExecArgs) -> Result<Exit, Failure> {
    let status = context.agent()?.status().await?;
    if let Some(region) = &arguments.region {
        let known: Vec<&str> = status.regions.iter().map(|it| it.region.as_str()).collect();
        if !known.contains(&region.as_str()) {
            let text = format!("--region {region}: the agent has no such region, only {}", known.join(", "));
            return Err(Failure::new(Exit::Usage, anyhow!(text)));
        }
    }
    let proxy = context.proxy_of(&status)?;
    let url = url(proxy, credentials(context)?.as_ref(), arguments.region.as_deref());
    let (program, words) = arguments.command.split_first().context("a command is wanted")?;
    let mut command = std::process::Command::new(program);
    command.args(words).envs(variables(&url));
    let ended = become_it(command).map_err(|error| not_run(program, error))?;
    Ok(ended.code().and_then(|code| u8::try_from(code).ok()).map_or(Exit::Failure, Exit::Passed))
}

/// A command that did not begin ends as a shell's would (POSIX, Shell Command Language, 2.8.2).
fn not_run(program: &OsStr, error: io::Error) -> Failure {
    let code = if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 };
    Failure::new(Exit::Passed(code), anyhow!(error).context(format!("cannot run {}", program.display())))
}

/// What the proxy asks of its clients.
fn credentials(context: &Context) -> Result<Option<Credentials>, Failure> {
    Ok(context.load_for_either_mode()?.config.proxy.credentials)
}

/// The proxy's URL. A region goes into the user name, where every program can carry it.
fn url(proxy: SocketAddr, credentials: Option<&Credentials>, region: Option<&str>) -> String {
    let name = credentials.map(|it| it.username.as_str());
    let user = match (name, region) {
        (None, None) => return format!("http://{proxy}"),
        (Some(name), None) => name.to_owned(),
        (name, Some(region)) => region_username(name, region),
    };
    let password = credentials.map_or("", |it| it.password.expose_secret());
    format!("http://{}:{}@{proxy}", percent_encoded(&user), percent_encoded(password))
}

/// RFC 3986 section 2.1; all but the unreserved characters.
fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte.into()),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
        out
    })
}

fn variables(url: &str) -> impl Iterator<Item = (&'static str, &str)> {
    PROXIES.into_iter().map(move |name| (name, url)).chain(EXCEPTIONS.map(|name| (name, HERE)))
}

impl Shell {
    /// The user's.
    fn of_user() -> Self {
        let name = std::env::var("SHELL").unwrap_or_default();
        if name.ends_with("/fish") {
            Self::Fish
        } else if cfg!(windows) && name.is_empty() {
            Self::Power
        } else {
            Self::Posix
        }
    }

    /// Values hold nothing that a shell expands, nor quotation marks: URLs are percent-encoded.
    fn set(self, name: &str, value: &str) -> String {
        match self {
            Self::Posix => format!("export {name}='{value}'\n"),
            Self::Fish => format!("set -gx {name} '{value}'\n"),
            Self::Power => format!("$env:{name} = '{value}'\n"),
        }
    }

    fn unset(self, name: &str) -> String {
        match self {
            Self::Posix => format!("unset {name}\n"),
            Self::Fish => format!("set -e {name}\n"),
            Self::Power => format!("Remove-Item -ErrorAction SilentlyContinue Env:{name}\n"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy() -> SocketAddr {
        "127.0.0.1:8080".parse().expect("address")
    }

    #[test]
    fn the_url_carries_what_the_proxy_asks_for() {
        let credentials = Credentials { username: "me".into(), password: "p@ss 'w:".to_owned().into() };
        assert_eq!(url(proxy(), None, None), "http://127.0.0.1:8080");
        assert_eq!(url(proxy(), None, Some("us-west-2")), "http://region%3Dus-west-2:@127.0.0.1:8080");
        assert_eq!(url(proxy(), Some(&credentials), None), "http://me:p%40ss%20%27w%3A@127.0.0.1:8080");
        assert_eq!(url(proxy(), Some(&credentials), Some("a")), "http://me%2Bregion%3Da:p%40ss%20%27w%3A@127.0.0.1:8080");
    }

    #[test]
    fn every_shell_gets_its_own_words() {
        assert_eq!(Shell::Posix.set("a", "b"), "export a='b'\n");
        assert_eq!(Shell::Fish.set("a", "b"), "set -gx a 'b'\n");
        assert_eq!(Shell::Power.unset("a"), "Remove-Item -ErrorAction SilentlyContinue Env:a\n");
        assert_eq!(variables("x").count(), 8);
    }
}
