//! The only file that prints: stdout is data for scripts, stderr is talk for people.
//!
//! Never: nothing here panics on a closed pipe, as `println!` does.

use std::io::{self, IsTerminal, Write};
use std::num::NonZeroU16;

use terminal_size::terminal_size_of;

use super::exit::Exit;
use super::screen::fit;

/// Cursor home, clear the screen (ECMA-48 CUP and ED).
const CLEAR: &str = "\x1b[H\x1b[2J";

/// Prints.
#[derive(Debug, Clone, Copy)]
pub(super) struct Printer;

impl Printer {
    /// Data, as it is.
    pub(super) fn data(self, text: &str) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes())?;
        stdout.flush()
    }

    /// Data in place of what was drawn before, as far as there is room, where that is a screen.
    pub(super) fn redraw(self, text: &str) -> io::Result<()> {
        if !io::stdout().is_terminal() {
            return self.data(text);
        }
        self.data(CLEAR)?;
        let size = terminal_size_of(io::stdout());
        match size.and_then(|(columns, rows)| Some((rows.0, NonZeroU16::new(columns.0)?))) {
            Some((rows, columns)) => self.data(&fit(text, rows, columns)),
            None => self.data(text),
        }
    }

    /// A line of talk. There is nobody to tell when it cannot be written.
    pub(super) fn talk(self, text: &str) {
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    /// A question, to be answered on the same line.
    pub(super) fn ask(self, text: &str) -> io::Result<()> {
        let mut stderr = io::stderr().lock();
        stderr.write_all(text.as_bytes())?;
        stderr.flush()
    }

    /// What clap has to say: help and version are data, the rest is talk. It minds `NO_COLOR`.
    pub(super) fn usage(self, error: &clap::Error) -> Exit {
        let _ = error.print();
        if error.exit_code() == 0 { Exit::Ok } else { Exit::Usage }
    }
}
