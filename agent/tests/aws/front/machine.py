"""The uploaded code, run: one local Lambda for each zip, with every region in it.

A region's configuration there follows what is deployed, before each invocation; a change makes later invocations start in
new instances, as in AWS.
"""

import base64
import http.client
import io
import json
import secrets
import struct
import subprocess
import threading
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import botocore.session

from .errors import Answer
from .lifecycle import Deployed

if TYPE_CHECKING:
    from .world import Laws

# Every region of the public partition, so that each has a byte of its own in the exits' source addresses.
REGIONS = sorted(botocore.session.Session().get_available_regions("lambda"))
# Longer than any invocation: 15 minutes, and what starts and ends around it.
LONGEST_S = 960
# e_machine of an ELF header (elf(5)), by Lambda's word.
MACHINES = {"x86_64": 62, "arm64": 183}
FUNCTION = "function"


class Machine:
    """One zip in a local Lambda."""

    def __init__(self, folder: Path, agent: str, deployed: Deployed, laws: "Laws"):
        self.lock = threading.Lock()
        self.running: dict[str, str] = {}
        self.architecture = extract(deployed.code, folder)
        self.token = secrets.token_hex(32)
        self.billing = folder / "billing.jsonl"
        options = {
            "regions": REGIONS,
            "function_name": FUNCTION,
            "command": [str(folder / "bootstrap")],
            "wrapper": [agent, "local-child"],
            "env": {},
            "timeout_s": deployed.timeout_s,
            "memory_mb": deployed.memory_mb,
            "concurrency": laws.concurrency,
            "idle_life_s": 600,
            "billing": str(self.billing),
            "token": self.token,
        }
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen([agent, "local-lambda"], start_new_session=True, **pipes)
        self.process.stdin.write(json.dumps(options).encode() + b"\n")
        self.process.stdin.flush()
        host, _, port = json.loads(self.process.stdout.readline())["listen"].rpartition(":")
        self.address = (host, int(port))

    def invoke(self, region: str, deployed: Deployed, payload: bytes) -> Answer:
        if deployed.architecture != self.architecture:
            return exec_format_error()
        with self.lock:
            self.configure(region, deployed)
        headers = {"X-Amz-Invocation-Type": "RequestResponse", "X-Amz-Log-Type": "Tail"}
        return self.ask("POST", f"/{region}/2015-03-31/functions/{FUNCTION}/invocations", payload, headers)

    def configure(self, region: str, deployed: Deployed) -> None:
        if self.running.get(region) == deployed.revision:
            return
        change = {
            "Environment": {"Variables": deployed.variables},
            "Timeout": deployed.timeout_s,
            "MemorySize": deployed.memory_mb,
        }
        answer = self.ask("PUT", f"/{region}/2015-03-31/functions/{FUNCTION}/configuration", json.dumps(change).encode(), {})
        if answer.status != 200:
            raise RuntimeError(f"the local Lambda refused its configuration: {answer.body!r}")
        self.running[region] = deployed.revision

    def ask(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        connection = http.client.HTTPConnection(*self.address, timeout=LONGEST_S)
        connection.request(method, path, body, {"Authorization": f"Bearer {self.token}", **headers})
        response = connection.getresponse()
        kept = {name: value for name, value in response.getheaders() if name.lower().startswith("x-amz") or name == "content-type"}
        answer = Answer(response.status, kept, response.read())
        connection.close()
        return answer

    def close(self) -> None:
        """Ends it with all that it runs."""
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.terminate()
        self.process.wait()


class Machines:
    """The zips of one account that were invoked."""

    def __init__(self, folder: Path, agent: str, laws: "Laws"):
        self.folder = folder
        self.agent = agent
        self.laws = laws
        self.machines: dict[str, Machine] = {}
        self.lock = threading.Lock()

    def of(self, deployed: Deployed) -> Machine:
        with self.lock:
            if deployed.code_sha256 not in self.machines:
                folder = self.folder / str(len(self.machines))
                folder.mkdir(parents=True)
                self.machines[deployed.code_sha256] = Machine(folder, self.agent, deployed, self.laws)
            return self.machines[deployed.code_sha256]

    def billed(self) -> dict[str, float]:
        """What all of them billed."""
        with self.lock:
            files = [machine.billing for machine in self.machines.values()]
        entries = [json.loads(line) for file in files if file.exists() for line in file.read_text().splitlines()]
        gb_seconds = sum(each["billed_ms"] / 1000 * each["memory_mb"] / 1024 for each in entries)
        requests = sum(each.get("invocations", 1) for each in entries)
        return {"billed_ms": sum(each["billed_ms"] for each in entries), "gb_seconds": gb_seconds, "requests": requests}

    def close(self) -> None:
        with self.lock:
            for machine in self.machines.values():
                machine.close()
            self.machines.clear()


def extract(code: bytes, folder: Path) -> str:
    """Unpacks a zip with the modes that it gives, and says for which machine its bootstrap is."""
    with zipfile.ZipFile(io.BytesIO(code)) as archive:
        for entry in archive.infolist():
            path = Path(archive.extract(entry, folder))
            path.chmod((entry.external_attr >> 16) & 0o777)
    return architecture((folder / "bootstrap").read_bytes())


def architecture(program: bytes) -> str:
    """Of an ELF file; a script runs anywhere, which is said as x86_64."""
    machine = struct.unpack_from("<H", program, 18)[0] if program.startswith(b"\x7fELF") else MACHINES["x86_64"]
    return next((word for word, number in MACHINES.items() if number == machine), f"machine {machine}")


def exec_format_error() -> Answer:
    """What a program for another machine comes to."""
    document = {"errorType": "Runtime.InvalidEntrypoint", "errorMessage": "fork/exec /var/task/bootstrap: exec format error"}
    tail = base64.b64encode(b"INIT_REPORT Init Duration: 0.00 ms\tPhase: init\tStatus: error\tError Type: Runtime.InvalidEntrypoint\n")
    headers = {"Content-Type": "application/json", "X-Amz-Function-Error": "Unhandled", "X-Amz-Log-Result": tail.decode()}
    return Answer(200, headers, json.dumps(document).encode())
