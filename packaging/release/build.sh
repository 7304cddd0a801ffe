#!/bin/sh
# Makes everything of a release that this machine can: function archives, both programs with their archives and packages,
# checksums, signatures, installers, templates. `packaging/release/build.sh [--target TARGET] [--key PRIVATE-KEY] [--functions-are-built] [OUT]`
# Without --key nothing is signed, and the programs trust no release unless AWSLAMBDAPROXY_RELEASE_KEY says which. OUT is
# target/release-files.
set -eu
cd "$(dirname "$0")/../.."
export PATH="$HOME/.cargo/bin:$PATH"

key="" target="" out="target/release-files" functions=build
while [ $# -gt 0 ]; do
    case "$1" in
        --key) key="$2" && shift ;;
        --target) target="$2" && shift ;;
        --functions-are-built) functions=built ;;
        --*) echo "usage: build.sh [--target TARGET] [--key PRIVATE-KEY] [--functions-are-built] [OUT]" >&2 && exit 2 ;;
        *) out="$1" ;;
    esac
    shift
done
[ -n "$target" ] || target="$(rustc -vV | sed -n 's/^host: //p')"
suffix=""
case "$target" in *-windows-*) suffix=.exe ;; esac
if [ -n "$key" ]; then
    AWSLAMBDAPROXY_RELEASE_KEY="$(openssl pkey -in "$key" -pubout | sed -n 2p)"
    export AWSLAMBDAPROXY_RELEASE_KEY
fi
SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}"
export SOURCE_DATE_EPOCH
rm -rf "$out"
mkdir -p "$out"

# Both architectures go into every agent; where one cannot be built, `deploy` of these programs wants --function-zip.
if [ "$functions" = build ]; then
    packaging/function/build.sh x86_64 arm64 || echo "warning: not both function archives could be built here" >&2
fi
if [ -f target/function/x86_64.zip ] && [ -f target/function/arm64.zip ]; then
    AWSLAMBDAPROXY_FUNCTION_ZIPS="$PWD/target/function"
    export AWSLAMBDAPROXY_FUNCTION_ZIPS
elif [ "$functions" = built ]; then
    echo "error: target/function has not both function archives" >&2
    exit 1
fi
packaging/release/compile.sh "$target"
for program in awslambdaproxy awslambdaproxy-relay; do
    archive="$(packaging/release/archive.sh "target/$target/release/$program$suffix" "$target" "$out")"
    case "$target" in *-linux-gnu) if command -v dpkg-deb >/dev/null; then packaging/release/deb.sh "$archive" "$out"; fi ;; esac
done
if cargo cyclonedx --version >/dev/null 2>&1; then
    packaging/release/sbom.sh "$target" "$out"
else
    echo "no list of components: cargo-cyclonedx is not installed" >&2
fi
if [ -n "$key" ]; then
    version="$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)"
    packaging/release/finish.sh "$out" "$key" "$version"
fi
ls -l "$out"
