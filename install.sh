#!/bin/sh
# Installs awslambdaproxy for this user, or its relay on a server:
#
#   curl -fsSL https://github.com/awslambdaproxy/awslambdaproxy/releases/latest/download/install.sh | sh
#   curl -fsSL …/install.sh | sudo sh -s -- --relay --self-signed --host relay.example.com
#
# The shell reads all that is between the braces before it runs any of it, so a download that was cut off runs nothing.
{
set -eu

# Filled in when a release is made; the Base64 of the public key that signs releases.
release_key=""
releases="https://github.com/awslambdaproxy/awslambdaproxy/releases"

usage() {
    cat <<'TEXT'
Installs awslambdaproxy for this user, without root, or with --relay its relay on a server.

  install.sh [--version VERSION] [--prefix DIR] [--base-url URL]
  install.sh --relay [the same] [--code-file PATH] [options of `awslambdaproxy-relay init`]
  install.sh [--relay] [--prefix DIR] --uninstall [--purge]

  --version VERSION  this release instead of the latest
  --prefix DIR       into DIR/bin and DIR/share instead of ~/.local (--relay: /usr/local)
  --base-url URL     where releases are instead of GitHub; plain http only to a loopback address
                     (or AWSLAMBDAPROXY_BASE_URL)
  --relay            the relay: its own user, systemd units, configuration and pairing code; as root
  --code-file PATH   write the pairing code to this file, which only root can read, instead of printing it
  --uninstall        remove what this installer put there
  --purge            with --uninstall: configuration and state too

For --relay give one of --domain NAME, --self-signed, --behind-proxy, --certificate PATH --key PATH, and what else
`awslambdaproxy-relay init --help` lists; without any the relay is put there and not set up. An existing configuration is
kept as it is.
AWSLAMBDAPROXY_RELEASE_KEY is another release key to trust, for mirrors that sign their own builds.
TEXT
}

say() { printf '%s\n' "$*" >&2; }
die() {
    say "error: $*"
    exit 1
}
has() { command -v "$1" >/dev/null 2>&1; }

main() {
    program=awslambdaproxy version="" prefix="" base="${AWSLAMBDAPROXY_BASE_URL:-$releases}"
    key="${AWSLAMBDAPROXY_RELEASE_KEY:-$release_key}" action=install purge=no code_file=""
    # What is left over is for the relay's init, one word a line.
    for_init=""
    while [ $# -gt 0 ]; do
        case "$1" in
            -h | --help) usage && exit 0 ;;
            --relay) program=awslambdaproxy-relay ;;
            --uninstall) action=uninstall ;;
            --purge) purge=yes ;;
            --version | --prefix | --base-url | --code-file)
                [ $# -ge 2 ] || die "$1 wants a value"
                case "$1" in
                    --version) version="${2#v}" ;;
                    --prefix) prefix="$2" ;;
                    --base-url) base="$2" ;;
                    --code-file) code_file="$2" ;;
                esac
                shift
                ;;
            *) for_init="$for_init$1
" ;;
        esac
        shift
    done
    [ -z "$for_init" ] || [ "$program" = awslambdaproxy-relay ] || die "unknown option $(first_of "$for_init"); see --help"
    [ "$purge" = no ] || [ "$action" = uninstall ] || die "--purge goes with --uninstall"
    if [ "$program" = awslambdaproxy-relay ]; then
        [ "$(id -u)" = 0 ] || die "--relay makes a user and a service of the system: run it as root, such as with sudo"
        prefix="${prefix:-/usr/local}"
    else
        prefix="${prefix:-${HOME:?is not set: give --prefix}/.local}"
    fi
    case "$prefix" in /*) ;; *) prefix="$(pwd)/$prefix" ;; esac
    record="$prefix/share/$program/installed"
    if [ "$action" = uninstall ]; then
        uninstall
    else
        install_program
        [ "$program" = awslambdaproxy ] || set_up_relay
        tell
    fi
}

first_of() { printf '%s' "$1" | head -n 1; }

# --- which release ---------------------------------------------------------------------------------------------------

# The system as release files name it.
target() {
    case "$(uname -m)" in
        x86_64 | amd64) machine=x86_64 ;;
        aarch64 | arm64) machine=aarch64 ;;
        *) die "there is no release for the processor $(uname -m); build it from source" ;;
    esac
    case "$(uname -s)" in
        Linux) if has_glibc; then echo "$machine-unknown-linux-gnu"; else echo "$machine-unknown-linux-musl"; fi ;;
        Darwin) echo "$(mac_machine)-apple-darwin" ;;
        *) die "there is no release for $(uname -s); on Windows use install.ps1, elsewhere build it from source" ;;
    esac
}

# A shell under Rosetta calls the machine x86_64.
mac_machine() {
    if [ "$(sysctl -n hw.optional.arm64 2>/dev/null || true)" = 1 ]; then echo aarch64; else echo "$machine"; fi
}

# Whether the GNU C library is there, in a version that release builds run on (2.35, Ubuntu 22.04); else the static build serves.
has_glibc() {
    found="$(getconf GNU_LIBC_VERSION 2>/dev/null || true)"
    found="${found#glibc }"
    case "$found" in
        2.*) [ "$(printf '%s' "${found#2.}" | sed 's/[^0-9].*//')" -ge 35 ] ;;
        *) return 1 ;;
    esac
}

