//! The questions of `init`. Each answer comes from a flag, or is asked for until it works.

use std::io::{self, Read};
use std::path::Path;

use anyhow::{Context as _, anyhow};
use secrecy::{ExposeSecret, SecretString};

use super::InitArgs;
use super::asker::Asker;
use crate::app;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cloud::aws::Account;
use crate::config::{AwsCredentials, Config, Flags, Mode, RelayConfig, Sources, load, resolve};
use crate::setup::{Answers, Credentials, PairingCode, disabled_regions, knock, mend_of_code};

/// How often one question is asked.
const TRIES: u32 = 5;
/// Largest secret that is read from a file or a pipe, bytes.
const LARGEST_SECRET: u64 = 4096;
/// The regions that are proposed.
const REGIONS: &str = "us-west-2,us-west-1,us-east-1,us-east-2";
/// The frequency that is written where none is given.
const FREQUENCY: &str = "5m";
/// What one answers to give keys instead of a profile.
const KEYS: &str = "keys";

/// The questions, and what is known of the answers.
pub(super) struct Steps<'a> {
    context: &'a Context,
    arguments: &'a InitArgs,
    asker: Option<Asker>,
}

impl<'a> Steps<'a> {
    pub(super) fn new(context: &'a Context, arguments: &'a InitArgs) -> Self {
        let asker = Asker::at_terminal(context.printer).filter(|_| !arguments.yes);
        Self { context, arguments, asker }
    }

    /// A secret on the command line is in the shell's history, and in the list of processes for everybody.
    pub(super) fn refuse_a_code_for_all_to_read(&self) -> Result<(), Failure> {
        match self.arguments.relay.as_deref() {
            None | Some("-") => Ok(()),
            Some(_) => Err(Failure::new(
                Exit::Usage,
                anyhow!(
                    "--relay takes only `-`: a pairing code is a secret, and a command line can be read by others; write the code to \
                     standard input with `--relay -`, name a file with --relay-file PATH, or give neither and be asked for it"
                ),
            )),
        }
    }

    /// Flags that no answer to a question could make right.
    pub(super) fn refuse_wrong_flags(&self) -> Result<(), Failure> {
        let InitArgs { regions, budget, .. } = self.arguments;
        self.config(None, &Credentials::Chain, regions.as_deref().unwrap_or(REGIONS), budget.clone()).map(drop)
    }

    /// Whether a file that is there may be replaced. Nothing else is asked where it may not.
    pub(super) fn overwrite(&self) -> Result<bool, Failure> {
        let file = &self.context.file;
        if self.arguments.overwrite || !file.exists() {
            return Ok(self.arguments.overwrite);
        }
        let may = match self.asker {
            Some(asker) => asker.yes(&format!("{} exists. Replace it?", file.display()))?,
            None => false,
        };
        if may {
            return Ok(true);
        }
        Err(Failure::new(Exit::Failure, anyhow!("{} exists already and stays as it is; --overwrite replaces it", file.display())))
    }

    /// The relay: reached, with the right certificate, and with a token that it knows.
    pub(super) async fn relay(&self) -> Result<PairingCode, Failure> {
        if let Some(given) = self.given_code()? {
            let code = given.expose_secret().parse().map_err(|error| Failure::new(Exit::Usage, anyhow::Error::from(error)))?;
            self.test_relay(&code).await?;
            return Ok(code);
        }
        let asker = self.asker.ok_or_else(|| missing("the relay's pairing code", "--relay - or --relay-file PATH"))?;
        for _ in 0..TRIES {
            let text = asker.secret("The relay's pairing code, as `awslambdaproxy-relay init` printed it")?;
            match text.expose_secret().parse::<PairingCode>() {
                Err(error) => self.context.printer.talk(&format!("  {error}")),
                Ok(code) => match self.test_relay(&code).await {
                    Ok(()) => return Ok(code),
                    Err(failure) => self.tell(&failure),
                },
            }
        }
        Err(given_up("pairing code"))
    }

