//! `awslambdaproxy-relay`: a thin program around the library.

use std::process::ExitCode;

/// Gives memory back to the system that a busy hour took: of the C library's allocator an idle leg that was busy once keeps
/// twice as much.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    relay::cli::main()
}
