#!/bin/sh
# Fills the templates of Homebrew and WinGet from a release's signed list of checksums: `fill.sh RELEASE-DIRECTORY VERSION OUT`.
# A template that names a file which this release does not have is left out, and said.
set -eu
release="$1" version="$2" out="$3"
root="$(cd "$(dirname "$0")/../.." && pwd)"
url="https://github.com/awslambdaproxy/awslambdaproxy/releases/download/v$version"
mkdir -p "$out"
for template in "$root"/packaging/homebrew/*.in "$root"/packaging/winget/*.in; do
    filled="$out/$(basename "$template" .in)"
    sed "s|@VERSION@|$version|g; s|@URL@|$url|g" "$template" >"$filled"
    sed -n 's/.*@SHA256:\([^@]*\)@.*/\1/p' "$filled" >"$filled.files"
    while IFS= read -r file; do
        sum="$(awk -v file="$file" '$2 == file { print $1 }' "$release/SHA256SUMS")"
        if [ -z "$sum" ]; then
            echo "$(basename "$filled") is left out: this release has no $file" >&2
            rm "$filled"
            break
        fi
        sed -i.old "s|@SHA256:$file@|$sum|" "$filled" && rm "$filled.old"
    done <"$filled.files"
    rm "$filled.files"
done
