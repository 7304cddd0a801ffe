"""What a test orders to go wrong, and at which call."""

import select
import socket
import threading
import time
from dataclasses import dataclass

from .errors import Answer, AwsError, expired, invalid_parameter, not_opted_in
from .operation import Operation

# An answer that no AWS service ever gave: a captive portal's page, or a proxy's.
MALFORMED = b"<html><body>Welcome! Please sign in to this network.</body></html>"


@dataclass
class Fault:
    """`kind` at the calls that fit, the first `times` of them. `after` lets the call do its work first."""

    kind: str
    action: str | None = None
    region: str | None = None
    number: int | None = None
    times: int | None = None
    after: bool = False
    seconds: float = 0.0
    message: str = ""

    def fits(self, operation: Operation, region: str, number: int) -> bool:
        return (
            (self.times is None or self.times > 0)
            and self.action in (None, operation.action)
            and self.region in (None, region)
            and self.number in (None, number)
        )


class Faults:
    """The orders of one account. Every call asks for its fault once."""

    def __init__(self) -> None:
        self.orders: list[Fault] = []
        self.lock = threading.Lock()
        self.held = 0

    def take(self, operation: Operation, region: str, number: int) -> Fault | None:
        with self.lock:
            found = next((fault for fault in self.orders if fault.fits(operation, region, number)), None)
            if found and found.times is not None:
                found.times -= 1
        return found

    def strike(self, fault: Fault, connection: socket.socket) -> Answer | None:
        """The answer that the fault makes; None where it only delayed the true one."""
        match fault.kind:
            case "slow":
                time.sleep(fault.seconds)
                return None
            case "hang":
                self.hold(connection)
                raise ConnectionAbortedError
            case "cut":
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"Fun")
                raise ConnectionAbortedError
            case "drop":
                raise ConnectionAbortedError
            case "malformed":
                return Answer(200, {"Content-Type": "text/html"}, MALFORMED)
        raise refusal(fault)

    def hold(self, connection: socket.socket) -> None:
        """Says nothing until the caller goes away."""
        with self.lock:
            self.held += 1
        try:
            select.select([connection], [], [])
        finally:
            with self.lock:
                self.held -= 1


def refusal(fault: Fault) -> AwsError:
    match fault.kind:
        case "throttle":
            return AwsError(429, "TooManyRequestsException", "Rate exceeded", {"Reason": "CallerRateLimitExceeded"})
        case "error":
            return AwsError(500, "ServiceException", "An internal error occurred.")
        case "expired":
            return expired()
        case "not-opted-in":
            return not_opted_in()
        case "invalid-parameter":
            return invalid_parameter(fault.message)
        case "conflict":
            return AwsError(409, "ResourceConflictException", fault.message)
    raise ValueError(f"no such fault: {fault.kind}")
