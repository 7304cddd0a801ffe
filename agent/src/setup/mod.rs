//! The first configuration: what `init` asks for, each answer tested as it is given, and the file that comes of it.
//!
//! ```text
//!   pairing_code  the relay's line        relay, account  does it work?
//!   answers       what was chosen ─▶ file: a commented config.toml, written at once or not at all
//! ```
//! Never: no secret is shown, and none is asked for where it would be echoed.

mod account;
mod answers;
mod file;
mod pairing_code;
mod relay;

pub use account::{RegionTrouble, disabled_regions};
pub use answers::{Answers, Credentials};
pub use file::{WriteError, write};
pub use pairing_code::{BadPairingCode, PairingCode};
pub use relay::{knock, mend_of_code};
