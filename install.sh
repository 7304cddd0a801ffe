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
        # The relay's user reads what is put there.
        umask 022
    else
        [ -n "${HOME:-}" ] || { [ -n "$prefix" ] && [ "$purge" = no ]; } || die "HOME is not set"
        prefix="${prefix:-$HOME/.local}"
        # Nobody else writes there.
        umask go-w
    fi
    case "$prefix" in /*) ;; *) prefix="$(pwd)/$prefix" ;; esac
    case "$program$prefix" in
        # The record of what was installed has a path a line.
        *"
"*) die "--prefix is one line" ;;
        # So that it means in a unit of systemd, and to sed, what it says.
        awslambdaproxy-relay*[!A-Za-z0-9/._+~@:=,-]*) die "--prefix $prefix: units of systemd name the relay, so it is letters, digits and / . _ - only" ;;
    esac
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

# usage: is_loopback URL
is_loopback() {
    host="${1#http://}"
    [ "$host" != "$1" ] || return 1
    host="${host%%/*}"
    # What follows the last colon is a port, unless that colon is one of an IPv6 address.
    case "${host##*:}" in *[!0-9]*) ;; *) host="${host%:*}" ;; esac
    case "$host" in
        localhost | "[::1]") return 0 ;;
        *[!0-9.]*) return 1 ;;
        127.*) return 0 ;;
        *) return 1 ;;
    esac
}

# usage: fetch NAME: a file of the release, into the working directory.
fetch() {
    from="$base/latest/download/$1"
    [ -z "$version" ] || from="$base/download/v$version/$1"
    case "$base" in
        https://*) protocol=https ;;
        *) protocol=http ;;
    esac
    [ "$protocol" = https ] || is_loopback "$base" || die "--base-url is https://…; plain http only to a loopback address"
    if has curl; then
        # A server that has sent nothing for a minute sends nothing more.
        curl --proto "=$protocol" --proto-redir "=$protocol" --tlsv1.2 -fsSL --retry 2 --connect-timeout 30 --speed-time 60 \
            --speed-limit 1 -o "$work/$1" "$from" || die "cannot fetch $from"
    elif wget --version 2>/dev/null | grep -q '^GNU Wget' && [ "$protocol" = https ]; then
        # It follows redirects to plain http; no proxy for those listens at that port.
        http_proxy=http://127.0.0.1:1 no_proxy="" wget -q --secure-protocol=TLSv1_2 -O "$work/$1" "$from" || die "cannot fetch $from"
    elif has wget; then
        # That of busybox checks no certificate: the signature tells what was released.
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
    elif ssh_keygen_verifies && decode64 </dev/null >/dev/null 2>&1; then
        fetch SHA256SUMS.sshsig
        printf 'release ssh-ed25519 %s\n' "$(ssh_key)" >"$work/signers"
        ssh-keygen -Y verify -f "$work/signers" -I release -n awslambdaproxy-release -s "$work/SHA256SUMS.sshsig" \
            <"$work/SHA256SUMS" >/dev/null 2>&1 || forged
    else
        die "no tool to verify the release's signature: install openssl 3 or ssh-keygen 8.1, or newer ones"
    fi
}

forged() { die "SHA256SUMS of $base is not signed with the release key, so somebody may have tampered with it; nothing was installed"; }

openssl_reads_ed25519() {
    case "$(openssl version 2>/dev/null || true)" in
        "OpenSSL "[3-9]*) return 0 ;;
        *) return 1 ;;
    esac
}

# That of OpenSSH before 8.1 takes -Y for an unknown option, and no word of it would tell that from a forgery.
ssh_keygen_verifies() {
    case "$(ssh-keygen '-?' 2>&1 </dev/null || true)" in
        *"ssh-keygen -Y verify "*) return 0 ;;
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
    for tool in tar gzip; do has "$tool" || die "$tool is needed to unpack a release: install it"; done
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

# What is made is recorded at once, innermost last, so that an uninstall removes that and nothing else, also after an install
# that was interrupted.
note() {
    made="$made$1
"
    [ ! -f "$record" ] || printf '%s\n' "$1" >>"$record" || die "cannot write $record"
}

make_directory() {
    [ -d "$1" ] && return
    make_directory "$(dirname "$1")"
    mkdir "$1" || die "cannot make $1"
    note "$1/"
}

# usage: place MODE FROM TO: TO is whole at every moment.
place() {
    [ -f "$2" ] || return 0
    put_beside "$@"
    take_place "$3"
}

put_beside() {
    make_directory "$(dirname "$3")"
    new="$(dirname "$3")/.$(basename "$3").new"
    rm -f "$new"
    if ! { cp "$2" "$new" && chmod "$1" "$new"; }; then not_written "$3"; fi
}

take_place() {
    mv -f "$new" "$1" || not_written "$1"
    note "$1"
}

not_written() {
    rm -f "$new"
    die "cannot write $1; what was there is as it was"
}

# It is tried where it will be: from its temporary directory many a system lets nobody run anything.
place_program() {
    put_beside 755 "$from/$program" "$prefix/bin/$program"
    if ! "$new" --version >/dev/null; then
        rm -f "$new"
        [ -n "$before" ] || rm -f "$record"
        remove_directories "$made"
        die "$program $version does not run on this machine, or nothing does from $prefix/bin; what was there is as it was"
    fi
    take_place "$prefix/bin/$program"
}

install_program() {
    work="$(mktemp -d)" || die "cannot make a temporary directory; TMPDIR says where one can be"
    trap 'rm -rf "$work"' EXIT
    trap 'exit 130' INT TERM HUP
    download
    from="$work/$stem" share="$prefix/share" made="" before=""
    if [ -f "$record" ]; then
        before=yes made="$(cat "$record")
"
    fi
    make_directory "$(dirname "$record")"
    write_record
    place_program
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

not_set_up="the relay could not be set up; mend what it says and run this again"

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
    if [ -z "$code_file" ]; then
        "$@" || die "$not_set_up"
        return
    fi
    # A file of its own, which nobody has open or reads; the code of before stays until there is another.
    [ ! -d "$code_file" ] || die "--code-file $code_file is a directory"
    new_code="$(umask 077 && mktemp "$code_file.XXXXXX")" || die "cannot write beside $code_file"
    if ! "$@" >"$new_code"; then
        rm -f "$new_code"
        die "$not_set_up"
    fi
    mv -f "$new_code" "$code_file" || die "cannot write $code_file; the pairing code is in $new_code"
}

# The configuration is root's to write and the relay's to read, and holds no secret; the state is the relay's.
own() {
    chmod 755 "$relay_config"
    chmod 644 "$relay_config/relay.toml"
    mkdir -p "$relay_state"
    # A link that the relay's user put there is not followed.
    chown -hR "$relay_user:$relay_user" "$relay_state"
    chmod 700 "$relay_state"
}

# The top of the file, before any table: those have a `listen` too.
listen_address() {
    sed -n '/^[[:space:]]*\[/q
        s/^[[:space:]]*listen[[:space:]]*=[[:space:]]*["'"'"']\([^"'"'"']*\)["'"'"'].*/\1/p' "$relay_config/relay.toml"
}

