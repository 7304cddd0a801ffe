#!/bin/sh
# Whether a release is whole and signed, in both forms: `verify.sh DIRECTORY PUBLIC-KEY`.
set -eu
directory="$1" key="$2"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$directory"
sha256sum --check --quiet --strict SHA256SUMS
printf -- '-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----\n' "$key" >"$work/key.pem"
openssl pkeyutl -verify -pubin -inkey "$work/key.pem" -rawin -in SHA256SUMS -sigfile SHA256SUMS.sig >/dev/null
ssh_key="$({ printf '\000\000\000\013ssh-ed25519\000\000\000\040' && printf '%s' "$key" | base64 -d | tail -c 32; } | base64 | tr -d '\n')"
echo "release ssh-ed25519 $ssh_key" >"$work/signers"
ssh-keygen -Y verify -f "$work/signers" -I release -n awslambdaproxy-release -s SHA256SUMS.sshsig <SHA256SUMS >/dev/null
echo "signed and whole: $(wc -l <SHA256SUMS) files"