# usage: fetch NAME: a file of the release, into the working directory.
fetch() {
    from="$base/latest/download/$1"
    [ -z "$version" ] || from="$base/download/v$version/$1"
    case "$base" in
        https://*) protocol=https ;;
        http://127.* | http://localhost | http://localhost:* | http://\[::1\]*) protocol=http ;;
        *) die "--base-url is https://…; plain http only to a loopback address" ;;
    esac
    if has curl; then
        curl --proto "=$protocol" --proto-redir "=$protocol" --tlsv1.2 -fsSL --retry 2 -o "$work/$1" "$from" ||
            die "cannot fetch $from"
    elif has wget; then
        wget -q -O "$work/$1" "$from" || die "cannot fetch $from"
    else
        die "neither curl nor wget is installed"
    fi
}

# --- is it what was released -----------------------------------------------------------------------------------------

# The release key signs SHA256SUMS twice, for whichever tool is here: as it is, and in the form of ssh-keygen(1).
verify_signature() {
    [ -n "$key" ] || die "this copy of install.sh belongs to no release, so it trusts no key; take it from a release"
    if openssl_reads_ed25519; then
        fetch SHA256SUMS.sig
        printf -- '-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----\n' "$key" >"$work/key.pem"
        openssl pkeyutl -verify -pubin -inkey "$work/key.pem" -rawin -in "$work/SHA256SUMS" \
            -sigfile "$work/SHA256SUMS.sig" >/dev/null 2>&1 || forged
    elif has ssh-keygen && decode64 </dev/null >/dev/null 2>&1; then
        fetch SHA256SUMS.sshsig
        printf 'release ssh-ed25519 %s\n' "$(ssh_key)" >"$work/signers"
        ssh-keygen -Y verify -f "$work/signers" -I release -n awslambdaproxy-release -s "$work/SHA256SUMS.sshsig" \
            <"$work/SHA256SUMS" >/dev/null 2>&1 || forged
    else
        die "no tool to verify the release's signature: install openssl 3 or ssh-keygen 8.1"
    fi
}

forged() { die "SHA256SUMS of $base is not signed with the release key, so somebody may have tampered with it; nothing was installed"; }

openssl_reads_ed25519() {
    case "$(openssl version 2>/dev/null || true)" in
        "OpenSSL "[3-9]*) return 0 ;;
        *) return 1 ;;
    esac
}

decode64() { if has base64; then base64 -d; else openssl base64 -d -A; fi; }

# The key as OpenSSH writes it: its kind and its 32 bytes, each after their length.
ssh_key() {
    { printf '\000\000\000\013ssh-ed25519\000\000\000\040' && printf '%s' "$key" | decode64 | tail -c 32; } |
        if has base64; then base64; else openssl base64 -A; fi | tr -d '\n'
}

sha256() {
    if has sha256sum; then
        sha256sum "$1"
    elif has shasum; then
        shasum -a 256 "$1"
    else
        openssl dgst -sha256 -r "$1"
    fi | cut -d' ' -f1
}

# The archive of this system, verified. Its name tells the version.
download() {
    # Its own message says what is wrong.
    target="$(target)" || exit 1
    fetch SHA256SUMS
    verify_signature
    wanted="$program-[0-9][^ ]*-$target\.tar\.gz"
    archive="$(sed -n "s/^[0-9a-f]\{64\} [ *]\($wanted\)\$/\1/p" "$work/SHA256SUMS" | head -n 1)"
    [ -n "$archive" ] || die "the release at $base has no $program for $target"
    stem="${archive%.tar.gz}"
    found="${stem#"$program"-}"
    found="${found%-"$target"}"
    [ -z "$version" ] || [ "$version" = "$found" ] || die "$base answers version $found instead of $version"
    version="$found"
    say "fetching $archive"
    fetch "$archive"
    expected="$(sed -n "s/^\([0-9a-f]\{64\}\) [ *]$stem\.tar\.gz\$/\1/p" "$work/SHA256SUMS")"
    [ "$(sha256 "$work/$archive")" = "$expected" ] ||
        die "$archive is not what its release signed: it was cut off or changed on its way; nothing was installed"
    tar -xzf "$work/$archive" -C "$work" || die "cannot unpack $archive; is there room in $work?"
}

