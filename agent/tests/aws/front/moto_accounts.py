"""moto, in this process: one account of it, called as over HTTP and looked into where the front must know what it holds.

Never: moto's own rules on who may do what are not used.
"""

import io
import json
import threading
from typing import Any

from moto.awslambda.models import LambdaFunction, lambda_backends
from moto.iam.models import Role, User, iam_backends
from moto.logs.models import logs_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.test import run_wsgi_app

from .errors import Answer
from .request import Request

APPLICATION = DomainDispatcherApplication(create_backend_app)
# moto was not made for threads.
LOCK = threading.RLock()


class Account:
    """One account."""

    def __init__(self, number: str):
        self.id = number
        self.iam = iam_backends[number]["aws"]

    def call(self, request: Request, access_key: str) -> Answer:
        """What moto answers; the key is the user's own, since moto knows no session tokens."""
        authorization = request.headers["Authorization"].replace(request.scope.key, access_key, 1)
        environ = {
            "REQUEST_METHOD": request.method,
            "PATH_INFO": unquoted(request.path),
            "QUERY_STRING": request.query,
            "RAW_URI": request.target,
            "REQUEST_URI": request.target,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(request.body)),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(request.body),
            "wsgi.errors": io.StringIO(),
            "HTTP_HOST": request.headers.get("Host", ""),
            "HTTP_AUTHORIZATION": authorization,
            "HTTP_X_MOTO_ACCOUNT_ID": self.id,
        }
        for name in ("X-Amz-Target", "X-Amz-Date", "X-Amz-Invocation-Type"):
            if value := request.headers.get(name):
                environ[f"HTTP_{name.upper().replace('-', '_')}"] = value
        with LOCK:
            body, status, headers = run_wsgi_app(APPLICATION, environ, buffered=True)
        kept = {name: value for name, value in headers.items() if name.lower() in ("content-type", "x-amzn-errortype", "x-amzn-requestid")}
        return Answer(int(status.split()[0]), kept, b"".join(body))

    def create_user(self, name: str, document: dict[str, Any]) -> tuple[str, str]:
        """A user with one inline policy, and its key."""
        with LOCK:
            self.iam.create_user(region_name="us-east-1", user_name=name)
            key = self.iam.create_access_key(name)
        self.put_policy(name, document)
        return key.access_key_id, key.secret_access_key

    def put_policy(self, user: str, document: dict[str, Any]) -> None:
        with LOCK:
            self.iam.get_user(user).put_policy("only", json.dumps(document))

    def user_of(self, access_key: str) -> tuple[User, str] | None:
        """The user who owns a key, and the key's secret."""
        with LOCK:
            keys = ((user, key) for user in self.iam.users.values() for key in user.access_keys)
            return next(((user, key.secret_access_key) for user, key in keys if key.access_key_id == access_key), None)

    def policies_of(self, holder: User | Role) -> list[dict[str, Any]]:
        """Inline and attached policies of a user or a role."""
        with LOCK:
            documents = [*holder.policies.values(), *(policy.document for policy in holder.managed_policies.values())]
        return [json.loads(document) for document in documents]

    def role(self, arn: str) -> Role | None:
        with LOCK:
            return next((role for role in self.iam.roles.values() if role.arn == arn), None)

    def arn_of(self, kind: str, name: str) -> str | None:
        """The ARN of what exists under this name."""
        with LOCK:
            holders = {"Role": self.iam.roles, "User": self.iam.users}.get(kind, {})
            return next((each.arn for each in holders.values() if each.name == name), None)

    def function(self, region: str, name: str) -> LambdaFunction | None:
        with LOCK:
            functions = {each.function_name: each for each in lambda_backends[self.id][region].list_functions()}
        return functions.get(name.rpartition(":")[2])

    def logs(self, region: str) -> Any:
        return logs_backends[self.id][region]

    def tags_of(self, arn: str, region: str) -> dict[str, str]:
        """The tags of a role, function or log group that exists."""
        service = arn.split(":")[2] if arn.startswith("arn:") else ""
        with LOCK:
            if service == "iam":
                role = self.role(arn)
                return {tag["Key"]: tag["Value"] for tag in role.tags} if role else {}
            if service == "lambda":
                function = self.function(region, arn)
                return dict(function.tags) if function else {}
            if service == "logs":
                return self.logs(region).list_tags_for_resource(arn.partition(":log-stream:")[0])
        return {}

    def holdings(self) -> dict[str, Any]:
        """Everything that a deployment makes or can leave behind, without times and ids; users excepted."""
        with LOCK:
            return {
                "roles": {role.name: self.role_as_it_is(role) for role in self.iam.roles.values()},
                "policies": [arn for arn in self.iam.managed_policies if f"::{self.id}:" in arn],
                "functions": {
                    f"{region}/{each.function_name}": function_as_it_is(each)
                    for region, backend in lambda_backends[self.id].items()
                    for each in backend.list_functions()
                },
                "log_groups": {
                    f"{region}{name}": {"retention": group.retention_in_days, "tags": self.tags_of(group.arn, region)}
                    for region, backend in logs_backends[self.id].items()
                    for name, group in backend.groups.items()
                },
            }

    def role_as_it_is(self, role: Role) -> dict[str, Any]:
        return {
            "path": role.path,
            "trust": json.loads(role.assume_role_policy_document),
            "inline": {name: json.loads(document) for name, document in role.policies.items()},
            "attached": sorted(role.managed_policies),
            "tags": {tag["Key"]: tag["Value"] for tag in role.tags},
        }


def function_as_it_is(function: LambdaFunction) -> dict[str, Any]:
    return {
        "code_sha256": function.code_sha_256,
        "architectures": function.architectures,
        "runtime": function.run_time,
        "handler": function.handler,
        "memory": function.memory_size,
        "timeout": function.timeout,
        "variables": function.environment_vars,
        "role": function.role,
        "tags": dict(function.tags),
    }


def unquoted(path: str) -> str:
    """As a WSGI server hands a path on: unquoted bytes, spelled in Latin-1."""
    from urllib.parse import unquote_to_bytes

    return unquote_to_bytes(path).decode("latin-1")
