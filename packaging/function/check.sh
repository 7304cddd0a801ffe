#!/bin/sh
# Holds a zip that build.sh made to what Lambda takes: packaging/function/check.sh x86_64|arm64
set -eu
cd "$(dirname "$0")/../.."
zip="target/function/$1.zip"

# The C library of provided.al2023; a newer symbol, and the function would not start.
glibc="2.34"
# All that is sure to be there beside it.
libraries="libc.so.6 libm.so.6 libpthread.so.0 libdl.so.2 ld-linux-x86-64.so.2 ld-linux-aarch64.so.1"
# Bytes of the zip: its size is part of every cold start, so growth is to be seen.
ceiling=2000000

fail() {
    echo "$zip: $1" >&2
    exit 1
}

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
python3 -m zipfile -e "$zip" "$scratch"
executable="$scratch/bootstrap"
python3 packaging/function/zip.py "$executable" "$scratch/again.zip"
cmp -s "$zip" "$scratch/again.zip" || fail "another zip of the same executable has other bytes"

case "$1" in x86_64) machine="X86-64" ;; arm64) machine="AArch64" ;; esac
readelf -h "$executable" | grep -q "Machine:.*$machine" || fail "is not of $1"

newest="$(readelf --version-info --wide "$executable" | grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -1)"
[ "$(printf '%s\n' "$newest" "GLIBC_$glibc" | sort -V | tail -1)" = "GLIBC_$glibc" ] || fail "needs $newest; Lambda has $glibc"

for library in $(readelf -d --wide "$executable" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
    case " $libraries " in *" $library "*) ;; *) fail "needs $library, which Lambda may not have" ;; esac
done

! readelf -S --wide "$executable" | grep -q '\.symtab\|\.debug_' || fail "is not stripped"

# It starts, and says its version: here, or where another processor is played.
case "$(uname -m)/$1" in
    x86_64/x86_64 | aarch64/arm64 | arm64/arm64) runner="" ;;
    */arm64) runner="qemu-aarch64" ;;
    *) runner="qemu-x86_64" ;;
esac
if [ -z "$runner" ] || command -v "$runner" >/dev/null; then
    chmod +x "$executable"
    version="$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)"
    # Nobody answers there, so that it ends by itself.
    set -- env -i PATH="$PATH" AWS_LAMBDA_RUNTIME_API=127.0.0.1:9 AWS_LAMBDA_FUNCTION_NAME=check \
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128 AWS_LAMBDA_FUNCTION_VERSION=1 ${runner:+"$runner"} "$executable"
    started="$("$@" 2>&1 || true)"
    case "$started" in *"function started"*"version=\"$version\""*) ;; *) fail "does not start as version $version: $started" ;; esac
else
    echo "$zip: not started, since $runner is not installed" >&2
fi

size="$(wc -c <"$zip")"
[ "$size" -le "$ceiling" ] || fail "has $size bytes, more than $ceiling"
echo "$zip: $size bytes, needs $newest"