# --- putting it there ------------------------------------------------------------------------------------------------

# What is made is recorded, innermost last, so that an uninstall removes that and nothing else.
make_directory() {
    [ -d "$1" ] && return
    make_directory "$(dirname "$1")"
    mkdir "$1" || die "cannot make $1"
    made="$made$1/
"
}

# usage: place MODE FROM TO: TO is whole at every moment.
place() {
    [ -f "$2" ] || return 0
    make_directory "$(dirname "$3")"
    new="$(dirname "$3")/.$(basename "$3").new"
    if ! { cp "$2" "$new" && chmod "$1" "$new" && mv -f "$new" "$3"; }; then
        rm -f "$new"
        die "cannot write $3; what was there is as it was"
    fi
    made="$made$3
"
}

install_program() {
    work="$(mktemp -d)"
    trap 'rm -rf "$work"' EXIT
    trap 'exit 130' INT TERM HUP
    download
    from="$work/$stem" share="$prefix/share" made=""
    [ ! -f "$record" ] || made="$(cat "$record")
"
    "$from/$program" --version >/dev/null || die "$program $version does not run on this machine"
    make_directory "$(dirname "$record")"
    place 755 "$from/$program" "$prefix/bin/$program"
    for page in "$from"/man/*.1; do place 644 "$page" "$share/man/man1/${page##*/}"; done
    place 644 "$from/completions/$program.bash" "$share/bash-completion/completions/$program"
    place 644 "$from/completions/_$program" "$share/zsh/site-functions/_$program"
    place 644 "$from/completions/$program.fish" "$share/fish/vendor_completions.d/$program.fish"
    write_record
}

write_record() {
    printf '%s%s\n' "$made" "$record" | awk 'NF && !seen[$0]++' >"$work/record"
    { cp "$work/record" "$record.new" && mv -f "$record.new" "$record"; } || die "cannot write $record"
}

tell() {
    say "installed $program $version in $prefix/bin"
    case ":$PATH:" in
        *":$prefix/bin:"*) ;;
        *) say "that is not on your PATH; add it, for example in ~/.profile:  export PATH=\"$prefix/bin:\$PATH\"" ;;
    esac
    [ "$program" != awslambdaproxy ] || say "next:  awslambdaproxy init, or without an account:  awslambdaproxy run --local"
}

# --- the relay -------------------------------------------------------------------------------------------------------

relay_user=awslambdaproxy-relay
relay_config=/etc/awslambdaproxy-relay
relay_state=/var/lib/awslambdaproxy-relay
units=/etc/systemd/system

set_up_relay() {
    make_user
    for unit in "$from"/systemd/*; do
        # Packages have the program elsewhere.
        sed "s|/usr/bin/$program|$prefix/bin/$program|g" "$unit" >"$unit.here"
        place 644 "$unit.here" "$units/${unit##*/}"
    done
    write_record
    if [ -f "$relay_config/relay.toml" ]; then
        say "$relay_config/relay.toml is kept; \`$program agent add NAME\` makes another pairing code"
    elif [ -n "$for_init" ]; then
        initialize
    else
        say "next: $program init --help, then: systemctl enable --now $program.socket $program.service"
        return
    fi
    own
    start
}

make_user() {
    id -u "$relay_user" >/dev/null 2>&1 && return
    if has useradd; then
        useradd --system --user-group --home-dir "$relay_state" --no-create-home --shell /usr/sbin/nologin "$relay_user"
    else
        addgroup -S "$relay_user" && adduser -S -D -H -h "$relay_state" -s /sbin/nologin -G "$relay_user" "$relay_user"
    fi || die "cannot make the user $relay_user"
}

# The pairing code is the one line on standard output; it goes to no file but the one that was asked for.
initialize() {
    old_ifs="$IFS"
    IFS='
'
    set -f
    # shellcheck disable=SC2086 # one word a line, and no pattern is looked up
    set -- $for_init
    set +f
    IFS="$old_ifs"
    set -- "$prefix/bin/$program" --config "$relay_config/relay.toml" init "$@"
    if [ -n "$code_file" ]; then
        (umask 077 && "$@" >"$code_file") || die "the relay could not be set up; mend what it says and run this again"
    else
        "$@" || die "the relay could not be set up; mend what it says and run this again"
    fi
}

