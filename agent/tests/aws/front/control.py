"""What a test tells the front: a JSON line in, a JSON line out, one after the other.

| do | with | answers |
|---|---|---|
| open | laws | account, key, secret (of an administrator) |
| laws | account, laws | |
| user | account, name, policy | key, secret |
| policy | account, name, policy | |
| session | account, key, seconds | key, secret, token |
| expire | account, key | |
| fault | account, fault | |
| forget | account | |
| calls | account, user | calls |
| held | account | held: how many calls hang now |
| aws | account, service, region, operation, parameters | answer: as boto3 gives it; {"$file": path} is a file's bytes |
| holdings | account | roles, policies, functions, log_groups |
| billed | account | billed_ms, gb_seconds, requests |
| close | account | |
"""

import itertools
import json
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from .faults import Fault
from .server import Endpoint
from .world import World

# moto's accounts are the process's.
ACCOUNTS = itertools.count(100_000_000_001)


class Control:
    """The front's own commands."""

    def __init__(self, endpoint: Endpoint, folder: Path, agent: str):
        self.endpoint = endpoint
        self.folder = folder
        self.agent = agent
        self.clients: dict[tuple[str, str, str], Any] = {}

    def obey(self, line: str) -> str:
        order = json.loads(line)
        command = getattr(self, f"do_{order.pop('do')}")
        try:
            return json.dumps(command(**order) or {}, default=str)
        except Exception as error:
            return json.dumps({"error": f"{type(error).__name__}: {error}"})

    def world(self, account: str) -> World:
        return self.endpoint.worlds[account]

    def do_open(self, laws: dict[str, Any]) -> dict[str, Any]:
        account = str(next(ACCOUNTS))
        world = World(account, laws, self.folder / account, self.agent)
        self.endpoint.worlds[account] = world
        key, secret = world.administrator
        return {"account": account, "key": key, "secret": secret}

    def do_laws(self, account: str, laws: dict[str, Any]) -> None:
        for name, value in laws.items():
            setattr(self.world(account).laws, name, value)

    def do_user(self, account: str, name: str, policy: dict[str, Any]) -> dict[str, str]:
        key, secret = self.world(account).account.create_user(name, policy)
        return {"key": key, "secret": secret}

    def do_policy(self, account: str, name: str, policy: dict[str, Any]) -> None:
        self.world(account).account.put_policy(name, policy)

    def do_session(self, account: str, key: str, seconds: float) -> dict[str, str]:
        key, secret, token = self.world(account).session(key, seconds)
        return {"key": key, "secret": secret, "token": token}

    def do_expire(self, account: str, key: str) -> None:
        self.world(account).sessions[key].ends = 0.0

    def do_fault(self, account: str, fault: dict[str, Any]) -> None:
        self.world(account).faults.orders.append(Fault(**fault))

    def do_forget(self, account: str) -> None:
        self.world(account).forget()

    def do_calls(self, account: str, user: str) -> dict[str, Any]:
        return {"calls": self.world(account).told(user)}

    def do_held(self, account: str) -> dict[str, int]:
        return {"held": self.world(account).faults.held}

    def do_aws(self, account: str, service: str, region: str, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        if (account, service, region) not in self.clients:
            self.clients[(account, service, region)] = self.client(account, service, region)
        answer = getattr(self.clients[(account, service, region)], operation)(**with_files(parameters))
        answer.pop("ResponseMetadata", None)
        if payload := answer.get("Payload"):
            answer["Payload"] = payload.read().decode()
        return {"answer": answer}

    def client(self, account: str, service: str, region: str) -> Any:
        key, secret = self.world(account).console
        host, port = self.endpoint.server_address[:2]
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=f"http://{host}:{port}",
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            config=Config(retries={"total_max_attempts": 1}, read_timeout=960),
        )

    def do_holdings(self, account: str) -> dict[str, Any]:
        return self.world(account).account.holdings()

    def do_billed(self, account: str) -> dict[str, Any]:
        return self.world(account).machines.billed()

    def do_close(self, account: str) -> None:
        self.endpoint.worlds.pop(account).close()

    def close(self) -> None:
        for account in list(self.endpoint.worlds):
            self.do_close(account)


def with_files(value: Any) -> Any:
    """Replaces {"$file": path} by the file's bytes."""
    if isinstance(value, dict):
        return Path(value["$file"]).read_bytes() if "$file" in value else {key: with_files(each) for key, each in value.items()}
    return value
