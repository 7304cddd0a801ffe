//! The desktop's own proxy setting: set when asked, and put back as it was.
//!
//! ```text
//!   gnome, kde, macos, windows   what a desktop calls its settings, and the program that reads and writes them
//!   journal                      what was there before, on disk before anything is changed
//!   setting                      on, off, status: the order in which it is done
//! ```
//!
//! Never: a setting that somebody else has changed meanwhile is not touched.

mod gnome;
mod journal;
mod kde;
mod macos;
mod setting;
#[cfg(test)]
mod tests;
mod windows;

use std::net::SocketAddr;

use crate::tools::{ToolError, Tools};
pub use journal::JournalError;
pub use setting::{Asked, DesktopError, Restored, State, SystemProxy};

/// How a desktop keeps its proxy: named settings, each a text of the desktop's own.
trait Desktop {
    /// What the settings shall say. What switches the proxy on comes last.
    fn wanted(&self, tools: &dyn Tools, proxy: SocketAddr) -> Result<Vec<(String, String)>, ToolError>;
    /// What a setting says; `None` when it says nothing of its own.
    fn read(&self, tools: &dyn Tools, setting: &str) -> Result<Option<String>, ToolError>;
    /// Sets it; `None` takes back what it says of its own.
    fn write(&self, tools: &dyn Tools, setting: &str, value: Option<&str>) -> Result<(), ToolError>;
    /// Tells programs that run already, where that takes a word of its own.
    fn announce(&self, tools: &dyn Tools) -> Result<(), ToolError> {
        let _ = tools;
        Ok(())
    }
}

/// The desktops that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Gnome,
    Kde,
    MacOs,
    Windows,
}

impl Kind {
    /// The desktop of this session, by what it says of itself in `XDG_CURRENT_DESKTOP` (a list by colons).
    fn of_session(desktop: Option<&str>) -> Option<Self> {
        if cfg!(target_os = "macos") {
            return Some(Self::MacOs);
        }
        if cfg!(windows) {
            return Some(Self::Windows);
        }
        desktop?.split(':').find_map(|name| match name.to_ascii_lowercase().as_str() {
            "kde" => Some(Self::Kde),
            // These keep it where GNOME does. Xfce and LXQt have no such setting, and browsers read GNOME's nowhere else.
            "gnome" | "unity" | "cinnamon" | "x-cinnamon" | "budgie" | "pantheon" | "mate" => Some(Self::Gnome),
            _ => None,
        })
    }

    fn desktop(self) -> &'static dyn Desktop {
        match self {
            Self::Gnome => &gnome::Gnome,
            Self::Kde => &kde::Kde,
            Self::MacOs => &macos::MacOs,
            Self::Windows => &windows::Windows,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Gnome => "GNOME",
            Self::Kde => "KDE",
            Self::MacOs => "macOS",
            Self::Windows => "Windows",
        }
    }
}
