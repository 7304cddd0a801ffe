//! Windows: a scheduled task of the user, started when they log on. Its starts and ends are in the Task Scheduler's history.

use std::io::Write;

use super::{Condition, Manager, Service, ServiceError, text, xml};
use crate::tools::{ToolError, Tools};

const NAME: &str = "awslambdaproxy";
/// What `schtasks` ends with, asked for an HRESULT, where there is no such task: `ERROR_FILE_NOT_FOUND`. Its words are translated.
const NONE: u32 = 0x8007_0002;
/// The last result of a task that runs: `SCHED_S_TASK_RUNNING`.
const RUNNING: &str = "267009";
/// Where the last result stands in the list of all that is known of a task, whose heads are translated, too.
const LAST_RESULT: usize = 6;

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

    /// All that is known of the task, as a line of values in quotation marks; nothing where there is none.
    fn shown(tools: &dyn Tools) -> Result<Option<String>, ToolError> {
        match tools.run("schtasks", &["/Query", "/HRESULT", "/TN", NAME, "/V", "/FO", "CSV", "/NH"]) {
            Ok(line) => Ok(Some(line)),
            Err(ToolError::Failed { code: Some(code), .. }) if code.cast_unsigned() == NONE => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Ends the task if it runs; says whether there is one.
    fn end(tools: &dyn Tools) -> Result<bool, ToolError> {
        let shown = Self::shown(tools)?;
        if shown.as_deref().is_some_and(is_running) {
            tools.run("schtasks", &["/End", "/TN", NAME])?;
        }
        Ok(shown.is_some())
    }
}

fn is_running(shown: &str) -> bool {
    shown.lines().any(|line| line.split("\",\"").nth(LAST_RESULT) == Some(RUNNING))
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
        // While it runs it is not run again, and the one that runs knows nothing of what is changed here.
        Self::end(tools)?;
        tools.run("schtasks", &["/Create", "/F", "/TN", NAME, "/XML", &text(&path)?])?;
        Ok(tools.run("schtasks", &["/Run", "/TN", NAME]).map(drop)?)
    }

    fn uninstall(&self, tools: &dyn Tools) -> Result<bool, ServiceError> {
        let is_there = Self::end(tools)?;
        if is_there {
            tools.run("schtasks", &["/Delete", "/F", "/TN", NAME])?;
        }
        Ok(is_there)
    }

    fn condition(&self, tools: &dyn Tools) -> Result<Condition, ServiceError> {
        let shown = Self::shown(tools)?;
        let is_running = shown.as_deref().is_some_and(is_running);
        Ok(Condition { place: format!("task {NAME}"), is_installed: shown.is_some(), is_running })
    }

    fn log_hint(&self) -> String {
        "the Task Scheduler's history of the task awslambdaproxy".to_owned()
    }
}
