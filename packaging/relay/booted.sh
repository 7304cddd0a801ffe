#!/bin/sh
# What boot.sh runs inside its machine, as root: installs the relay by the installer and by the package, in each mode of TLS,
# and does with its service what an administrator does. A system call that the service's filter refuses kills it here, where
# it would get EPERM otherwise, so that none is refused in silence.
set -eu
export SYSTEMD_COLORS=0 SYSTEMD_URLIFY=0 SYSTEMD_EMOJI=0 SYSTEMD_PAGER=
name=relay.example.com service=awslambdaproxy-relay.service socket=awslambdaproxy-relay.socket
config=/etc/awslambdaproxy-relay state=/var/lib/awslambdaproxy-relay
work="$(mktemp -d)"
code="$work/code"
begun="$(date +%s)"

step() { printf '%3s s  %s\n' "$(($(date +%s) - begun))" "$*"; }
fail() {
    trap - EXIT
    echo "error: $*"
    systemctl status --full --lines 0 "$service" "$socket" || true
    journalctl --boot --lines 60
    exit 1
}
trap '[ $? = 0 ] || fail "the last step did not end well"' EXIT

# usage: eventually COMMAND…: within minutes, since the machine is emulated and may have a small part of a busy processor.
eventually() {
    for _ in $(seq 750); do
        if "$@" >/dev/null 2>&1; then return; fi
        sleep 0.2
    done
    fail "not in time: $*"
}
logged() { journalctl --boot --unit "$service" --grep "$1" --quiet; }
healthy() { curl -fsSk "https://$name/healthz"; }
trusting() { curl -fsS --cacert "$1" "https://$name/healthz"; }
fingerprint() { openssl s_client -connect "$name:443" </dev/null 2>/dev/null | openssl x509 -outform der | sha256sum | cut -d' ' -f1; }
is_fingerprint() { [ "$(fingerprint)" = "$1" ]; }
main_process() { systemctl show --property MainPID --value "$service"; }
has_restarted_from() { [ "$(main_process)" != "$1" ] && [ "$(main_process)" != 0 ] && healthy; }

# Nobody kills it but we.
undisturbed() {
    if journalctl --boot --quiet --grep 'SIGSYS|type=1326|apparmor="DENIED"|core-dump'; then fail "something was refused"; fi
}

# Every file of the system with its owner, mode and size, but for the books of tools that make users and keep packages.
tree() {
    find /etc /usr /var/lib /opt /root \( -path /var/lib/dpkg -o -path /var/lib/systemd -o -path /root/code \) -prune -o \
        -printf '%p %M %u %g %s\n' | grep -vE '^/etc/((passwd|shadow|group|gshadow|subuid|subgid)-|\.pwd\.lock) |^/(etc|var/lib|root) ' |
        grep -vE '^/etc/systemd/system/[a-z-]+\.wants ' | sort
}
as_before() {
    tree >"$work/after"
    diff "$work/before" "$work/after" || fail "it left something behind"
    if id -u awslambdaproxy-relay 2>/dev/null; then fail "its user is still there"; fi
    if systemctl list-unit-files --no-legend 'awslambdaproxy*' | grep .; then fail "its units are still there"; fi
    if curl -sk "https://$name/healthz"; then fail "its port is still open"; fi
}

# Who asks all the time, each time by a connection of its own, is answered each time: 200, or 503 while the relay stops.
ask_all_the_time() {
    rm -f "$work/enough"
    while [ ! -e "$work/enough" ]; do
        curl -sk -o /dev/null -w '%{http_code} %{errormsg}\n' "https://$name/healthz" || true
    done >"$1"
}
came_often() { [ "$(grep -c '^200 ' "$1")" -ge 5 ]; }
all_answered() {
    # A slow machine asks seldom.
    for answers in "$work"/answers-*; do eventually came_often "$answers"; done
    touch "$work/enough"
    wait "$@"
    for answers in "$work"/answers-*; do
        ! grep -vE '^(200|503) ' "$answers" || fail "somebody was not answered"
    done
    step "$(cat "$work"/answers-* | wc -l) connections meanwhile, $(cat "$work"/answers-* | grep -c '^503 ' || true) of them heard that it stops, none was lost"
}

