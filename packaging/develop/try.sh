#!/bin/sh
# Everything from a fresh machine to a running proxy, without any account: `packaging/develop/try.sh`.
# What follows is passed on to `awslambdaproxy run --local`.
set -eu
cd "$(dirname "$0")/../.."
packaging/develop/prepare.sh build
export PATH="$HOME/.cargo/bin:$PATH"
exec cargo run --release --quiet -- run --local "$@"
