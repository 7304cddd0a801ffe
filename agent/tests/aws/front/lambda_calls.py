"""The calls of Lambda's that moto cannot answer: Invoke, and the account's limits."""

import base64
import json
import threading
import time
import uuid

from .errors import Answer, AwsError
from .lifecycle import CANNOT_ASSUME, Deployed, trusts_lambda
from .moto_accounts import LOCK
from .operation import Operation
from .policy import Need, allows
from .request import Request
from .world import World


def account_settings(world: World, _region: str) -> Answer:
    limits = {
        "TotalCodeSize": 80_530_636_800,
        "CodeSizeUnzipped": 262_144_000,
        "CodeSizeZipped": 52_428_800,
        "ConcurrentExecutions": world.laws.concurrency,
        "UnreservedConcurrentExecutions": world.laws.concurrency,
    }
    body = json.dumps({"AccountLimit": limits, "AccountUsage": {"TotalCodeSize": 0, "FunctionCount": 0}})
    return Answer(200, {"Content-Type": "application/json"}, body.encode())


def invoke(world: World, region: str, operation: Operation, request: Request) -> Answer:
    """Runs what was uploaded; a dry run only says that it would."""
    name = operation.parameters["FunctionName"]
    deployed = world.lifecycle.deployed(region, name)
    if deployed is None:
        arn = f"arn:aws:lambda:{region}:{world.account.id}:function:{name.rpartition(':')[2]}"
        raise AwsError(404, "ResourceNotFoundException", f"Function not found: {arn}")
    if request.headers.get("X-Amz-Invocation-Type") == "DryRun":
        return Answer(204, {"x-amzn-RequestId": str(uuid.uuid4())}, b"")
    role = world.account.role(deployed.role)
    if role is None or not trusts_lambda(json.loads(role.assume_role_policy_document)):
        raise AwsError(403, "AccessDeniedException", CANNOT_ASSUME)
    answer = world.machines.of(deployed).invoke(region, deployed, request.body)
    write_log(world, region, name.rpartition(":")[2], deployed, answer)
    if request.headers.get("X-Amz-Log-Type") != "Tail":
        answer.headers = {name: value for name, value in answer.headers.items() if name.lower() != "x-amz-log-result"}
    return answer


def write_log(world: World, region: str, name: str, deployed: Deployed, answer: Answer) -> None:
    """Writes the log's tail where the function's role may; a role that may make the group makes it, deleted or not."""
    role = world.account.role(deployed.role)
    tail = next((value for key, value in answer.headers.items() if key.lower() == "x-amz-log-result"), None)
    if role is None or tail is None:
        return
    group, stream = f"/aws/lambda/{name}", f"[$LATEST]{deployed.revision}"
    arn = f"arn:aws:logs:{region}:{world.account.id}:log-group:{group}:log-stream:"
    may = lambda action, resource: allows(world.account.policies_of(role), Need(f"logs:{action}", resource))
    with LOCK:
        logs = world.account.logs(region)
        if group not in logs.groups and may("CreateLogGroup", arn):
            logs.ensure_log_group(group)
        if group in logs.groups and may("CreateLogStream", arn) and may("PutLogEvents", f"{arn}{stream}"):
            logs.ensure_log_stream(group, stream)
            text = base64.b64decode(tail).decode(errors="replace")
            logs.put_log_events(group, stream, [{"timestamp": int(time.time() * 1000), "message": text}])
