//! The agent's program: a thin shell around the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Another crate may have chosen a provider first; then that one serves as well.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    agent::cli::start()
}
