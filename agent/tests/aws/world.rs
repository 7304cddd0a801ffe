//! What most tests here begin with: an account, a relay, a site, and a desktop whose owner has the account's keys.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::desktop::{Desktop, Ended};
use super::front::{Account, Keys};
use super::nginx::Nginx;
use super::program::{Program, Relay};

/// The regions of a configuration that names none.
pub const FOUR: [&str; 4] = ["us-west-2", "us-west-1", "us-east-1", "us-east-2"];

/// The processor of this machine, as Lambda calls it.
pub const ARCHITECTURE: &str = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };

/// The function's zip, made by the script that makes it for people.
pub static ZIP: LazyLock<PathBuf> = LazyLock::new(|| {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let script = root.join("packaging/function/build.sh");
    let built = Command::new(script).args(["--debug", ARCHITECTURE]).stdout(Stdio::null()).stderr(Stdio::inherit()).status();
    assert!(built.expect("build.sh runs").success());
    root.join(format!("target/function/debug/{ARCHITECTURE}.zip"))
});

/// An account and what a desktop needs beside it. Fields end in this order.
pub struct World {
    pub account: Account,
    pub relay: Relay,
    pub site: Nginx,
}

impl World {
    pub fn new(laws: Value) -> Self {
        Self { account: Account::open(laws), relay: Relay::start(), site: Nginx::start() }
    }

    /// A configuration of these regions, with more lines of `[aws]` at its end, and whatever tables follow.
    pub fn configuration(&self, regions: &[&str], more: &str) -> String {
        let (address, token, site) = (self.relay.address, &self.relay.token, self.site.http);
        format!(
            "regions = {}\nfrequency = \"never\"\n[proxy]\nlisten = \"127.0.0.1:0\"\n[egress]\nallow = [\"127.0.0.0/8\"]\n\
             [relay]\nurl = \"ws://{address}\"\ntoken = \"{token}\"\n\
             [exits]\ncheck_url = \"http://127.0.0.1:{site}/address\"\n[aws]\narchitecture = \"{ARCHITECTURE}\"\n{more}\n",
            json!(regions)
        )
    }

    /// A desktop whose owner is the account's administrator.
    pub fn desktop(&self, configuration: &str) -> Desktop {
        Desktop::new(configuration).with(self.account.administrator.environment())
    }

    /// A desktop of the owner of these keys.
    pub fn desktop_of(&self, keys: &Keys, configuration: &str) -> Desktop {
        Desktop::new(configuration).with(keys.environment())
    }

    /// The address that the site sees through a proxy.
    pub fn address_through(&self, agent: &Program) -> String {
        super::tools::curl_text(&["-x", &agent.url(), &format!("http://127.0.0.1:{}/address", self.site.http)])
    }
}

/// `deploy`, with the zip of this build.
pub fn deploy(desktop: &Desktop, more: &[&str]) -> Ended {
    desktop.run(&[&["deploy", "--function-zip", &ZIP.display().to_string()], more].concat())
}

/// `deploy` that must succeed.
pub fn deployed(desktop: &Desktop) -> Ended {
    let ended = deploy(desktop, &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended
}

/// An account that holds nothing of ours.
pub fn nothing() -> Value {
    json!({"roles": {}, "policies": [], "functions": {}, "log_groups": {}})
}
