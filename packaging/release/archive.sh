#!/bin/sh
# Packs a built program for one system, with its manual pages, completions and, for the relay, units:
# `archive.sh FILE TARGET OUT` makes OUT/NAME-VERSION-TARGET.tar.gz, and for Windows a .zip too, which WinGet takes. FILE must
# run on this machine.
# The same input makes the same bytes: SOURCE_DATE_EPOCH is the time of everything in it, or 0.
set -eu
file="$1" target="$2" out="$3"
root="$(cd "$(dirname "$0")/../.." && pwd)"

name="$(basename "$file" .exe)"
version="$("$file" --version | cut -d' ' -f2)"
stem="$name-$version-$target"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
folder="$work/$stem"
mkdir -p "$folder/completions" "$folder/man" "$out"

cp "$file" "$folder/"
cp "$root/README.md" "$root/CHANGELOG.md" "$root/LICENSE-MIT" "$root/LICENSE-APACHE" "$folder/"
"$file" man --to "$folder/man"
"$file" completions bash >"$folder/completions/$name.bash"
"$file" completions zsh >"$folder/completions/_$name"
"$file" completions fish >"$folder/completions/$name.fish"
"$file" completions powershell >"$folder/completions/_$name.ps1"
if [ "$name" = awslambdaproxy-relay ]; then
    mkdir "$folder/systemd"
    cp "$root"/packaging/relay/*.service "$root"/packaging/relay/*.socket "$folder/systemd/"
fi

# GNU tar alone sorts and sets owners.
tar="$(command -v gtar || command -v tar)"
"$tar" --sort=name --mtime="@${SOURCE_DATE_EPOCH:-0}" --owner=0 --group=0 --numeric-owner --mode=u+rw,go=rX \
    -C "$work" -cf "$work/archive.tar" "$stem"
gzip -n9 <"$work/archive.tar" >"$out/$stem.tar.gz"
case "$target" in
    *-windows-*)
        # On Windows it has the one name or the other.
        python="$(command -v python3 || command -v python)"
        "$python" "$root/packaging/release/zip.py" "$folder" "$out/$stem.zip"
        ;;
esac
echo "$out/$stem.tar.gz"
