"""A request as it came over the wire, and what its SigV4 signature says of it."""

import re
from dataclasses import dataclass
from email.message import Message

AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<date>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request,\s*"
    r"SignedHeaders=(?P<signed>[^,]+),\s*Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True)
class Scope:
    """The credential scope: the only thing that tells region and service, since there is one endpoint for all."""

    key: str
    region: str
    service: str
    signed: tuple[str, ...]
    signature: str


@dataclass(frozen=True)
class Request:
    """One call. `target` is path and query, as sent."""

    method: str
    target: str
    headers: Message
    body: bytes
    scope: Scope

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]


def scope_of(headers: Message) -> Scope | None:
    """Reads the Authorization field; None without a SigV4 signature."""
    found = AUTHORIZATION.fullmatch(headers.get("Authorization", ""))
    if not found:
        return None
    signed = tuple(found["signed"].split(";"))
    return Scope(found["key"], found["region"], found["service"], signed, found["signature"])
