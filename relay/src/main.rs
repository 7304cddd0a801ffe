//! `awslambdaproxy-relay`: a thin program around the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    relay::cli::main()
}
