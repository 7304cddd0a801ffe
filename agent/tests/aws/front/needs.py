"""Which permissions an operation needs, on which resources, in which context: AWS's Service Authorization Reference."""

from typing import Any

from .moto_accounts import Account
from .operation import Operation
from .policy import Context, Need

# Needs no permission, and cannot be denied.
FREE = ("sts:GetCallerIdentity",)
TAGGING = {"lambda": "lambda:TagResource", "iam": "iam:TagRole", "logs": "logs:TagResource"}


def needs_of(operation: Operation, account: Account, region: str) -> list[Need]:
    """The operation's own permission first, then those that its parameters bring along."""
    if operation.action in FREE:
        return []
    resource = RESOURCES[operation.service](operation, account, region)
    context = context_of(operation, account, region, resource)
    needs = [Need(operation.action, resource, context)]
    if operation.name.startswith("Create") and tags_of(operation):
        needs.append(Need(TAGGING[operation.service], resource, context))
    if operation.service == "lambda" and operation.writes and "Role" in operation.parameters:
        passed = {"iam:PassedToService": "lambda.amazonaws.com", "aws:RequestedRegion": region}
        needs.append(Need("iam:PassRole", operation.parameters["Role"], passed))
    return needs


def lambda_resource(operation: Operation, account: Account, region: str) -> str:
    parameters = operation.parameters
    if "Resource" in parameters:
        return parameters["Resource"]
    name = parameters.get("FunctionName")
    if name is None:
        return "*"
    return name if name.startswith("arn:") else f"arn:aws:lambda:{region}:{account.id}:function:{name}"


def iam_resource(operation: Operation, account: Account, _region: str) -> str:
    parameters = operation.parameters
    for kind in ("Role", "User", "Policy"):
        if name := parameters.get(f"{kind}Name"):
            path = parameters.get("Path", "/")
            known = account.arn_of(kind, name)
            return known or f"arn:aws:iam::{account.id}:{kind.lower()}{path}{name}"
    if source := parameters.get("PolicySourceArn", parameters.get("PolicyArn")):
        return source
    if operation.name in ("ListRoles", "ListUsers", "ListPolicies"):
        kind = {"ListRoles": "role", "ListUsers": "user", "ListPolicies": "policy"}[operation.name]
        return f"arn:aws:iam::{account.id}:{kind}{parameters.get('PathPrefix', '/')}"
    return "*"


def logs_resource(operation: Operation, account: Account, region: str) -> str:
    parameters = operation.parameters
    if arn := parameters.get("resourceArn"):
        return arn
    # AWS judges calls on a group by this form, also when no stream is meant; without a name, on the empty one.
    return f"arn:aws:logs:{region}:{account.id}:log-group:{parameters.get('logGroupName', '')}:log-stream:"


def sts_resource(operation: Operation, _account: Account, _region: str) -> str:
    return operation.parameters.get("RoleArn", "*")


RESOURCES = {"lambda": lambda_resource, "iam": iam_resource, "logs": logs_resource, "sts": sts_resource}


def context_of(operation: Operation, account: Account, region: str, resource: str) -> Context:
    context: dict[str, Any] = {"aws:RequestedRegion": region}
    if attached := operation.parameters.get("PolicyArn"):
        context["iam:PolicyARN"] = attached
    requested = tags_of(operation)
    context |= {f"aws:RequestTag/{key}": value for key, value in requested.items()}
    if keys := [*requested, *operation.parameters.get("TagKeys", operation.parameters.get("tagKeys", []))]:
        context["aws:TagKeys"] = keys
    return context | {f"aws:ResourceTag/{key}": value for key, value in account.tags_of(resource, region).items()}


def tags_of(operation: Operation) -> dict[str, str]:
    tags = operation.parameters.get("Tags", operation.parameters.get("tags", {}))
    return tags if isinstance(tags, dict) else {}
