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

size="$(wc -c <"$zip")"
[ "$size" -le "$ceiling" ] || fail "has $size bytes, more than $ceiling"
echo "$zip: $size bytes, needs $newest"
