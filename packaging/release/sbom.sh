#!/bin/sh
# Lists what each program is made of (CycloneDX): `sbom.sh TARGET OUT`.
set -eu
target="$1" out="$(cd "$2" && pwd)"
cd "$(dirname "$0")/../.."
cargo cyclonedx --format json --target "$target" --override-filename components
for folder in agent relay; do
    name=awslambdaproxy
    [ "$folder" = agent ] || name=awslambdaproxy-relay
    mv "$folder/components.json" "$out/$name-$target.cdx.json"
done
rm -f tunnel/components.json function/components.json
