//! Linux: a systemd unit of the user. Its log goes to the journal.

use std::path::{Path, PathBuf};

use super::{Condition, Manager, Service, ServiceError, remove, text, write};
use crate::tools::{ToolError, Tools};

const UNIT: &str = "awslambdaproxy.service";

pub(super) struct Systemd {
    unit: PathBuf,
}

impl Systemd {
    pub(super) fn new(config: &Path) -> Self {
        Self { unit: config.join("systemd/user").join(UNIT) }
    }

    fn definition(service: &Service) -> Result<String, ServiceError> {
        let program = quoted(&text(&service.program)?);
        let arguments = service.arguments()?.into_iter().map(|word| quoted(&word).replace('$', "$$"));
        let line = std::iter::once(program).chain(arguments).collect::<Vec<_>>().join(" ");
        // 2, 3: a wrong command line or configuration does not mend itself.
        Ok(format!(
            "[Unit]\n\
             Description=awslambdaproxy: a proxy whose requests leave from AWS Lambda\n\
             StartLimitIntervalSec=300\n\
             StartLimitBurst=10\n\
             \n\
             [Service]\n\
             ExecStart={line}\n\
             Restart=on-failure\n\
             RestartSec=5\n\
             RestartPreventExitStatus=2 3\n\
             NoNewPrivileges=yes\n\
             UMask=0077\n\
             \n\
             [Install]\n\
             WantedBy=default.target\n"
        ))
    }
}

fn start(tools: &dyn Tools) -> Result<(), ToolError> {
    tools.run("systemctl", &["--user", "daemon-reload"])?;
    tools.run("systemctl", &["--user", "enable", "--quiet", UNIT])?;
    tools.run("systemctl", &["--user", "restart", UNIT]).map(drop)
}

/// A word of a unit's command line (systemd.service(5), systemd.unit(5)): quoted, and with nothing left to expand but `$`, which
/// is a variable's in all but the program's own path.
fn quoted(word: &str) -> String {
    let escaped = word.replace('\\', r"\\").replace('"', "\\\"").replace('%', "%%");
    format!("\"{escaped}\"")
}

impl Manager for Systemd {
    fn install(&self, tools: &dyn Tools, service: &Service) -> Result<(), ServiceError> {
        let was_there = self.unit.exists();
        write(&self.unit, &Self::definition(service)?)?;
        let started = start(tools);
        if started.is_err() && !was_there {
            // Where no systemd of the user runs, nothing of ours stays.
            remove(&self.unit)?;
        }
        Ok(started?)
    }

    fn uninstall(&self, tools: &dyn Tools) -> Result<bool, ServiceError> {
        if !self.unit.exists() {
            return Ok(false);
        }
        tools.run("systemctl", &["--user", "disable", "--now", "--quiet", UNIT])?;
        let was_there = remove(&self.unit)?;
        tools.run("systemctl", &["--user", "daemon-reload"])?;
        Ok(was_there)
    }

    fn condition(&self, tools: &dyn Tools) -> Result<Condition, ServiceError> {
        let is_installed = self.unit.exists();
        // It fails where the unit does not run, and where no systemd does.
        let is_running = is_installed && tools.run("systemctl", &["--user", "is-active", "--quiet", UNIT]).is_ok();
        Ok(Condition { place: self.unit.display().to_string(), is_installed, is_running })
    }

    fn log_hint(&self) -> String {
        format!("journalctl --user -u {UNIT}")
    }
}