    fn given_code(&self) -> Result<Option<SecretString>, Failure> {
        match (&self.arguments.relay, &self.arguments.relay_file) {
            (Some(_), _) => Ok(Some(read_secret(io::stdin().lock(), "standard input")?)),
            (None, Some(path)) => Ok(Some(read_file(path)?)),
            (None, None) => Ok(None),
        }
    }

    async fn test_relay(&self, code: &PairingCode) -> Result<(), Failure> {
        if self.arguments.no_check {
            return Ok(());
        }
        let config = self.config(Some(code), &Credentials::Chain, REGIONS, None)?;
        for relay in app::relays(&config, &[])? {
            let took = knock(&relay).await.map_err(|trouble| {
                let error = anyhow!("relay {}: {}", code.url, trouble.text);
                Failure::new(Exit::Relay, error).with_hint(mend_of_code(&trouble))
            })?;
            let text = format!("  relay {}: reached in {} ms, and it knows the token", code.url, took.as_millis());
            self.context.printer.talk(&text);
        }
        Ok(())
    }

    /// With whose credentials: valid ones.
    pub(super) async fn credentials(&self) -> Result<(Credentials, Option<Account>), Failure> {
        if let Some(credentials) = self.given_credentials()? {
            let account = self.test_credentials(&credentials).await?;
            return Ok((credentials, account));
        }
        let Some(asker) = self.asker else {
            let account = self.test_credentials(&Credentials::Chain).await?;
            return Ok((Credentials::Chain, account));
        };
        for _ in 0..TRIES {
            let question = "AWS profile; empty for what the AWS CLI finds by itself, `keys` to enter an access key";
            let credentials = match asker.line(question, "")?.as_str() {
                "" => Credentials::Chain,
                KEYS => Credentials::Keys {
                    access_key_id: asker.line("Access key id", "")?,
                    secret_access_key: asker.secret("Secret access key")?,
                },
                profile => Credentials::Profile(profile.to_owned()),
            };
            match self.test_credentials(&credentials).await {
                Ok(account) => return Ok((credentials, account)),
                Err(failure) => self.tell(&failure),
            }
        }
        Err(given_up("credentials"))
    }

    fn given_credentials(&self) -> Result<Option<Credentials>, Failure> {
        let keys = self.arguments.access_key_id.clone().zip(self.arguments.secret_key_file.as_deref());
        match (keys, self.context.profile()) {
            (Some(_), Some(_)) => {
                Err(Failure::new(Exit::Usage, anyhow!("--profile and --access-key-id contradict each other; keep one of them")))
            }
            (Some((access_key_id, path)), None) => {
                Ok(Some(Credentials::Keys { access_key_id, secret_access_key: read_file(path)? }))
            }
            (None, Some(profile)) => Ok(Some(Credentials::Profile(profile.to_owned()))),
            (None, None) => Ok(None),
        }
    }

    async fn test_credentials(&self, credentials: &Credentials) -> Result<Option<Account>, Failure> {
        if self.arguments.no_check {
            return Ok(None);
        }
        let config = self.config(None, credentials, REGIONS, None)?;
        let account = Account::open(&config.aws, &resolve(&config.regions)).await?;
        let caller = account.caller().await?;
        self.context.printer.talk(&format!("  AWS account {}, as {}", caller.account, caller.arn));
        Ok(Some(account))
    }

    /// Regions that are enabled, and what has a default.
    pub(super) async fn rest(
        &self,
        relay: PairingCode,
        credentials: Credentials,
        account: Option<&Account>,
    ) -> Result<(Answers, Config), Failure> {
        for _ in 0..TRIES {
            let regions = match (&self.arguments.regions, self.asker) {
                (None, Some(asker)) => asker.line("Regions; names, eu-*, or *, separated by commas", REGIONS)?,
                (given, _) => given.clone().unwrap_or_else(|| REGIONS.to_owned()),
            };
            let budget = match (&self.arguments.budget, self.asker) {
                (None, Some(asker)) => Some(asker.line("What a month may cost at most, US dollars; empty for no limit", "")?),
                (given, _) => given.clone(),
            };
            let budget = budget.filter(|text| !text.is_empty());
            match self.judge(&relay, &credentials, &regions, budget, account).await {
                Ok(config) => return Ok((self.answers(relay, credentials, &regions, &config), config)),
                Err(failure) if self.asker.is_some() && self.arguments.regions.is_none() => self.tell(&failure),
                Err(failure) => return Err(failure),
            }
        }
        Err(given_up("regions"))
    }

