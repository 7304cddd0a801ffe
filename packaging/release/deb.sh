#!/bin/sh
# Makes a Debian package of one of our archives: `deb.sh ARCHIVE OUT`.
set -eu
archive="$1" out="$2"
root="$(cd "$(dirname "$0")/../.." && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

tar -xzf "$archive" -C "$work"
stem="$(basename "$archive" .tar.gz)"
from="$work/$stem" tree="$work/tree"
name=awslambdaproxy
[ ! -f "$from/awslambdaproxy-relay" ] || name=awslambdaproxy-relay
rest="${stem#"$name"-}"
case "$rest" in
    *-x86_64-unknown-linux-*) architecture=amd64 ;;
    *-aarch64-unknown-linux-*) architecture=arm64 ;;
    *) echo "error: $stem is not for Linux" >&2 && exit 1 ;;
esac
version="${rest%%-x86_64-*}"
version="${version%%-aarch64-*}"
# A pre-release comes before its release.
version="$(printf '%s' "$version" | tr '-' '~')"
# The static build needs no library; the other needs the one that it was built with, or newer.
depends=""
[ "$name" = awslambdaproxy ] || depends="adduser"
case "$rest" in
    *-gnu) depends="${depends:+$depends, }libc6 (>= $("$root/packaging/release/glibc.sh" "$from/$name"))" ;;
esac

install -Dm755 "$from/$name" "$tree/usr/bin/$name"
mkdir -p "$tree/usr/share/man/man1"
for page in "$from"/man/*.1; do gzip -n9 <"$page" >"$tree/usr/share/man/man1/${page##*/}.gz"; done
install -Dm644 "$from/completions/$name.bash" "$tree/usr/share/bash-completion/completions/$name"
install -Dm644 "$from/completions/_$name" "$tree/usr/share/zsh/vendor-completions/_$name"
install -Dm644 "$from/completions/$name.fish" "$tree/usr/share/fish/vendor_completions.d/$name.fish"
documents="$tree/usr/share/doc/$name"
install -Dm644 "$from/README.md" "$documents/README.md"
gzip -n9 <"$from/CHANGELOG.md" >"$documents/changelog.gz"
{
    printf 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\n'
    printf 'Copyright: the awslambdaproxy authors\nLicense: Expat or Apache-2.0\n'
} >"$documents/copyright"
if [ "$name" = awslambdaproxy-relay ]; then
    for unit in "$from"/systemd/*; do install -Dm644 "$unit" "$tree/usr/lib/systemd/system/${unit##*/}"; done
fi

mkdir "$tree/DEBIAN"
for script in "$root/packaging/deb/$name".*; do
    [ ! -f "$script" ] || install -m755 "$script" "$tree/DEBIAN/${script##*.}"
done
{
    cat "$root/packaging/deb/$name.control"
    printf 'Version: %s\nArchitecture: %s\n' "$version" "$architecture"
    printf 'Installed-Size: %s\n' "$(du -sk --exclude=DEBIAN "$tree" | cut -f1)"
    [ -z "$depends" ] || printf 'Depends: %s\n' "$depends"
} >"$tree/DEBIAN/control"
mkdir -p "$out"
dpkg-deb --build --root-owner-group "$tree" "$out/${name}_${version}_$architecture.deb"
