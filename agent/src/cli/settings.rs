//! The settings that `run` and `deploy` take as flags.

use clap::Args;

use crate::config::Flags;

/// Flags that set keys of the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub(super) struct SettingArgs {
    /// Regions: names, eu-*, or * for all without opt-in; separated by commas
    #[arg(short, long, value_name = "REGIONS")]
    pub(super) regions: Vec<String>,
    /// A new exit per region this often: 5m, seconds, or never
    #[arg(short, long, value_name = "DURATION")]
    pub(super) frequency: Option<String>,
    /// The function's memory, MB
    #[arg(short, long, value_name = "MB")]
    pub(super) memory: Option<String>,
    /// Where the proxy listens; separated by commas
    #[arg(short, long, value_name = "ADDRESS")]
    pub(super) listen: Vec<String>,
    /// Hosts that go direct, before every rule of the file; separated by commas
    #[arg(short, long, value_name = "HOSTS", value_delimiter = ',')]
    pub(super) bypass: Vec<String>,
}

impl SettingArgs {
    /// The same as a layer of the configuration.
    pub(super) fn flags(&self) -> Flags {
        let list = |values: &[String]| (!values.is_empty()).then(|| values.join(","));
        Flags::default()
            .set("--regions", "regions", list(&self.regions))
            .set("--frequency", "frequency", self.frequency.clone())
            .set("--memory", "aws.memory_mb", self.memory.clone())
            .set("--listen", "proxy.listen", list(&self.listen))
            .bypass(&self.bypass)
    }
}