# The configuration is root's to write and the relay's to read, and holds no secret; the state is the relay's.
own() {
    chmod 755 "$relay_config"
    chmod 644 "$relay_config/relay.toml"
    mkdir -p "$relay_state"
    chown -R "$relay_user:$relay_user" "$relay_state"
    chmod 700 "$relay_state"
}

# systemd opens the port, so that the relay needs no privilege; behind a proxy the relay opens its own, on loopback.
start() {
    opened="$program.socket"
    listen="$(sed -n 's/^listen = "\(.*\)"$/\1/p' "$relay_config/relay.toml")"
    case "$listen" in
        127.* | \[::1\]*) opened="" ;;
        *:443) ;;
        *)
            printf '[Socket]\nListenStream=\nListenStream=%s\n' "$listen" >"$work/port.conf"
            place 644 "$work/port.conf" "$units/$program.socket.d/port.conf"
            write_record
            ;;
    esac
    if [ -d /run/systemd/system ] && has systemctl; then
        systemctl daemon-reload
        [ -z "$opened" ] || systemctl enable --quiet --now "$opened" || die "systemd cannot open the relay's port; see: systemctl status $opened"
        systemctl enable --quiet "$program.service"
        systemctl restart "$program.service" || die "the relay does not start; see: journalctl -u $program"
        say "the relay runs; its log: journalctl -u $program"
    else
        say "systemd does not run here; start the relay as $relay_user:  $program --config $relay_config/relay.toml run"
    fi
}

# --- removing it -----------------------------------------------------------------------------------------------------

uninstall() {
    if [ "$program" = awslambdaproxy ]; then stop_agent; else stop_relay; fi
    if [ -f "$record" ]; then
        # Innermost first; a directory that holds anything else stays.
        lines="$(awk '{ line[NR] = $0 } END { for (at = NR; at > 0; at--) print line[at] }' "$record")"
        printf '%s\n' "$lines" | while IFS= read -r path; do
            case "$path" in
                */) ;;
                *) rm -f "$path" ;;
            esac
        done
        printf '%s\n' "$lines" | while IFS= read -r path; do
            case "$path" in */) rmdir "$path" 2>/dev/null || true ;; esac
        done
        say "removed $program from $prefix"
    else
        say "$program was not installed in $prefix by this installer"
    fi
    [ "$purge" = yes ] || return 0
    if [ "$program" = awslambdaproxy ]; then purge_agent; else purge_relay; fi
}

# What the program set up in the system is its own to take back. Only it can take back what it made in AWS, and only what it
# noted tells where that is.
stop_agent() {
    if [ "$purge" = yes ] && grep -q '"deployments": *\[ *{' "$(state)/deployments.json" 2>/dev/null; then
        die "functions of yours are still in AWS; run \`awslambdaproxy destroy\` first"
    fi
    agent="$prefix/bin/awslambdaproxy"
    [ -x "$agent" ] || return 0
    "$agent" proxy off >/dev/null 2>&1 || true
    "$agent" service uninstall >/dev/null 2>&1 || true
}

state() {
    if [ "$(uname -s)" = Darwin ]; then
        echo "$HOME/Library/Application Support/awslambdaproxy"
    else
        echo "${XDG_STATE_HOME:-$HOME/.local/state}/awslambdaproxy"
    fi
}

purge_agent() {
    rm -rf "$(state)"
    if [ "$(uname -s)" != Darwin ]; then
        rm -rf "${XDG_CONFIG_HOME:-$HOME/.config}/awslambdaproxy"
        rm -rf "${XDG_DATA_HOME:-$HOME/.local/share}/awslambdaproxy" "${XDG_CACHE_HOME:-$HOME/.cache}/awslambdaproxy"
    fi
    say "removed the configuration and state of awslambdaproxy"
}

stop_relay() {
    if [ -d /run/systemd/system ] && has systemctl; then
        systemctl disable --now --quiet "$program.socket" "$program.service" 2>/dev/null || true
    fi
}

purge_relay() {
    rm -rf "$relay_config" "$relay_state"
    if id -u "$relay_user" >/dev/null 2>&1; then
        if has userdel; then userdel "$relay_user"; else deluser "$relay_user"; fi || die "cannot remove the user $relay_user"
    fi
    if [ -d /run/systemd/system ] && has systemctl; then systemctl daemon-reload; fi
    say "removed the configuration, state and user of the relay"
}

main "$@"
exit 0
}
