//! Takes the function's zips into the executable, when the build is told where they are.
//!
//! `AWSLAMBDAPROXY_FUNCTION_ZIPS` names a directory with `arm64.zip` and `x86_64.zip`, as `packaging/function/build.sh` makes
//! them. Without it the build works, and `deploy` needs `--function-zip` or what that script made.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

const ZIPS: &str = "AWSLAMBDAPROXY_FUNCTION_ZIPS";

fn main() -> Result<(), String> {
    println!("cargo::rerun-if-env-changed={ZIPS}");
    println!("cargo::rerun-if-changed=build.rs");
    let zips = env::var_os(ZIPS).filter(|value| !value.is_empty()).map(PathBuf::from);
    if zips.is_none() && env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        println!("cargo::warning=this build carries no function for `deploy`: {ZIPS} is not set");
    }
    let mut source = String::new();
    for (name, file) in [("ARM64", "arm64.zip"), ("X86_64", "x86_64.zip")] {
        let value = zips.as_deref().map_or(Ok("None".to_owned()), |directory| included(directory, file))?;
        let _infallible = writeln!(source, "pub(super) const {name}: Option<&[u8]> = {value};");
    }
    let out = env::var_os("OUT_DIR").ok_or("no OUT_DIR")?;
    fs::write(Path::new(&out).join("function_zips.rs"), source).map_err(|error| error.to_string())
}

fn included(directory: &Path, file: &str) -> Result<String, String> {
    let path = directory.join(file);
    let path = fs::canonicalize(&path).map_err(|error| format!("{ZIPS}: {}: {error}", path.display()))?;
    println!("cargo::rerun-if-changed={}", path.display());
    Ok(format!("Some(include_bytes!({path:?}))"))
}