# systemd opens the port, so that the relay needs no privilege; behind a proxy the relay opens its own, on loopback.
start() {
    opened="$program.socket"
    listen="$(listen_address)"
    case "$listen" in
        "") die "cannot tell the address that \`listen\` of $relay_config/relay.toml names; write it as  listen = \"0.0.0.0:443\"" ;;
        127.* | \[::1\]*) opened="" ;;
        # What the unit itself says; it is every address, so any one of them is not.
        0.0.0.0:443 | \[::\]:443) ;;
        *) printf '[Socket]\nListenStream=\nListenStream=%s\n' "$listen" >"$work/port.conf" ;;
    esac
    port="$units/$program.socket.d/port.conf" before=""
    [ ! -f "$port" ] || before="$(cat "$port")"
    rm -f "$port"
    place 644 "$work/port.conf" "$port"
    write_record
    if runs_systemd; then
        systemctl daemon-reload
        # A socket that is open already keeps the port that it has.
        [ "$before" = "$(cat "$port" 2>/dev/null || true)" ] || systemctl stop "$program.service" "$program.socket"
        if [ -z "$opened" ]; then
            systemctl disable --quiet --now "$program.socket" 2>/dev/null || true
        else
            systemctl enable --quiet --now "$opened" || die "systemd cannot open the relay's port; see: systemctl status $opened"
        fi
        systemctl enable --quiet "$program.service"
        systemctl restart "$program.service" || die "the relay does not start; see: journalctl -u $program"
        say "the relay runs; its log: journalctl -u $program"
    else
        say "systemd does not run here; start the relay as $relay_user:  $program --config $relay_config/relay.toml run"
    fi
}

