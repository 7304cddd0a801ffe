#!/bin/sh
# Builds the agent for Windows on Linux, and runs it under Wine: `packaging/develop/windows.sh`. A page is fetched through its
# own local mode, and every command that asks a running agent is asked. Wine is not Windows: what this shows is that the code
# for Windows does what it should where Wine does what Windows does.
set -eu
cd "$(dirname "$0")/../.."
packaging/develop/prepare.sh windows
export PATH="$HOME/.cargo/bin:$PATH:/usr/lib/wine"
target=x86_64-pc-windows-gnu

# Where the toolchain has no standard library for Windows, Debian's compiler and the library's source, which Debian has too.
export CARGO_TARGET_DIR="$PWD/target/windows"
export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=x86_64-w64-mingw32-gcc
set -- build --package awslambdaproxy --target "$target" --config 'profile.dev.package."*".opt-level=0'
if [ -d "$(rustc --print sysroot)/lib/rustlib/$target/lib" ]; then
    cargo "$@"
else
    RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 cargo "$@" -Zbuild-std=std,panic_abort
fi

# What is started here ends here. The processes of Windows are those of this Wine's server.
work="$(mktemp -d)"
export WINEPREFIX="$work/wine" WINEDEBUG=-all
. packaging/develop/serve.sh
agent=""
cleanup() {
    [ -z "$site" ] || kill "$site" 2>/dev/null || true
    wineserver64 -k 2>/dev/null || true
    [ -z "$agent" ] || wait "$agent" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP
program="$CARGO_TARGET_DIR/$target/debug/awslambdaproxy.exe"
config="$work/config.toml"
it() { wine64 "$program" --config "$config" "$@"; }
# usage: want TEXT FILE: the file says it.
want() { grep -qF "$1" "$2" || { echo "error: this does not say \"$1\":" >&2 && cat "$2" >&2 && exit 1; }; }
# usage: code NUMBER COMMAND…: it ends so.
code() {
    wanted="$1" && shift
    found=0
    "$@" || found=$?
    [ "$found" = "$wanted" ] || { echo "error: $* ended with $found, not $wanted" >&2 && exit 1; }
}

# Rust's library takes random bytes from a library that older Wines do not have; the same call under its older name.
cat >"$work/random.c" <<'C'
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length) { return SystemFunction036(data, (ULONG)length); }
C
x86_64-w64-mingw32-gcc -shared "$work/random.c" -o "$(dirname "$program")/bcryptprimitives.dll" -ladvapi32

wine64 "$program" --version
it config path >/dev/null 2>&1
echo "a page" >"$work/page"
serve "$work" "$work/site.log"
cat >"$config" <<TOML
regions = ["local-1", "local-2"]
[proxy]
listen = "127.0.0.1:0"
[exits]
check_url = ""
[egress]
allow = ["127.0.0.0/8"]
TOML

code 3 it config check 2>"$work/checked"
want "free labels work with --local only" "$work/checked"
code 6 it status
wine64 "$program" --config "$config" run --local >"$work/run.log" 2>&1 &
agent=$!
proxy=""
while [ -z "$proxy" ]; do
    kill -0 "$agent" || { cat "$work/run.log" >&2 && exit 1; }
    proxy="$(sed -n 's/.*proxy on \([0-9.:]*\).*/\1/p' "$work/run.log")"
done
for scheme in http socks5h; do
    curl -sS --max-time 60 -x "$scheme://$proxy" "http://127.0.0.1:$port/page" >"$work/fetched"
    want "a page" "$work/fetched"
done
code 1 it run --local 2>"$work/second"
want "already running on this configuration, as process" "$work/second"
code 0 it status >"$work/status"
want "local-2" "$work/status"
code 0 it rotate local-1 >"$work/rotated"
want "local-1" "$work/rotated"
code 42 it exec -- cmd /c "exit 42"
code 0 it env --shell powershell >"$work/env"
want "\$env:HTTP_PROXY" "$work/env"
# Wine makes Ctrl-C of it.
kill -INT "$agent"
code 0 wait "$agent"
code 6 it status
echo "Windows under Wine: a page came through the agent's exits, the running agent answered, and Ctrl-C ended it"
