#!/bin/sh
# Installs agent and relay into a Debian that has nothing but its base system and curl, each twice, and removes them again:
# `packaging/develop/clean-root.sh`, as root. Every file must then be as before.
set -eu
cd "$(dirname "$0")/../.."
export PATH="$HOME/.cargo/bin:$PATH:/usr/sbin:/sbin"

command -v debootstrap >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends debootstrap >/dev/null; }
work="$(mktemp -d)"
. packaging/develop/serve.sh
cleanup() {
    [ -z "$site" ] || kill "$site" 2>/dev/null || true
    umount "$work/root/proc" "$work/root/dev" 2>/dev/null || true
    rm -rf --one-file-system "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

packaging/develop/release.sh "$work/site"
serve "$work/site" "$work/site.log"

# The same Debian as this machine's, from where this machine has it.
# shellcheck disable=SC2016,SC1091
mirror="$(apt-get indextargets --format '$(SITE)' | head -n 1)" release="$(. /etc/os-release && echo "$VERSION_CODENAME")"
debootstrap --variant=minbase --include=curl,ca-certificates "$release" "$work/root" "$mirror" >"$work/debootstrap.log" ||
    { tail -20 "$work/debootstrap.log" >&2 && exit 1; }
mount -t proc proc "$work/root/proc"
mount --bind /dev "$work/root/dev"
# usage: inside HOME COMMAND…
inside() {
    home="$1" && shift
    chroot "$work/root" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME="$home" "$@"
}
inside /root useradd --create-home visitor
cp "$work/site/releases/latest/download/install.sh" "$work/root/opt/"

# Every file with its content and mode, but for what the tools that make users leave behind.
tree() {
    (cd "$work/root" && find . -xdev \( -path ./proc -o -path ./dev -o -path ./tmp \) -prune -o -printf '%p %M %u %g %s\n' |
        grep -vE '^\./etc/((passwd|shadow|group|gshadow|subuid|subgid)-|\.pwd\.lock) |^\./(etc|tmp|root|home/visitor) ' | sort)
}
base="http://127.0.0.1:$port/releases"
visitor() { inside /home/visitor setpriv --reuid=visitor --regid=visitor --clear-groups dash /opt/install.sh --base-url "$base" "$@"; }
root() { inside /root dash /opt/install.sh --base-url "$base" --relay "$@"; }

tree >"$work/before"
for _ in 1 2; do
    visitor
    root --self-signed --host relay.example.com --listen 0.0.0.0:8443 --code-file /root/code
done
inside /home/visitor /home/visitor/.local/bin/awslambdaproxy --version
inside /root awslambdaproxy-relay agent list
rm "$work/root/root/code"
visitor --uninstall --purge
root --uninstall --purge
tree >"$work/after"
diff "$work/before" "$work/after"
echo "every file is as before"
