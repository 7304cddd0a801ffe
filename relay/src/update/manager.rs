//! Installs that belong to a package manager: it would undo, or trip over, what is changed behind its back.

use std::fmt;
use std::path::Path;

/// Who installed a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manager {
    /// The system's own, such as apt.
    System,
    /// Homebrew.
    Homebrew,
    /// WinGet.
    Winget,
    /// Nix.
    Nix,
    /// `cargo install`.
    Cargo,
}

/// Parts of paths that are a manager's own. The system's are where no installer of ours writes.
const PLACES: [(&str, Manager); 9] = [
    ("/Cellar/", Manager::Homebrew),
    ("/homebrew/", Manager::Homebrew),
    ("/linuxbrew/", Manager::Homebrew),
    ("/nix/store/", Manager::Nix),
    ("/.cargo/bin/", Manager::Cargo),
    ("/WinGet/Packages/", Manager::Winget),
    ("/WinGet/Links/", Manager::Winget),
    ("/usr/bin/", Manager::System),
    ("/usr/sbin/", Manager::System),
];

impl Manager {
    /// Who installed the program at `path`; `None` when it is an install of ours.
    pub fn of(path: &Path) -> Option<Self> {
        let path = path.to_string_lossy().replace('\\', "/");
        let is_in = |place: &str, manager| if manager == Self::System { path.starts_with(place) } else { path.contains(place) };
        PLACES.iter().find(|(place, manager)| is_in(place, *manager)).map(|(_, manager)| *manager)
    }

    /// How it is asked for an update.
    pub const fn command(self) -> &'static str {
        match self {
            Self::System => "the system's package manager, such as apt",
            Self::Homebrew => "brew upgrade awslambdaproxy",
            Self::Winget => "winget upgrade awslambdaproxy",
            Self::Nix => "nix profile upgrade",
            Self::Cargo => "cargo install",
        }
    }
}

impl fmt::Display for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::System => "the system's package manager",
            Self::Homebrew => "Homebrew",
            Self::Winget => "WinGet",
            Self::Nix => "Nix",
            Self::Cargo => "cargo",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_tells_whose_it_is() {
        for (path, manager) in [
            ("/usr/bin/awslambdaproxy", Some(Manager::System)),
            ("/opt/homebrew/bin/awslambdaproxy", Some(Manager::Homebrew)),
            ("/usr/local/Cellar/awslambdaproxy/1.0.0/bin/awslambdaproxy", Some(Manager::Homebrew)),
            (r"C:\Users\me\AppData\Local\Microsoft\WinGet\Packages\x\awslambdaproxy.exe", Some(Manager::Winget)),
            ("/home/me/.cargo/bin/awslambdaproxy", Some(Manager::Cargo)),
            ("/nix/store/abc-awslambdaproxy/bin/awslambdaproxy", Some(Manager::Nix)),
            ("/home/me/.local/bin/awslambdaproxy", None),
            ("/usr/local/bin/awslambdaproxy-relay", None),
            ("/srv/root/usr/bin/awslambdaproxy", None),
        ] {
            assert_eq!(Manager::of(Path::new(path)), manager, "{path}");
        }
    }
}
