# shellcheck shell=sh
# For scripts that need a site on loopback: `serve DIRECTORY LOG` starts one, and sets `site` to its process and `port`.
# Who sources this ends it.
site="" port=""
serve() {
    python3 -u -m http.server --bind 127.0.0.1 --directory "$1" 0 >"$2" 2>&1 &
    site=$!
    while [ -z "$port" ]; do
        kill -0 "$site"
        port="$(sed -n 's/.*port \([0-9]*\).*/\1/p' "$2")"
    done
}
