//! What the program says of the function in it.

use agent::package::Executable;

#[test]
fn the_program_holds_the_marker_of_its_own_version() {
    let program = std::fs::read(env!("CARGO_BIN_EXE_awslambdaproxy")).expect("read");
    let read = Executable::read(&program).expect("a program with the function's marker");
    assert_eq!(read.version, env!("CARGO_PKG_VERSION"));
}
