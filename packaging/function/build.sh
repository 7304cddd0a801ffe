#!/bin/sh
# Builds the function as Lambda takes it: packaging/function/build.sh [--debug] [x86_64|arm64]…
#
# Makes target/function/ARCHITECTURE.zip, by default for this machine's architecture, where `awslambdaproxy deploy` finds it.
# It links with zig, against the C library of Lambda's provided.al2023, whatever this machine has. With --debug it makes
# target/function/debug/ARCHITECTURE.zip in a fraction of the time, for tests on this machine: Lambda may refuse it.
set -eu
cd "$(dirname "$0")/../.."
export PATH="$HOME/.cargo/bin:$PATH"
package="awslambdaproxy-function"

# The C library of provided.al2023.
glibc="2.34"

# What Rust calls an architecture of Lambda.
target_of() {
    case "$1" in
        x86_64) echo x86_64-unknown-linux-gnu ;;
        arm64) echo aarch64-unknown-linux-gnu ;;
        *) echo "usage: build.sh [--debug] [x86_64|arm64]…" >&2; exit 2 ;;
    esac
}

here() {
    case "$(uname -m)" in aarch64 | arm64) echo arm64 ;; *) echo x86_64 ;; esac
}

# A compiler that has the target's standard library: the toolchain's own, or the one that Debian packages for several
# architectures.
compiler_for() {
    for compiler in rustc /usr/bin/rustc; do
        if library="$("$compiler" --print sysroot 2>/dev/null)/lib/rustlib/$1/lib" && [ -d "$library" ]; then
            command -v "$compiler"
            return
        fi
    done
    echo "no compiler here has the standard library for $1: rustup target add $1," >&2
    echo "or on Debian: dpkg --add-architecture arm64, apt-get install rustc-web libstd-rust-web-dev:arm64" >&2
    exit 1
}

# usage: pack EXECUTABLE DIRECTORY ARCHITECTURE
pack() {
    mkdir -p "$2"
    python3 packaging/function/zip.py "$1" "$2/$3.zip"
    echo "$2/$3.zip"
}

debug() {
    [ "$1" = "$(here)" ] || { echo "--debug builds for this machine's architecture only" >&2; exit 2; }
    # What the workspace's own tests have built serves, if it is asked for as they do: with the features of all that they need.
    cargo build --quiet --workspace --all-features --bin bootstrap --test link
    mkdir -p target/function/debug
    strip -o target/function/debug/bootstrap target/debug/bootstrap
    pack target/function/debug/bootstrap target/function/debug "$1"
}

release() {
    target="$(target_of "$1")"
    RUSTC="$(compiler_for "$target")"
    zig="$(packaging/develop/environment.sh zig-venv packaging/function/zig.txt)"
    RUSTC="$RUSTC" PATH="$zig:$PATH" CARGO_TARGET_DIR=target/function/build \
        cargo-zigbuild zigbuild --quiet --locked --profile function --package "$package" --bin bootstrap --target "$target.$glibc"
    pack "target/function/build/$target/function/bootstrap" target/function "$1"
    packaging/function/check.sh "$1"
}

build=release
if [ "${1:-}" = --debug ]; then
    build=debug
    shift
fi
[ $# -gt 0 ] || set -- "$(here)"
for architecture in "$@"; do
    target_of "$architecture" >/dev/null
done
for architecture in "$@"; do
    "$build" "$architecture"
done
