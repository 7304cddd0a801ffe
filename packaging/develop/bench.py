#!/usr/bin/env python3
"""Figures of the whole path on this machine, as ratios to a one-hop tinyproxy in the same run.

Needs a release build, nginx, tinyproxy and curl:
    cargo build --release && packaging/develop/bench.py [--runs 5] [--mib 1024]

Prints: start to first proxied byte, resident memory of a function with one tunnel, relay memory per idle tunnel,
bulk throughput down and up and CPU seconds per GB of agent, relay and function against tinyproxy's. Medians; the runs
alternate, so that a drifting machine drifts for both.
"""
import argparse, os, shutil, signal, socket, statistics, subprocess, tempfile, time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
AGENT = ROOT / "target/release/awslambdaproxy"
TICK = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_port(port):
    for _ in range(400):
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(0.025)
    raise SystemExit(f"nothing listens on {port}")


def cpu(pids):
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK


def rss_kib(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    return 0


def tree(pid):
    found = []
    listed = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()]
    def walk(parent):
        for row in rows:
            if int(row[1]) == parent:
                found.append((int(row[0]), row[2]))
                walk(int(row[0]))
    walk(pid)
    return found


class Site:
    def __init__(self, folder):
        self.port = free_port()
        for name in ("www", "www/up", "tmp"):
            (folder / name).mkdir()
        for name in ("", "www", "www/up", "tmp"):
            (folder / name).chmod(0o777)
        (folder / "nginx.conf").write_text(f"""daemon off; worker_processes 1; pid nginx.pid; error_log error.log;
events {{ worker_connections 1024; }}
http {{ access_log off; client_max_body_size 0; client_body_temp_path tmp; sendfile on;
  proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;
  server {{ listen 127.0.0.1:{self.port}; root {folder}/www; location /up/ {{ dav_methods PUT; }} }} }}
""")
        (folder / "www/small").write_text("x")
        nginx = shutil.which("nginx") or "/usr/sbin/nginx"
        self.process = subprocess.Popen([nginx, "-p", str(folder), "-c", "nginx.conf", "-e", "error.log"])
        wait_port(self.port)


class Ours:
    name = "awslambdaproxy"

    def __init__(self, folder, regions=1):
        self.port = free_port()
        home = folder / "home"
        home.mkdir(exist_ok=True)
        names = ", ".join(f'"r{number}"' for number in range(regions))
        (home / "config.toml").write_text(f"""regions = [{names}]
[proxy]
listen = "127.0.0.1:{self.port}"
[egress]
allow = ["127.0.0.0/8"]
[exits]
check_url = ""
""")
        environment = {"HOME": str(home), "XDG_STATE_HOME": str(home), "PATH": os.environ["PATH"]}
        self.begun = time.monotonic()
        self.process = subprocess.Popen(
            [AGENT, "--config", home / "config.toml", "-q", "run", "--local"],
            env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_port(self.port)

    def pids(self):
        return [self.process.pid] + [pid for pid, args in tree(self.process.pid) if "local-lambda" not in args]

    def by_name(self, name):
        return [pid for pid, args in tree(self.process.pid) if name in args]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


class Tinyproxy:
    name = "tinyproxy"

    def __init__(self, folder):
        self.port = free_port()
        (folder / "tiny.conf").write_text(f"Port {self.port}\nListen 127.0.0.1\nTimeout 600\nMaxClients 100\nAllow 127.0.0.1\nLogLevel Error\n")
        self.process = subprocess.Popen(["tinyproxy", "-d", "-c", str(folder / "tiny.conf")], stdout=subprocess.DEVNULL)
        wait_port(self.port)

    def pids(self):
        return [self.process.pid]

    def stop(self):
        self.process.terminate()
        self.process.wait()


def bulk(proxy, site, folder, up):
    arguments = ["curl", "-sS", "-f", "-x", f"http://127.0.0.1:{proxy.port}", "--proxytunnel", "-o", "/dev/null"]
    arguments += ["-T", str(folder / "www/big"), f"http://127.0.0.1:{site.port}/up/big"] if up else [f"http://127.0.0.1:{site.port}/big"]
    pids = proxy.pids()
    before, begun = cpu(pids), time.monotonic()
    subprocess.run(arguments, check=True)
    return time.monotonic() - begun, cpu(pids) - before


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--mib", type=int, default=1024)
    options = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    folder.chmod(0o755)
    site = Site(folder)
    size = options.mib << 20
    with open(folder / "www/big", "wb") as big:
        big.truncate(size)
    try:
        starts = []
        for _ in range(options.runs):
            agent = Ours(folder)
            subprocess.run(["curl", "-sS", "-f", "-x", f"http://127.0.0.1:{agent.port}", "-o", "/dev/null", f"http://127.0.0.1:{site.port}/small"], check=True)
            starts.append(time.monotonic() - agent.begun)
            agent.stop()
        print(f"start of `run --local` to the first proxied byte: {statistics.median(starts) * 1000:.0f} ms")

        agent, tiny = Ours(folder), Tinyproxy(folder)
        time.sleep(2)
        print(f"resident memory of a function with one tunnel: {rss_kib(agent.by_name('local-function')[0]) / 1024:.1f} MiB")
        figures = {}
        for _ in range(options.runs):
            for proxy in (agent, tiny):
                for up in (False, True):
                    figures.setdefault((proxy.name, up), []).append(bulk(proxy, site, folder, up))
        for up in (False, True):
            ours, theirs = figures[("awslambdaproxy", up)], figures[("tinyproxy", up)]
            speed = statistics.median(b[0] / a[0] for a, b in zip(ours, theirs))
            costs = [statistics.median(run[1] for run in runs) / (size / 1e9) for runs in (ours, theirs)]
            print(f"bulk {'up' if up else 'down'}: {speed:.2f} of tinyproxy's throughput "
                  f"({size / 1e6 / statistics.median(run[0] for run in ours):.0f} MB/s); "
                  f"CPU-s/GB {costs[0]:.2f} of agent, relay and function, {costs[1]:.2f} of tinyproxy: {costs[0] / costs[1]:.2f}")
        agent.stop(), tiny.stop()

        relays = {}
        for regions in (1, 41):
            agent = Ours(folder, regions)
            time.sleep(12)
            relays[regions] = rss_kib(agent.by_name("local-relay")[0])
            agent.stop()
        print(f"relay memory per idle tunnel (plain WebSocket): {(relays[41] - relays[1]) / 40:.0f} KiB")
    finally:
        site.process.terminate()
        shutil.rmtree(folder, ignore_errors=True)


main()
