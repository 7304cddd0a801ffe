//! Asks at the terminal.

use std::io::{self, BufRead, IsTerminal, Read};

use secrecy::SecretString;

use crate::cli::printer::Printer;

/// Longest answer, bytes: a list of all regions has some hundreds.
const LONGEST: u64 = 4096;

/// A person at a terminal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asker(Printer);

impl Asker {
    /// Where somebody can be asked.
    pub(super) fn at_terminal(printer: Printer) -> Option<Self> {
        io::stdin().is_terminal().then_some(Self(printer))
    }

    /// One line; an empty one stands for `default`.
    pub(super) fn line(self, question: &str, default: &str) -> io::Result<String> {
        let shown = if default.is_empty() { String::new() } else { format!(" [{default}]") };
        self.0.ask(&format!("{question}{shown}: "))?;
        let mut line = String::new();
        if io::stdin().lock().take(LONGEST).read_line(&mut line)? == 0 {
            return Err(unanswered());
        }
        let line = line.trim();
        Ok(if line.is_empty() { default.to_owned() } else { line.to_owned() })
    }

    /// Yes or no; an empty line means no.
    pub(super) fn yes(self, question: &str) -> io::Result<bool> {
        Ok(matches!(self.line(&format!("{question} (yes/no)"), "no")?.to_lowercase().as_str(), "y" | "yes"))
    }

    /// One line that is not echoed.
    pub(super) fn secret(self, question: &str) -> io::Result<SecretString> {
        match rpassword::prompt_password(format!("{question} (not shown): ")) {
            Ok(secret) => Ok(secret.into()),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(unanswered()),
            Err(error) => Err(error),
        }
    }
}

/// Who ends the input (Ctrl-D) does not want to go on.
fn unanswered() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "no answer was given; nothing was written")
}
