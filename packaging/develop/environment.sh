#!/bin/sh
# Makes a Python environment of pinned packages, `environment.sh NAME PINNED`, in target/NAME, and prints where its programs are.
# Safe to run again, and at the same time as another: it does nothing when what is pinned is installed.
set -eu
pinned="$(realpath "$2")"
cd "$(dirname "$0")/../.."
venv="target/$1"

mkdir -p target
exec 9>"$venv.lock"
flock 9
if ! cmp -s "$pinned" "$venv/installed.txt" || ! "$venv/bin/python" -c "" 2>/dev/null; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    # pip does not ask again for what breaks off in the middle.
    for try in 1 2 3; do
        "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --retries 10 -r "$pinned" >&2 && break
        [ "$try" != 3 ] || exit 1
        sleep 5
    done
    cp "$pinned" "$venv/installed.txt"
fi
echo "$PWD/$venv/bin"