busybox httpd -p 127.0.0.1:8000 -h /srv/site
mkdir -p "/run/systemd/system/$service.d"
printf '[Service]\nSystemCallErrorNumber=kill\n' >"/run/systemd/system/$service.d/strict.conf"
cp /srv/site/releases/latest/download/install.sh /opt/
tree >"$work/before"
step "$(systemctl --version | head -n 1) is process $(pgrep -xo systemd) of $(uname -sr)"

# --- by the installer, with a certificate of its own -----------------------------------------------------------------
relay() { sh /opt/install.sh --base-url http://127.0.0.1:8000/releases --relay "$@"; }
relay --self-signed --host "$name" --code-file "$code"
systemctl is-active "$service" "$socket" >/dev/null
systemctl is-enabled "$service" "$socket" >/dev/null
systemctl status --lines 0 "$service"
is_fingerprint "$(sed 's/.*#sha256=//' "$code")"
healthy >/dev/null
status="/proc/$(main_process)/status"
for line in 'CapEff:	0000000000000000' 'NoNewPrivs:	1' 'Seccomp:	2'; do
    grep -qxF "$line" "$status" || fail "$line is not so: $(cat "$status")"
done
[ "$(ps -o user:32= "$(main_process)")" = awslambdaproxy-relay ] || fail "it runs as somebody else"
step "self-signed: it runs without privileges, and shows the certificate of the pairing code"
systemd-analyze security "$service" | tail -n 1

awslambdaproxy-relay check
awslambdaproxy-relay agent add second >/dev/null
eventually logged 'list of agents has changed.*agents=2'
awslambdaproxy-relay agent revoke second
eventually logged 'agent revoked'

# A download through a tunnel of a real agent and a real function, while the relay is restarted.
useradd --create-home visitor
mkdir /srv/site/files
head -c 24M /dev/urandom >/srv/site/files/random
install -o visitor -m 600 "$code" /home/visitor/code
cat >/home/visitor/start.sh <<'AGENT'
set -eu
sh /opt/install.sh --base-url http://127.0.0.1:8000/releases
agent="$HOME/.local/bin/awslambdaproxy"
"$agent" init --yes --no-check --relay-file "$HOME/code" --regions us-east-1
AWSLAMBDAPROXY_EGRESS__ALLOW=127.0.0.0/8 exec "$agent" run --local
AGENT
systemd-run --quiet --unit agent --uid visitor --setenv HOME=/home/visitor --working-directory /home/visitor sh start.sh
through() { curl -fsS --proxy http://127.0.0.1:8080 "$@"; }
eventually through -o /dev/null http://127.0.0.1:8000/releases/latest/download/SHA256SUMS
step "an agent and its function are paired"
through --limit-rate 2M -o "$work/random" http://127.0.0.1:8000/files/random &
download=$!
askers=""
for number in 1 2 3; do
    ask_all_the_time "$work/answers-$number" &
    askers="$askers $!"
done
for _ in 1 2 3; do
    old="$(main_process)"
    systemctl restart "$service"
    eventually has_restarted_from "$old"
done
kill -0 "$download" 2>/dev/null || fail "the download was over before the last restart"
# shellcheck disable=SC2086 # one word a process
all_answered $askers
wait "$download" || fail "the download broke"
cmp /srv/site/files/random "$work/random" || fail "the download is not what was sent"
step "three restarts: a download went on through all of them"

old="$(main_process)"
kill -KILL "$old"
eventually has_restarted_from "$old"
through -o /dev/null http://127.0.0.1:8000/releases/latest/download/SHA256SUMS
step "killed: started again by systemd, and the tunnel goes on"
systemctl stop agent
undisturbed

old="$(main_process)"
printf '\n[drain]\ntime = "5s"\n[limits]\nper_agent = 9\n' >>"$config/relay.toml"
systemctl reload "$service"
logged 'the configuration was read again' >/dev/null
[ "$(main_process)" = "$old" ] || fail "a reload is no restart"
echo 'listen = 5' >"$work/wrong"
cp "$config/relay.toml" "$work/right"
cp "$work/wrong" "$config/relay.toml"
if systemctl restart "$service"; then fail "it starts with a configuration of no use"; fi
sleep 1
[ "$(systemctl show --property NRestarts --value "$service")" = 0 ] || fail "it was started again with a configuration of no use"
cp "$work/right" "$config/relay.toml"
systemctl reset-failed "$service"
systemctl start "$service" "$socket"
eventually healthy
step "reloaded; a wrong configuration fails once, and a right one mends it"

# --- with a certificate of somebody's, which is replaced -------------------------------------------------------------
certificate() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$1" -addext "subjectAltName=DNS:$1" \
        -addext basicConstraints=critical,CA:FALSE -keyout "$work/key.pem" -out "$work/certificate.pem" 2>/dev/null
}
replace() {
    certificate "$name"
    install -g awslambdaproxy-relay -m 640 "$work/key.pem" "$config/key.pem"
    install -m 644 "$work/certificate.pem" "$config/certificate.pem"
}
replace
printf 'listen = "0.0.0.0:443"\n[tls]\nmode = "files"\ncertificate = "certificate.pem"\nkey = "key.pem"\n' >"$config/relay.toml"
systemctl restart "$service"
eventually trusting "$work/certificate.pem"
replace
eventually trusting "$work/certificate.pem"
undisturbed
step "files: served, and followed when they were replaced"

relay --uninstall --purge
userdel --remove visitor 2>/dev/null
as_before
step "removed by the installer: everything is as before"

# --- by the package, with a certificate of a CA ----------------------------------------------------------------------
dpkg --install /opt/*.deb >/dev/null
certificate localhost
cp "$work/certificate.pem" "$work/ca.pem"
cat >"$work/pebble.json" <<'CA'
{"pebble": {"listenAddress": "127.0.0.1:14000", "managementListenAddress": "127.0.0.1:15000", "certificate": "certificate.pem",
 "privateKey": "key.pem", "httpPort": 80, "tlsPort": 443}}
CA
systemd-run --quiet --unit names pebble-challtestsrv -defaultIPv4 127.0.0.1 -defaultIPv6 "" -http01 "" -https01 "" -tlsalpn01 "" \
    -dns01 127.0.0.1:8053
systemd-run --quiet --unit ca --working-directory "$work" --setenv PEBBLE_VA_NOSLEEP=1 pebble -config pebble.json -dnsserver 127.0.0.1:8053
eventually curl -fsS --cacert "$work/ca.pem" -o "$work/root.pem" https://localhost:15000/roots/0
awslambdaproxy-relay init --domain "$name" >"$code"
sed -i "/^mode = /a acme_directory = \"https://localhost:14000/dir\"\nacme_root = \"ca.pem\"" "$config/relay.toml"
install -m 644 "$work/ca.pem" "$config/"
systemctl enable --quiet --now "$socket" "$service"
eventually trusting "$work/root.pem"
issued="$(fingerprint)"
step "acme: a CA has issued, and the relay serves it"
systemctl restart "$service"
eventually trusting "$work/root.pem"
is_fingerprint "$issued" || fail "it ordered again after a restart"
find "$state" ! -user awslambdaproxy-relay | grep . && fail "not all of its state is its own"
undisturbed

ask_all_the_time "$work/answers-1" &
askers=$!
rm -f "$work"/answers-2 "$work"/answers-3
old="$(main_process)"
sleep 2
dpkg --install /opt/*.deb >/dev/null
eventually has_restarted_from "$old"
sleep 2
all_answered "$askers"
is_fingerprint "$issued" || fail "it ordered again after an upgrade"
step "the package was installed again over itself"
dpkg --purge awslambdaproxy-relay >/dev/null
as_before
step "removed by dpkg: everything is as before"
undisturbed
echo "all is well"
