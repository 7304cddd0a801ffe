"""What takes time in AWS and none in moto: functions are Pending, then changes are InProgress, and roles are too new.

While a change is in progress the old configuration serves; afterwards invocations start in new instances.
"""

import json
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .errors import Answer, AwsError, conflict, invalid_parameter
from .moto_accounts import LOCK, Account
from .operation import Operation
from .policy import as_list

if TYPE_CHECKING:
    from .world import Laws

CANNOT_ASSUME = "The role defined for the function cannot be assumed by Lambda."
CHANGES = ("UpdateFunctionCode", "UpdateFunctionConfiguration")
# The answers that show a configuration, and where in them.
SHOWING = ("CreateFunction", *CHANGES, "GetFunctionConfiguration", "GetFunction", "ListFunctions")


@dataclass(frozen=True)
class Deployed:
    """What runs when the function is invoked."""

    code: bytes
    code_sha256: str
    architecture: str
    variables: dict[str, str]
    timeout_s: int
    memory_mb: int
    role: str
    revision: str


@dataclass
class Function:
    """The times of one function, and what serves meanwhile."""

    created: float
    changed: float
    revision: str = field(default_factory=lambda: str(uuid.uuid4()))
    before: Deployed | None = None


class Lifecycle:
    """The functions and roles of one account."""

    def __init__(self, account: Account, laws: "Laws"):
        self.account = account
        self.laws = laws
        self.functions: dict[tuple[str, str], Function] = {}
        self.roles: dict[str, float] = {}
        self.lock = threading.RLock()

    def check(self, operation: Operation, region: str) -> None:
        """Refuses what AWS refuses for want of time."""
        parameters = operation.parameters
        if operation.service != "lambda":
            return
        if "Role" in parameters and operation.writes:
            self.check_role(parameters["Role"])
        name = parameters.get("FunctionName", "").rpartition(":")[2]
        known = self.functions.get((region, name))
        if known is None or operation.name not in (*CHANGES, "Invoke"):
            return
        if self.is_pending(known):
            state = "The function is currently in the following state: Pending"
            raise conflict(f"The operation cannot be performed at this time. {state}")
        if operation.name == "Invoke":
            return
        if self.is_changing(known):
            arn = f"arn:aws:lambda:{region}:{self.account.id}:function:{name}"
            text = f"The operation cannot be performed at this time. An update is in progress for resource: {arn}"
            raise conflict(text)
        revision = self.revision(known)
        if parameters.get("RevisionId", revision) != revision:
            text = "The RevisionId provided does not match the latest RevisionId. Call the GetFunction/GetAlias API to retrieve the latest RevisionId"
            raise AwsError(412, "PreconditionFailedException", text)

    def check_role(self, arn: str) -> None:
        role = self.account.role(arn)
        is_new = time.monotonic() < self.roles.get(arn, 0.0) + self.laws.role_delay_s
        if role is None or is_new or not trusts_lambda(json.loads(role.assume_role_policy_document)):
            raise invalid_parameter(CANNOT_ASSUME)

    def before(self, operation: Operation, region: str) -> Deployed | None:
        """What is deployed now, if the operation will change it."""
        changes = operation.service == "lambda" and operation.name in CHANGES
        return self.deployed(region, operation.parameters["FunctionName"]) if changes else None

    def done(self, operation: Operation, region: str, before: Deployed | None, answer: Answer) -> None:
        """Takes note of what moto did, and corrects the answer."""
        if answer.status >= 300:
            return
        if operation.action == "iam:CreateRole":
            self.roles[self.account.arn_of("Role", operation.parameters["RoleName"]) or ""] = time.monotonic()
        if operation.service != "lambda":
            return
        name, now = operation.parameters.get("FunctionName", "").rpartition(":")[2], time.monotonic()
        with self.lock:
            if operation.name == "CreateFunction":
                self.functions[(region, name)] = Function(created=now, changed=0.0)
            elif operation.name in CHANGES:
                self.take_architecture(operation, region, name)
                known = self.functions[(region, name)]
                known.changed, known.revision, known.before = now, str(uuid.uuid4()), before
            elif operation.name == "DeleteFunction":
                self.functions.pop((region, name), None)
            if operation.name in SHOWING:
                self.correct(operation.name, region, answer)

    def take_architecture(self, operation: Operation, region: str, name: str) -> None:
        """moto forgets it in UpdateFunctionCode."""
        function = self.account.function(region, name)
        if function and "Architectures" in operation.parameters:
            function.architectures = operation.parameters["Architectures"]

    def correct(self, name: str, region: str, answer: Answer) -> None:
        document = json.loads(answer.body)
        if name == "ListFunctions":
            for each in document["Functions"]:
                self.show(each, region)
        else:
            self.show(document["Configuration"] if name == "GetFunction" else document, region)
        answer.body = json.dumps(document).encode()

    def show(self, configuration: dict[str, Any], region: str) -> None:
        """The configuration as AWS shows it."""
        known = self.functions.get((region, configuration["FunctionName"]))
        if known is None:
            return
        configuration["RevisionId"] = self.revision(known)
        function = self.account.function(region, configuration["FunctionName"])
        if function:
            configuration["Architectures"] = function.architectures
        if self.is_pending(known):
            configuration |= {"State": "Pending", "StateReason": "The function is being created.", "StateReasonCode": "Creating"}
        configuration["LastUpdateStatus"] = "InProgress" if self.is_changing(known) else "Successful"

    def deployed(self, region: str, name: str) -> Deployed | None:
        """What serves now: during a change that is the old."""
        function, known = self.account.function(region, name), self.functions.get((region, name.rpartition(":")[2]))
        if function is None or known is None:
            return None
        if self.is_changing(known) and known.before:
            return known.before
        with LOCK:
            return Deployed(
                code=function.code_bytes,
                code_sha256=function.code_sha_256,
                architecture=function.architectures[0],
                variables=dict(function.environment_vars),
                timeout_s=int(function.timeout),
                memory_mb=int(function.memory_size),
                role=function.role,
                revision=known.revision,
            )

    def revision(self, known: Function) -> str:
        """AWS gives another one also when a change has come to its end."""
        settled = not self.is_pending(known) and not self.is_changing(known)
        return str(uuid.uuid5(uuid.UUID(known.revision), "settled")) if settled else known.revision

    def is_pending(self, known: Function) -> bool:
        return time.monotonic() < known.created + self.laws.pending_s

    def is_changing(self, known: Function) -> bool:
        return time.monotonic() < known.changed + self.laws.update_s


def trusts_lambda(document: dict[str, Any]) -> bool:
    """Whether Lambda may take the role."""
    return any(
        statement["Effect"] == "Allow"
        and "lambda.amazonaws.com" in as_list(statement.get("Principal", {}).get("Service", []))
        and "sts:AssumeRole" in as_list(statement["Action"])
        for statement in as_list(document["Statement"])
    )
