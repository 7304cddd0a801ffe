#!/bin/sh
# Installs what building and testing need on Debian or Ubuntu: a C compiler for the crypto library, and the real
# servers and clients that the tests use. Elsewhere it says what is missing. Safe to run again.
set -eu

want="$1"

missing() {
    for tool in $1; do
        command -v "$tool" >/dev/null 2>&1 || PATH="$PATH:/usr/sbin:/sbin" command -v "$tool" >/dev/null 2>&1 || echo "$tool"
    done
}

case "$want" in
    build) tools="cc" packages="gcc libc6-dev" ;;
    test) tools="cc curl nginx openssl" packages="gcc libc6-dev curl nginx-light openssl" ;;
    *) echo "usage: prepare.sh build|test" >&2; exit 2 ;;
esac

if [ -n "$(missing "$tools")" ]; then
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "please install: $(missing "$tools" | tr '\n' ' ')" >&2
        exit 1
    fi
    as_root=""
    [ "$(id -u)" = 0 ] || as_root="sudo"
    $as_root apt-get update -qq
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null
fi

if ! command -v cargo >/dev/null 2>&1 && [ ! -x "$HOME/.cargo/bin/cargo" ]; then
    echo "installing the Rust toolchain" >&2
    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y --profile minimal
fi
