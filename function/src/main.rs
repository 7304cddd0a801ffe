//! The function's program, named as Lambda's custom runtimes expect.

use std::process::ExitCode;

fn main() -> ExitCode {
    function::main()
}
