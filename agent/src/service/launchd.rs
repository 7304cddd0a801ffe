//! macOS: a launchd agent of the user. Its log is a file where the Console looks.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::{Condition, Manager, Service, ServiceError, remove, text, write, xml};
use crate::tools::{ToolError, Tools};

const LABEL: &str = "io.github.awslambdaproxy.awslambdaproxy";
/// Between two looks at launchd, which tells nobody when it is done.
const PAUSE: Duration = Duration::from_millis(100);
/// Looks until a service that was told to end is gone: launchd kills it after 20 s.
const LOOKS: u32 = 250;
/// Tries to start one where another was: launchd refuses while it clears that away, which takes it a few seconds at most.
const TRIES: u32 = 150;

pub(super) struct Launchd {
    definition: PathBuf,
    log: PathBuf,
    pub(super) pause: Duration,
}

impl Launchd {
    pub(super) fn new(home: &Path) -> Self {
        let library = home.join("Library");
        Self {
            definition: library.join("LaunchAgents").join(format!("{LABEL}.plist")),
            log: library.join("Logs/awslambdaproxy.log"),
            pause: PAUSE,
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

    /// Ends the service, and waits until it is gone: `bootout` may return before. Says whether there was one.
    fn end(&self, tools: &dyn Tools, domain: &str) -> Result<bool, ServiceError> {
        let service = format!("{domain}/{LABEL}");
        let is_there = || tools.run("launchctl", &["print", &service]).is_ok();
        if !is_there() {
            return Ok(false);
        }
        // It also says no to one that is about to end.
        let told = tools.run("launchctl", &["bootout", &service]);
        for _ in 0..LOOKS {
            if !is_there() {
                return Ok(true);
            }
            thread::sleep(self.pause);
        }
        told?;
        Err(ServiceError::Lasting(service))
    }

    /// Starts what is defined. After another of that name it may take some tries.
    fn start(&self, tools: &dyn Tools, domain: &str, tries: u32) -> Result<(), ServiceError> {
        let definition = text(&self.definition)?;
        let mut left = tries;
        loop {
            left = left.saturating_sub(1);
            match tools.run("launchctl", &["bootstrap", domain, &definition]) {
                Err(ToolError::Failed { .. }) if left > 0 => thread::sleep(self.pause),
                other => return Ok(other.map(drop)?),
            }
        }
    }
}

impl Manager for Launchd {
    fn install(&self, tools: &dyn Tools, service: &Service) -> Result<(), ServiceError> {
        let domain = Self::domain(tools)?;
        let definition = self.definition(service)?;
        // One that runs must end first.
        let was_there = self.end(tools, &domain)?;
        write(&self.definition, &definition)?;
        self.start(tools, &domain, if was_there { TRIES } else { 1 })
    }

    fn uninstall(&self, tools: &dyn Tools) -> Result<bool, ServiceError> {
        self.end(tools, &Self::domain(tools)?)?;
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
