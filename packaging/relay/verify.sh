#!/bin/sh
# Checks the relay's units: `packaging/relay/verify.sh [PROGRAM]`. PROGRAM stands in for the installed one, which
# systemd-analyze wants to exist. Prints the exposure of the service (0 is none, 10 is all) and fails above 1.5.
set -eu
cd "$(dirname "$0")"

program="$(realpath "${1:-../../target/debug/awslambdaproxy-relay}")"
units="$(mktemp -d)"
trap 'rm -rf "$units"' EXIT
sed "s|/usr/bin/awslambdaproxy-relay|$program|" awslambdaproxy-relay.service >"$units/awslambdaproxy-relay.service"
cp awslambdaproxy-relay.socket "$units/"

# Silence is its word for sound; it exits 0 after a warning too.
complaints="$(systemd-analyze verify --man=no "$units/awslambdaproxy-relay.service" "$units/awslambdaproxy-relay.socket" 2>&1 |
    grep -F awslambdaproxy-relay || true)"
if [ -n "$complaints" ]; then
    echo "$complaints" >&2
    exit 1
fi
judgement="$(systemd-analyze security --offline=true --no-pager --threshold=15 "$units/awslambdaproxy-relay.service")" || {
    echo "$judgement" >&2
    exit 1
}
echo "$judgement" | tail -n 1
