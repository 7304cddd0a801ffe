#!/bin/sh
# Puts the release key into the installers: `stamp.sh PUBLIC-KEY OUT`, PUBLIC-KEY as AWSLAMBDAPROXY_RELEASE_KEY has it.
set -eu
key="$1" out="$2"
root="$(cd "$(dirname "$0")/../.." && pwd)"
case "$key" in
    MCowBQYDK2VwAyEA*=) ;;
    *) echo "error: $key is no Ed25519 public key (the Base64 line of its PEM file)" >&2 && exit 1 ;;
esac
mkdir -p "$out"
sed "s|^release_key=\"\"\$|release_key=\"$key\"|" "$root/install.sh" >"$out/install.sh"
sed "s|^    \\\$ReleaseKey = \"\"|    \\\$ReleaseKey = \"$key\"|" "$root/install.ps1" >"$out/install.ps1"
grep -qF "$key" "$out/install.sh" && grep -qF "$key" "$out/install.ps1"
chmod +x "$out/install.sh"
