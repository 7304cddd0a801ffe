"""Which operation of which service a request is, with its parameters: Lambda's paths come from botocore's own model."""

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote

from botocore.loaders import Loader

from .errors import AwsError
from .request import Request

SERVICES = ("iam", "sts", "lambda", "logs")
READING = ("Get", "List", "Describe", "Simulate")
# Its body is the function's, not the API's.
OPAQUE = "Invoke"


@dataclass(frozen=True)
class Operation:
    """For instance lambda, CreateFunction, {"FunctionName": …}."""

    service: str
    name: str
    parameters: dict[str, Any]

    @property
    def action(self) -> str:
        """As policies name it."""
        return f"{self.service}:{'InvokeFunction' if self.name == OPAQUE else self.name}"

    @property
    def writes(self) -> bool:
        return not self.name.startswith(READING) and self.name != OPAQUE


def read(request: Request) -> Operation:
    """Fails where AWS would not know the operation either."""
    service = request.scope.service
    if service == "lambda":
        return read_lambda(request)
    if service == "logs":
        name = request.headers.get("X-Amz-Target", "").rpartition(".")[2]
        return Operation(service, name, json.loads(request.body or b"{}"))
    if service in SERVICES:
        form = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
        return Operation(service, form.pop("Action", ""), with_tags(form))
    raise AwsError(404, "UnknownOperationException", f"the front has no service {service}")


def with_tags(form: dict[str, str]) -> dict[str, Any]:
    """Tags.member.1.Key=a, Tags.member.1.Value=b as Tags={a: b}; TagKeys alike."""
    tags, keys = {}, []
    for name, value in form.items():
        if found := re.fullmatch(r"Tags\.member\.(\d+)\.Key", name):
            tags[value] = form.get(f"Tags.member.{found[1]}.Value", "")
        elif re.fullmatch(r"TagKeys\.member\.\d+", name):
            keys.append(value)
    return {**form, **({"Tags": tags} if tags else {}), **({"TagKeys": keys} if keys else {})}


def read_lambda(request: Request) -> Operation:
    path = unquote(request.path).rstrip("/")
    for method, pattern, name in lambda_routes():
        found = pattern.fullmatch(path)
        if found and method == request.method:
            return Operation("lambda", name, {**lambda_parameters(name, request), **found.groupdict()})
    raise AwsError(404, "UnknownOperationException", f"Lambda has no {request.method} {path}")


def lambda_parameters(name: str, request: Request) -> dict[str, Any]:
    parameters: dict[str, Any] = {}
    for key, value in parse_qsl(request.query):
        # The only list that a query of Lambda's carries.
        parameters.setdefault("TagKeys", []).append(value) if key == "tagKeys" else parameters.update({key: value})
    if request.body and name != OPAQUE:
        parameters |= json.loads(request.body)
    return parameters


@cache
def lambda_routes() -> list[tuple[str, re.Pattern[str], str]]:
    operations = Loader().load_service_model("lambda", "service-2")["operations"]
    routes = []
    for name, model in operations.items():
        path = model["http"]["requestUri"].partition("?")[0].rstrip("/")
        pattern = re.sub(r"\\\{(\w+)\\\}", lambda found: rf"(?P<{found[1]}>{resource_pattern(found[1])})", re.escape(path))
        routes.append((model["http"]["method"], re.compile(pattern), name))
    return routes


def resource_pattern(parameter: str) -> str:
    """An ARN of a tagged resource may hold slashes; a name may not."""
    return ".+" if parameter == "Resource" else "[^/]+"
