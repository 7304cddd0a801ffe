//! Installing, updating and removing, from a release server on loopback that speaks GitHub's API, with releases that the tests
//! sign themselves; and what the programs set in the system: services and the desktop's proxy.
//!
//! The release key of debug builds is the one in `packaging/develop`.

mod archives;
mod completions;
mod deb;
mod desktop;
mod proxied;
mod release;
mod roots;
mod script;
mod script_relay;
mod scripts;
mod secure;
mod server;
mod service;
#[path = "../support/mod.rs"]
mod support;
mod update;
mod variables;
