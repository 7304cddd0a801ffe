#!/bin/sh
# What CHANGELOG.md says of a version: `notes.sh VERSION`. Fails when it says nothing.
set -eu
notes="$(awk -v head="## $1" 'index($0, "## ") == 1 { found = index($0, head) == 1; next } found' "$(dirname "$0")/../../CHANGELOG.md")"
if [ -z "$(printf '%s' "$notes" | tr -d '[:space:]')" ]; then
    echo "error: CHANGELOG.md says nothing of $1" >&2
    exit 1
fi
printf '%s\n' "$notes"
