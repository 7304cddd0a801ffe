//! Windows: a scheduled task of the user, started when they log on. Its starts and ends are in the Task Scheduler's history.

use std::io::Write;

use super::{Condition, Manager, Service, ServiceError, text, xml};
use crate::tools::{ToolError, Tools};

const NAME: &str = "awslambdaproxy";

pub(super) struct Task;

impl Task {
    pub(super) fn definition(service: &Service, user: &str) -> Result<String, ServiceError> {
        let (program, user) = (xml(&text(&service.program)?), xml(user));
        let arguments: Vec<String> = service.arguments()?.iter().map(|word| xml(&quoted(word))).collect();
        let arguments = arguments.join(" ");
        // The longest list of restarts that it takes is 999, a minute apart at least.
        Ok(format!(
            r#"<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <Triggers>
    <LogonTrigger><UserId>{user}</UserId></LogonTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>{user}</UserId>
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <RestartOnFailure><Interval>PT1M</Interval><Count>999</Count></RestartOnFailure>
  </Settings>
  <Actions Context="Author">
    <Exec><Command>{program}</Command><Arguments>{arguments}</Arguments></Exec>
  </Actions>
</Task>
"#
        ))
    }
}

/// A word of a Windows command line; paths hold no quotation marks there.
fn quoted(word: &str) -> String {
    if word.contains(' ') { format!("\"{word}\"") } else { word.to_owned() }
}

impl Manager for Task {
    fn install(&self, tools: &dyn Tools, service: &Service) -> Result<(), ServiceError> {
        let user = tools.run("whoami", &[])?;
        let definition = Self::definition(service, &user)?;
        // It reads UTF-16 with a mark of its order.
        let bytes: Vec<u8> = std::iter::once(0xfeff).chain(definition.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        let failed = |source| ServiceError::File { what: "write", path: std::env::temp_dir(), source };
        let mut file = tempfile::NamedTempFile::new().map_err(failed)?;
        file.write_all(&bytes).map_err(failed)?;
        let path = file.into_temp_path();
        tools.run("schtasks", &["/Create", "/F", "/TN", NAME, "/XML", &text(&path)?])?;
        Ok(tools.run("schtasks", &["/Run", "/TN", NAME]).map(drop)?)
    }

    fn uninstall(&self, tools: &dyn Tools) -> Result<bool, ServiceError> {
        let _none = tools.run("schtasks", &["/End", "/TN", NAME]);
        match tools.run("schtasks", &["/Delete", "/F", "/TN", NAME]) {
            Ok(_) => Ok(true),
            // That is how it says that there is none.
            Err(ToolError::Failed { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn condition(&self, tools: &dyn Tools) -> Result<Condition, ServiceError> {
        let shown = tools.run("schtasks", &["/Query", "/TN", NAME, "/FO", "LIST"]);
        let is_running =
            shown.as_ref().is_ok_and(|text| text.lines().any(|line| line.starts_with("Status:") && line.ends_with("Running")));
        Ok(Condition { place: format!("task {NAME}"), is_installed: shown.is_ok(), is_running })
    }

    fn log_hint(&self) -> String {
        "the Task Scheduler's history of the task awslambdaproxy".to_owned()
    }
}
