#!/bin/sh
# Everything from a fresh machine to passed tests: `packaging/develop/test.sh`.
set -eu
cd "$(dirname "$0")/../.."
packaging/develop/prepare.sh test
export PATH="$HOME/.cargo/bin:$PATH:/usr/sbin:/sbin"
cargo test --workspace --all-features "$@"
