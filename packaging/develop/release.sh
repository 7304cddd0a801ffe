#!/bin/sh
# Makes a release of what is built here for a server on this machine: `packaging/develop/release.sh SITE`. Agent and relay are
# debug builds without their symbols, signed with the key of tests; in SITE they lie as on GitHub, as the latest and by version.
set -eu
cd "$(dirname "$0")/../.."
export PATH="$HOME/.cargo/bin:$PATH"
site="$1"

cargo build --quiet --package awslambdaproxy --package awslambdaproxy-relay
programs="$(mktemp -d)"
trap 'rm -rf "$programs"' EXIT
host="$(rustc -vV | sed -n 's/^host: //p')"
files="$site/releases/latest/download"
for program in awslambdaproxy awslambdaproxy-relay; do
    strip -o "$programs/$program" "target/debug/$program"
    packaging/release/archive.sh "$programs/$program" "$host" "$files" >/dev/null
done
version="$(target/debug/awslambdaproxy --version | cut -d' ' -f2)"
mkdir -p "$site/releases/download"
ln -sfn ../latest/download "$site/releases/download/v$version"
packaging/release/stamp.sh "$(openssl pkey -in packaging/develop/release-key.pem -pubout | sed -n 2p)" "$files"
packaging/release/sign.sh "$files" packaging/develop/release-key.pem