# --- removing it -----------------------------------------------------------------------------------------------------

# usage: remove_directories LINES: innermost first; one that holds anything else stays.
remove_directories() {
    printf '%s\n' "$1" | awk '/\/$/ { line[++count] = $0 } END { for (; count > 0; count--) print line[count] }' |
        while IFS= read -r path; do rmdir "$path" 2>/dev/null || true; done
}

uninstall() {
    [ -f "$record" ] || ! has "$program" ||
        die "$(command -v "$program") is not of this installer, or has another --prefix than $prefix: remove it the way it came"
    if [ "$program" = awslambdaproxy ]; then stop_agent; else stop_relay; fi
    if [ -f "$record" ]; then
        made="$(cat "$record")"
        printf '%s\n' "$made" | while IFS= read -r path; do
            case "$path" in
                */) ;;
                *) rm -f "$path" ;;
            esac
        done
        remove_directories "$made"
        if [ "$program" = awslambdaproxy-relay ]; then reload_units; fi
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
    if [ "$purge" = yes ] && has_deployments; then
        die "functions of yours are still in AWS; run \`awslambdaproxy destroy\` first"
    fi
    agent="$prefix/bin/awslambdaproxy"
    # One that does not run on this machine has set up nothing on it.
    "$agent" --version >/dev/null 2>&1 || return 0
    take_back proxy off
    take_back service uninstall
}

# usage: take_back WORDS: who has nothing to take back says yes.
take_back() {
    refused="$("$agent" "$@" 2>&1 >/dev/null </dev/null)" ||
        die "\`awslambdaproxy $*\` failed, so the program that can do it stays: ${refused#error: }"
}

has_deployments() {
    tr -d ' \t\r\n' 2>/dev/null <"$(state)/deployments.json" | grep -q '"deployments":\[{'
}

state() {
    if [ "$(uname -s)" = Darwin ]; then
        echo "$HOME/Library/Application Support/awslambdaproxy"
    else
        xdg "${XDG_STATE_HOME:-}" .local/state
    fi
}

# usage: xdg VALUE DEFAULT: a relative value counts for nothing.
xdg() {
    case "$1" in
        /*) echo "$1/awslambdaproxy" ;;
        *) echo "$HOME/$2/awslambdaproxy" ;;
    esac
}

purge_agent() {
    rm -rf "$(state)"
    if [ "$(uname -s)" = Darwin ]; then
        rm -f "$HOME/Library/Logs/awslambdaproxy.log"
    else
        rm -rf "$(xdg "${XDG_CONFIG_HOME:-}" .config)" "$(xdg "${XDG_DATA_HOME:-}" .local/share)" "$(xdg "${XDG_CACHE_HOME:-}" .cache)"
    fi
    say "removed the configuration and state of awslambdaproxy"
}

stop_relay() {
    if runs_systemd; then systemctl disable --now --quiet "$program.socket" "$program.service" 2>/dev/null || true; fi
}

runs_systemd() { [ -d /run/systemd/system ] && has systemctl; }

reload_units() {
    if runs_systemd; then systemctl daemon-reload; fi
}

purge_relay() {
    rm -rf "$relay_config" "$relay_state"
    if id -u "$relay_user" >/dev/null 2>&1; then
        if has userdel; then userdel "$relay_user"; else deluser "$relay_user"; fi || die "cannot remove the user $relay_user"
    fi
    say "removed the configuration, state and user of the relay"
}

main "$@"
exit 0
}
