"""One account with its laws: how slow its changes are, which regions are enabled, what goes wrong, and what was asked."""

import secrets
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .faults import Faults
from .lifecycle import Lifecycle
from .machine import Machines
from .moto_accounts import Account
from .operation import Operation

EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
ADMINISTRATOR = "administrator"
# Who does by hand what a test wants done: its calls are not counted, and nothing goes wrong for it.
CONSOLE = "console"


@dataclass
class Laws:
    """What a test may choose about an account."""

    # How long a new function is Pending, and a changed one InProgress; AWS takes seconds.
    pending_s: float = 0.15
    update_s: float = 0.15
    # How long a new role cannot be assumed by Lambda.
    role_delay_s: float = 0.0
    # Regions that the account has not enabled.
    closed_regions: list[str] = field(default_factory=list)
    # Concurrent executions of a region; new accounts have 10.
    concurrency: int = 10
    # How wrong the front's own clock is; AWS tolerates five minutes.
    clock_offset_s: float = 0.0


@dataclass
class Call:
    """One call, answered or not, with every permission that it needs."""

    number: int
    action: str
    region: str
    user: str
    writes: bool
    needs: list[str] = field(default_factory=list)
    status: int | None = None


@dataclass
class Session:
    """Temporary credentials of a user."""

    secret: str
    token: str
    key_of_user: str
    ends: float


class World:
    """One account."""

    def __init__(self, number: str, laws: dict[str, Any], folder: Path, agent: str):
        self.account = Account(number)
        self.laws = Laws(**laws)
        self.faults = Faults()
        self.lifecycle = Lifecycle(self.account, self.laws)
        self.machines = Machines(folder, agent, self.laws)
        self.sessions: dict[str, Session] = {}
        self.calls: list[Call] = []
        self.lock = threading.Lock()
        self.administrator = self.account.create_user(ADMINISTRATOR, EVERYTHING)
        self.console = self.account.create_user(CONSOLE, EVERYTHING)

    def record(self, operation: Operation, region: str, user: str) -> Call:
        with self.lock:
            call = Call(len(self.calls) + 1, operation.action, region, user, operation.writes)
            self.calls.append(call)
        return call

    def forget(self) -> None:
        """Begins the count of calls anew, without faults."""
        with self.lock:
            self.calls = []
        self.faults.orders = []

    def told(self, user: str) -> list[dict[str, Any]]:
        """The calls of a user so far."""
        with self.lock:
            return [asdict(call) for call in self.calls if call.user == user]

    def session(self, access_key: str, seconds: float) -> tuple[str, str, str]:
        """Temporary credentials for the owner of a key."""
        key, secret, token = f"ASIA{secrets.token_hex(8).upper()}", secrets.token_hex(20), secrets.token_urlsafe(64)
        self.sessions[key] = Session(secret, token, access_key, time.monotonic() + seconds)
        return key, secret, token

    def close(self) -> None:
        self.machines.close()
