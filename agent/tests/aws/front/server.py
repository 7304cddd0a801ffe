"""The endpoint: one for every service and account, on loopback, with a thread for each connection."""

import email.utils
import json
import sys
import threading
import time
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from . import callers, lambda_calls, operation
from .callers import Caller
from .errors import Answer, AwsError, access_denied, not_opted_in
from .faults import Fault
from .needs import needs_of
from .operation import Operation
from .policy import Need
from .request import Request, scope_of
from .world import CONSOLE, Call, World

READS_TAGS = "lambda:GetFunction"


class Endpoint(ThreadingHTTPServer):
    """Serves the worlds that control has opened."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Connection)
        self.worlds: dict[str, World] = {}

    def handle_error(self, request: object, client_address: object) -> None:
        """A caller that was killed is what some tests are about."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Connection(BaseHTTPRequestHandler):
    """One connection of a caller."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Endpoint
    clock_offset_s = 0.0

    def serve(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if len(body) < length:
            # The caller was killed as it spoke.
            self.close_connection = True
            return None
        scope = scope_of(self.headers)
        if scope is None:
            text = "Request is missing Authentication Token"
            return self.write(AwsError(403, "MissingAuthenticationTokenException", text).answer("lambda"))
        try:
            self.write(self.answer(Request(self.command, self.path, self.headers, body, scope)))
        except AwsError as error:
            self.write(error.answer(scope.service))
        except (ConnectionError, TimeoutError):
            self.close_connection = True
        except Exception:
            # The front's own mistake must not look like one of AWS's.
            traceback.print_exc()
            self.write(Answer(501, {"Content-Type": "text/plain"}, traceback.format_exc().encode()))

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = serve

    def answer(self, request: Request) -> Answer:
        caller = callers.find(list(self.server.worlds.values()), request)
        if caller is None:
            raise not_opted_in()
        asked, world, region = operation.read(request), caller.world, request.scope.region
        self.clock_offset_s = world.laws.clock_offset_s
        if caller.name == CONSOLE:
            return self.perform(caller, asked, request)
        call = world.record(asked, region, caller.name)
        fault = world.faults.take(asked, region, call.number)
        if fault and fault.kind == "lose":
            self.lose(fault, caller, asked, request, call)
        struck = world.faults.strike(fault, self.connection) if fault and not fault.after else None
        try:
            answer = struck or self.perform(caller, asked, request, call)
        except AwsError as error:
            call.status = error.status
            raise
        call.status = answer.status
        struck = world.faults.strike(fault, self.connection) if fault and fault.after else None
        return struck or answer

    def lose(self, fault: Fault, caller: Caller, asked: Operation, request: Request, call: Call) -> None:
        """Drops the connection while the work goes on: what a home router does to a silent one."""
        threading.Thread(target=self.perform, args=(caller, asked, request, call), daemon=True).start()
        time.sleep(fault.seconds)
        raise ConnectionAbortedError

    def perform(self, caller: Caller, asked: Operation, request: Request, call: Call | None = None) -> Answer:
        world, region = caller.world, request.scope.region
        callers.check(caller, request)
        needs = needs_of(asked, world.account, region)
        if call:
            # Whoever reads a function reads its tags too, if that is allowed.
            call.needs = [need.action for need in needs] + (["lambda:ListTags"] if asked.action == READS_TAGS else [])
        for need in needs:
            if not caller.may(need):
                raise access_denied(caller.arn, need.action, need.resource)
        world.lifecycle.check(asked, region)
        if asked.action == "lambda:GetAccountSettings":
            return lambda_calls.account_settings(world, region)
        if asked.action == "lambda:InvokeFunction":
            return lambda_calls.invoke(world, region, asked, request)
        before = world.lifecycle.before(asked, region)
        answer = world.account.call(request, caller.key)
        world.lifecycle.done(asked, region, before, answer)
        if asked.action == READS_TAGS and answer.status == 200:
            hide_tags(caller, asked, region, answer)
        return answer

    def write(self, answer: Answer) -> None:
        self.send_response_only(answer.status)
        headers = {"Date": email.utils.formatdate(time.time() + self.clock_offset_s, usegmt=True), **answer.headers}
        for name, value in headers.items():
            if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body if answer.status != 204 else b"")

    def log_message(self, *_arguments: object) -> None:
        """Nothing: the world keeps what was asked."""


def hide_tags(caller: Caller, asked: Operation, region: str, answer: Answer) -> None:
    """GetFunction shows tags only to whom ListTags is allowed; without, it says so in the answer and does not fail."""
    document = json.loads(answer.body)
    arn = document["Configuration"]["FunctionArn"]
    if "Tags" in document and not caller.may(Need("lambda:ListTags", arn, {"aws:RequestedRegion": region})):
        del document["Tags"]
        text = access_denied(caller.arn, "lambda:ListTags", arn).message
        document["TagsError"] = {"ErrorCode": "AccessDeniedException", "Message": text}
        answer.body = json.dumps(document).encode()
