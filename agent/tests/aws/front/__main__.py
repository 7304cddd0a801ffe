"""`python -m front AGENT FOLDER`: serves until its standard input ends, and takes with it what it started.

AGENT is the awslambdaproxy executable, whose hidden subcommand is the local Lambda; FOLDER is where uploaded code is unpacked.
The first line of standard output is {"listen": "127.0.0.1:PORT"}.
"""

import json
import signal
import sys
import threading
from pathlib import Path

from .control import Control
from .server import Endpoint


def main() -> None:
    agent, folder = sys.argv[1:]
    # A terminal's Ctrl-C means the tests, whose end is seen anyhow.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    endpoint = Endpoint()
    threading.Thread(target=endpoint.serve_forever, daemon=True).start()
    host, port = endpoint.server_address[:2]
    print(json.dumps({"listen": f"{host}:{port}"}), flush=True)
    control = Control(endpoint, Path(folder), agent)
    for line in sys.stdin:
        print(control.obey(line), flush=True)
    control.close()


main()
