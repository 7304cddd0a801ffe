#!/bin/sh
# The last steps of a release, once all its files are in DIRECTORY: `finish.sh DIRECTORY PRIVATE-KEY VERSION` stamps the
# installers, signs, checks what it signed as a user would, and fills the templates into DIRECTORY-templates.
set -eu
directory="$1" key="$2" version="$3"
here="$(cd "$(dirname "$0")" && pwd)"
public="$(openssl pkey -in "$key" -pubout | sed -n 2p)"
if [ -n "${AWSLAMBDAPROXY_RELEASE_KEY:-}" ] && [ "$public" != "$AWSLAMBDAPROXY_RELEASE_KEY" ]; then
    echo "error: the programs were built for another key than the one that signs" >&2
    exit 1
fi
"$here/stamp.sh" "$public" "$directory"
"$here/sign.sh" "$directory" "$key"
"$here/verify.sh" "$directory" "$public"
"$here/fill.sh" "$directory" "$version" "$directory-templates"
