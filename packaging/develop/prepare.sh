#!/bin/sh
# Installs what building and testing need on Debian or Ubuntu: a C compiler for the crypto library, and the real
# servers and clients that the tests use; or what the builds for arm64 and Windows need. Elsewhere it says what is
# missing. Safe to run again.
set -eu

want="$1"

# The tools that are not there; a python that cannot make environments does not count.
missing() {
    for tool in $1; do
        [ -d "$tool" ] || command -v "$tool" >/dev/null 2>&1 || PATH="$PATH:/usr/sbin:/sbin" command -v "$tool" >/dev/null 2>&1 ||
            echo "$tool"
    done
    case " $1 " in *" python3 "*) python3 -c "import ensurepip, venv" 2>/dev/null || echo "python3-venv" ;; esac
}

case "$want" in
    build) tools="cc curl" packages="gcc libc6-dev curl ca-certificates" ;;
    test)
        tools="cc curl nginx caddy squid pebble pebble-challtestsrv systemd-analyze openssl git chromium ps python3 shellcheck
            busybox dash zsh fish gsettings strip unshare ip npm wget"
        packages="gcc libc6-dev curl ca-certificates nginx-light caddy squid pebble systemd openssl git chromium procps python3
            python3-venv shellcheck busybox dash zsh fish libglib2.0-bin gsettings-desktop-schemas binutils util-linux
            openssh-client adduser iproute2 npm wget"
        ;;
    arm64)
        # Debian's compiler, which has a standard library for arm64, and what runs such programs here.
        tools="qemu-aarch64 /usr/lib/rustlib/aarch64-unknown-linux-gnu/lib"
        packages="rustc-web libstd-rust-web-dev:arm64 libc6:arm64 qemu-user"
        ;;
    windows)
        # A compiler and linker for Windows, the source of Rust's standard library, and what runs such programs here.
        tools="x86_64-w64-mingw32-gcc nasm curl python3 /usr/lib/wine/wine64 /usr/lib/rustlib/src/rust/library"
        packages="gcc-mingw-w64-x86-64 nasm curl python3 wine64 rustc-web rust-web-src"
        ;;
    *) echo "usage: prepare.sh build|test|arm64|windows" >&2; exit 2 ;;
esac

if [ -n "$(missing "$tools")" ]; then
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "please install: $(missing "$tools" | tr '\n' ' ')" >&2
        exit 1
    fi
    as_root=""
    [ "$(id -u)" = 0 ] || as_root="sudo"
    [ "$want" != arm64 ] || $as_root dpkg --add-architecture arm64
    # Without the option it says nothing of an index that it could not fetch.
    $as_root apt-get update -qq -o APT::Update::Error-Mode=any -o Acquire::Retries=5
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends -o Acquire::Retries=5 $packages >/dev/null
fi

if ! command -v cargo >/dev/null 2>&1 && [ ! -x "$HOME/.cargo/bin/cargo" ]; then
    echo "installing the Rust toolchain" >&2
    installer="$(mktemp)"
    curl --proto '=https' --tlsv1.2 -sSf --retry 5 -o "$installer" https://sh.rustup.rs
    # The checks are for its formatter and its lints, too.
    components=""
    [ "$want" != test ] || components="--component rustfmt --component clippy"
    # shellcheck disable=SC2086
    sh "$installer" -y --profile minimal $components
    rm "$installer"
fi

if [ "$want" = test ]; then
    "$(dirname "$0")/clients.sh" >/dev/null
fi
