#!/bin/sh
# The relay under a systemd that runs a machine: `packaging/relay/boot.sh`, as root, on a Debian. It emulates a machine with
# one processor, 1 GiB and no network but its loopback, boots a plain Debian with its own kernel in it, and has booted.sh do
# there what an administrator does. It takes some minutes, twenty-five at most.
set -eu
cd "$(dirname "$0")/../.."
export PATH="$HOME/.cargo/bin:$PATH:/usr/sbin:/sbin"

for tool in debootstrap qemu-system-x86_64 mkfs.ext4 openssl strip; do
    command -v "$tool" >/dev/null && continue
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        debootstrap qemu-system-x86 e2fsprogs openssl binutils >/dev/null
done
work="$(mktemp -d)"
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 130' INT TERM HUP

packaging/develop/release.sh "$work/site"
packaging/release/deb.sh "$(find "$work/site" -name 'awslambdaproxy-relay-*.tar.gz')" "$work" >/dev/null

# The same Debian as this machine's, from where this machine has it.
# shellcheck disable=SC2016,SC1091
mirror="$(apt-get indextargets --format '$(SITE)' | head -n 1)" release="$(. /etc/os-release && echo "$VERSION_CODENAME")"
packages=systemd-sysv,dbus,udev,linux-image-cloud-amd64,initramfs-tools,busybox,curl,ca-certificates,openssl,adduser,pebble,procps
root="$work/root"
debootstrap --variant=minbase --include="$packages" "$release" "$root" "$mirror" >"$work/debootstrap.log" ||
    { tail -20 "$work/debootstrap.log" >&2 && exit 1; }
rm -rf "$root"/var/cache/apt/archives/*.deb
cp "$root"/boot/vmlinuz-* "$work/kernel"
cp "$root"/boot/initrd.img-* "$work/initrd"

# What is tried is told on the console, and the machine goes off afterwards.
cp -r "$work/site" "$root/srv/site"
cp "$work"/*.deb packaging/relay/booted.sh "$root/opt/"
cat >"$root/etc/systemd/system/booted.service" <<'UNIT'
[Unit]
SuccessAction=poweroff-force
FailureAction=poweroff-force
[Service]
Type=oneshot
ExecStart=/opt/booted.sh
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS1
TimeoutStartSec=1500
UNIT
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
ln -s ../booted.service "$root/etc/systemd/system/multi-user.target.wants/"
echo relay >"$root/etc/hostname"
echo '127.0.0.1 localhost relay relay.example.com' >"$root/etc/hosts"
truncate -s 2G "$work/disk"
mkfs.ext4 -q -d "$root" "$work/disk"
rm -rf --one-file-system "$root"

touch "$work/said"
tail -f "$work/said" &
teller=$!
timeout 1500 qemu-system-x86_64 -machine q35,accel=tcg -cpu max -smp 1 -m 1G -nodefaults -display none -no-reboot -nic none \
    -kernel "$work/kernel" -initrd "$work/initrd" -append "root=/dev/vda rw console=ttyS0 quiet systemd.show_status=no" \
    -drive "file=$work/disk,format=raw,if=virtio,cache=unsafe" \
    -serial "file:$work/console" -serial "file:$work/said" || echo "the machine did not end by itself" >&2
kill "$teller"
grep -q '^all is well' "$work/said" || { tail -40 "$work/console" >&2 && exit 1; }
