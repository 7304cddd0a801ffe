//! What was chosen, and the commented file that says so.

use std::fmt::Write as _;

use secrecy::{ExposeSecret, SecretString};
use toml::Value;

use super::pairing_code::PairingCode;

/// With whose credentials AWS is asked.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// What the AWS CLI and the SDKs find by themselves.
    Chain,
    /// A profile of theirs.
    Profile(String),
    /// Keys, kept in the file.
    Keys {
        /// The key's name.
        access_key_id: String,
        /// The key.
        secret_access_key: SecretString,
    },
}

/// Everything that was chosen.
#[derive(Debug, Clone)]
pub struct Answers {
    /// The relay.
    pub relay: PairingCode,
    /// The credentials.
    pub credentials: Credentials,
    /// The regions, or patterns.
    pub regions: Vec<String>,
    /// How often each region gets a new exit.
    pub frequency: String,
    /// What a month may cost, USD.
    pub monthly_usd: Option<f64>,
}

impl Answers {
    /// The file's text. It holds secrets.
    pub fn to_toml(&self) -> String {
        let mut text = String::from(HEAD);
        let regions: Vec<String> = self.regions.iter().map(|region| quoted(region)).collect();
        let _ = writeln!(text, "regions   = [{}]", regions.join(", "));
        let _ = writeln!(
            text,
            "frequency = {}   # a new exit per region; \"never\" keeps one as long as it lives\n",
            quoted(&self.frequency)
        );
        text.push_str(&self.relay());
        text.push_str(&self.aws());
        let limit = self.monthly_usd.map_or_else(|| "# monthly_usd = 5.0".to_owned(), |usd| format!("monthly_usd = {usd:?}"));
        let _ = writeln!(
            text,
            "[budget]
{limit}   # beyond it nothing is invoked until the next month"
        );
        text.push_str(TAIL);
        text
    }

    fn relay(&self) -> String {
        let PairingCode { name, token, url, pin } = &self.relay;
        let mut text = format!("[relay]   # this agent's name there is {name}\n");
        let _ = writeln!(text, "url   = {}", quoted(&url.to_string()));
        let _ = writeln!(text, "token = {}   # a secret", quoted(token.expose_secret()));
        if let Some(pin) = pin {
            let _ = writeln!(text, "certificate_sha256 = {}", quoted(&hex::encode(pin)));
        }
        text.push('\n');
        text
    }

    fn aws(&self) -> String {
        let chosen = match &self.credentials {
            Credentials::Chain => {
                "# profile = \"default\"   # else what the AWS CLI finds: environment, sign-in, default profile\n".to_owned()
            }
            Credentials::Profile(name) => format!("profile = {}\n", quoted(name)),
            Credentials::Keys { access_key_id, secret_access_key } => {
                let (id, key) = (quoted(access_key_id), quoted(secret_access_key.expose_secret()));
                format!("access_key_id     = {id}\nsecret_access_key = {key}   # a secret\n")
            }
        };
        format!("[aws]\n{chosen}# memory_mb = 128\n# architecture = \"arm64\"   # or \"x86_64\"\n\n")
    }
}

const HEAD: &str = "\
# The configuration of awslambdaproxy. `awslambdaproxy config check` checks it, `config show` tells what is in force.
# It holds secrets: keep its mode 0600.

";

const TAIL: &str = "
[proxy]
listen = \"127.0.0.1:8080\"   # HTTP and SOCKS5 on the same port

[exits]
idle = \"15m\"   # when nobody uses the proxy all exits end, and nothing is charged; \"never\" keeps them
";

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