    async fn judge(
        &self,
        relay: &PairingCode,
        credentials: &Credentials,
        regions: &str,
        budget: Option<String>,
        account: Option<&Account>,
    ) -> Result<Config, Failure> {
        let config = self.config(Some(relay), credentials, regions, budget)?;
        let Some(account) = account else { return Ok(config) };
        let troubles = disabled_regions(account, &resolve(&config.regions)).await;
        for trouble in &troubles {
            self.context.printer.talk(&format!("  {}: {}\n    hint: {}", trouble.region, trouble.error, trouble.error.hint()));
        }
        match troubles.as_slice() {
            [] => Ok(config),
            some => Err(Failure::new(Exit::Aws, anyhow!("{} of the regions cannot be used", some.len()))),
        }
    }

    /// The configuration as it would be read, by the same rules.
    fn config(
        &self,
        relay: Option<&PairingCode>,
        credentials: &Credentials,
        regions: &str,
        budget: Option<String>,
    ) -> Result<Config, Failure> {
        let flags = Flags::default()
            .set("--regions", "regions", Some(regions.to_owned()))
            .set("--frequency", "frequency", self.arguments.frequency.clone())
            .set("--budget", "budget.monthly_usd", budget);
        // Neither a file nor the environment has a say in what is written.
        let file = self.context.file.with_extension("none");
        let sources = Sources { file, file_required: false, environment: Vec::new(), flags, mode: Mode::Cloud };
        let mut config = load(sources)?.config;
        config.relays.extend(relay.map(relay_config));
        config.aws.credentials = match credentials {
            Credentials::Chain => AwsCredentials::Chain,
            Credentials::Profile(name) => AwsCredentials::Profile(name.clone()),
            Credentials::Keys { access_key_id, secret_access_key } => AwsCredentials::Keys {
                access_key_id: access_key_id.clone(),
                secret_access_key: secret_access_key.clone(),
                session_token: None,
            },
        };
        Ok(config)
    }

    fn answers(&self, relay: PairingCode, credentials: Credentials, regions: &str, config: &Config) -> Answers {
        let regions = regions.split(',').map(|region| region.trim().to_owned()).filter(|region| !region.is_empty()).collect();
        let frequency = match (&self.arguments.frequency, config.frequency.duration()) {
            (None, _) => FREQUENCY.to_owned(),
            (Some(_), Some(every)) => crate::config::duration::show(every),
            (Some(never), None) => never.clone(),
        };
        Answers { relay, credentials, regions, frequency, monthly_usd: config.budget.monthly_usd }
    }

    /// What is wrong with an answer that can be given again.
    fn tell(&self, failure: &Failure) {
        let _asked_again = failure.report(&self.context.printer);
    }
}

fn relay_config(code: &PairingCode) -> RelayConfig {
    RelayConfig { url: code.url.clone(), token: code.token.clone(), pin: code.pin, proxy: None, ca_file: None }
}

fn read_file(path: &Path) -> Result<SecretString, Failure> {
    let file = std::fs::File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(read_secret(file, &path.display().to_string())?)
}

fn read_secret(from: impl Read, name: &str) -> anyhow::Result<SecretString> {
    let mut text = String::new();
    from.take(LARGEST_SECRET).read_to_string(&mut text).with_context(|| format!("{name} cannot be read"))?;
    Ok(text.trim().into())
}

fn missing(what: &str, how: &str) -> Failure {
    Failure::new(Exit::Usage, anyhow!("{what} is missing, and there is no terminal to ask at; give {how}"))
}

fn given_up(what: &str) -> Failure {
    Failure::new(Exit::Failure, anyhow!("no {what} that works after {TRIES} tries; nothing was written"))
}
