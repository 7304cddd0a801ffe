//! macOS: a launchd agent of the user. Its log is a file where the Console looks.

use std::path::{Path, PathBuf};

use super::{Condition, Manager, Service, ServiceError, remove, text, write, xml};
use crate::tools::Tools;

const LABEL: &str = "io.github.awslambdaproxy.awslambdaproxy";

pub(super) struct Launchd {
    definition: PathBuf,
    log: PathBuf,
}

impl Launchd {
    pub(super) fn new(home: &Path) -> Self {
        let library = home.join("Library");
        Self {
            definition: library.join("LaunchAgents").join(format!("{LABEL}.plist")),
            log: library.join("Logs/awslambdaproxy.log"),
        }
    }

    fn definition(&self, service: &Service) -> Result<String, ServiceError> {
        let words = [vec![text(&service.program)?], service.arguments()?].concat();
        let words: String = words.iter().map(|word| format!("    <string>{}</string>\n", xml(word))).collect();
        let log = xml(&text(&self.log)?);
        // KeepAlive: again after a crash, not after an end that was asked for.
        Ok(format!(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>{LABEL}</string>
  <key>ProgramArguments</key>
  <array>
{words}  </array>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>ThrottleInterval</key>
  <integer>10</integer>
  <key>Umask</key>
  <integer>63</integer>
  <key>StandardOutPath</key>
  <string>{log}</string>
  <key>StandardErrorPath</key>
  <string>{log}</string>
</dict>
</plist>
"#
        ))
    }

    /// launchd's name for the services of the user's session.
    fn domain(tools: &dyn Tools) -> Result<String, ServiceError> {
        Ok(format!("gui/{}", tools.run("id", &["-u"])?))
    }
}

impl Manager for Launchd {
    fn install(&self, tools: &dyn Tools, service: &Service) -> Result<(), ServiceError> {
        let domain = Self::domain(tools)?;
        // One that runs must end first; that there is none is no failure.
        let _none = tools.run("launchctl", &["bootout", &format!("{domain}/{LABEL}")]);
        write(&self.definition, &self.definition(service)?)?;
        Ok(tools.run("launchctl", &["bootstrap", &domain, &text(&self.definition)?]).map(drop)?)
    }

    fn uninstall(&self, tools: &dyn Tools) -> Result<bool, ServiceError> {
        let domain = Self::domain(tools)?;
        let _none = tools.run("launchctl", &["bootout", &format!("{domain}/{LABEL}")]);
        remove(&self.definition)
    }

    fn condition(&self, tools: &dyn Tools) -> Result<Condition, ServiceError> {
        let shown = tools.run("launchctl", &["print", &format!("{}/{LABEL}", Self::domain(tools)?)]);
        let is_running = shown.is_ok_and(|text| text.contains("state = running"));
        let place = self.definition.display().to_string();
        Ok(Condition { place, is_installed: self.definition.exists(), is_running })
    }

    fn log_hint(&self) -> String {
        format!("tail -f '{}'", self.log.display())
    }
}
