#!/bin/sh
# Compiles both programs as a release has them: `compile.sh TARGET`.
set -eu
cd "$(dirname "$0")/../.."
target="$1"
set -- --release --locked --target "$target" --package awslambdaproxy --package awslambdaproxy-relay

# Microsoft's compiler has programs load a library that a fresh Windows does not have, VCRUNTIME140.dll, unless it goes into them.
# cargo takes flags from one of three places, this one before that; those that are set there stay.
static="target-feature=+crt-static"
case "$target" in
    *-windows-msvc)
        if [ -n "${CARGO_ENCODED_RUSTFLAGS+set}" ]; then
            between="$(printf '\037')"
            CARGO_ENCODED_RUSTFLAGS="${CARGO_ENCODED_RUSTFLAGS:+$CARGO_ENCODED_RUSTFLAGS$between}-C$between$static"
        elif [ -n "${RUSTFLAGS+set}" ]; then
            RUSTFLAGS="$RUSTFLAGS -C $static"
        else
            set -- "$@" --config "target.$target.rustflags=['-C', '$static']"
        fi
        ;;
esac
cargo build "$@"
