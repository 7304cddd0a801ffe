#!/bin/sh
# Makes the Python environment of the tests' clients in target/clients-venv and prints where its python is.
# Safe to run again, and at the same time as another: it does nothing when what is pinned is installed.
set -eu
cd "$(dirname "$0")/../.."
pinned="packaging/develop/clients.txt"
venv="target/clients-venv"

mkdir -p target
exec 9>target/clients-venv.lock
flock 9
if ! cmp -s "$pinned" "$venv/installed.txt" || ! "$venv/bin/python" -c "" 2>/dev/null; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$pinned" >&2
    cp "$pinned" "$venv/installed.txt"
fi
echo "$PWD/$venv/bin/python"
