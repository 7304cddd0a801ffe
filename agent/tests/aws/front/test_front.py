"""The front itself: as strict as AWS where moto is not, driven with boto3. `python -m unittest front.test_front AGENT`."""

import base64
import io
import json
import os
import socket
import tempfile
import threading
import time
import unittest
import zipfile
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError
from botocore.parsers import ResponseParserError

from .control import Control
from .server import Endpoint

REGION = "us-west-2"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
# A custom runtime in shell: answers with its pid, its address and one of its variables.
BOOTSTRAP = r"""#!/bin/sh
API="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
while :; do
    ID="$(curl -sS -D - -o /dev/null "$API/next" | sed -n 's/^lambda-runtime-aws-request-id: *//Ip' | tr -d '\r')"
    [ -n "$ID" ] || exit 1
    curl -sS -o /dev/null -d "{\"pid\":$$,\"word\":\"$WORD\",\"memory\":\"$AWS_LAMBDA_FUNCTION_MEMORY_SIZE\"}" "$API/$ID/response"
done
"""


def zipped(program: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        archive.writestr(entry, program)
    return data.getvalue()


class FrontTest(unittest.TestCase):
    """Every test has an account of its own in one front."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.TemporaryDirectory()
        cls.endpoint = Endpoint()
        threading.Thread(target=cls.endpoint.serve_forever, daemon=True).start()
        cls.control = Control(cls.endpoint, Path(cls.folder.name), os.environ["AGENT"])

    @classmethod
    def tearDownClass(cls) -> None:
        cls.control.close()
        cls.endpoint.shutdown()
        cls.endpoint.server_close()
        cls.folder.cleanup()

    def setUp(self) -> None:
        self.opened = self.control.do_open({})
        self.account = self.opened["account"]
        self.world = self.control.world(self.account)

    def client(self, service, keys=None, region=REGION, **config):
        keys = keys or self.opened
        host, port = self.endpoint.server_address[:2]
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=f"http://{host}:{port}",
            aws_access_key_id=keys["key"],
            aws_secret_access_key=keys["secret"],
            aws_session_token=keys.get("token"),
            config=Config(retries={"total_max_attempts": 1}, **config),
        )

    def user(self, *statements, name="user"):
        return self.control.do_user(self.account, name, {"Version": "2012-10-17", "Statement": list(statements)})

    def role(self, name="role"):
        return self.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]

    def create(self, client=None, role=None, **more):
        return (client or self.client("lambda")).create_function(
            FunctionName="f", Runtime="provided.al2023", Handler="bootstrap", Role=role or self.role(),
            Code={"ZipFile": zipped(BOOTSTRAP)}, Timeout=30, **more,
        )

    def settled(self):
        client = self.client("lambda")
        for _ in range(200):
            shown = client.get_function_configuration(FunctionName="f")
            if shown["State"] == "Active" and shown["LastUpdateStatus"] == "Successful":
                return shown
            time.sleep(0.02)
        raise AssertionError("the function never settled")

    def invoke(self, client=None):
        return json.load((client or self.client("lambda")).invoke(FunctionName="f", Payload=b"{}")["Payload"])

    def refused(self, code, call, **parameters):
        with self.assertRaises(ClientError) as raised:
            call(**parameters)
        self.assertEqual(raised.exception.response["Error"]["Code"], code)
        return raised.exception.response["Error"]["Message"]


class Callers(FrontTest):
    def test_a_key_is_known_by_its_secret_and_belongs_to_one_account(self):
        self.assertEqual(self.client("sts").get_caller_identity()["Account"], self.account)
        other = self.control.do_open({})
        self.assertEqual(self.client("sts", other).get_caller_identity()["Account"], other["account"])
        self.role()
        self.assertEqual(self.client("iam", other).list_roles()["Roles"], [])
        wrong = {"key": self.opened["key"], "secret": "wrong"}
        self.refused("SignatureDoesNotMatch", self.client("sts", wrong).get_caller_identity)
        self.refused("InvalidSignatureException", self.client("lambda", wrong).list_functions)
        unknown = {"key": "AKIAIOSFODNN7EXAMPLE", "secret": "wrong"}
        self.refused("UnrecognizedClientException", self.client("lambda", unknown).list_functions)

    def test_a_session_ends(self):
        session = self.control.do_session(self.account, self.opened["key"], 60)
        self.assertEqual(self.client("sts", session).get_caller_identity()["Account"], self.account)
        self.refused("UnrecognizedClientException", self.client("lambda", {**session, "token": "other"}).list_functions)
        over = self.control.do_session(self.account, self.opened["key"], -1)
        self.refused("ExpiredTokenException", self.client("lambda", over).list_functions)
        self.refused("ExpiredToken", self.client("iam", over).list_roles)

    def test_a_region_that_is_not_enabled_and_a_clock_that_is_wrong(self):
        self.control.do_laws(self.account, {"closed_regions": ["af-south-1"]})
        self.refused("UnrecognizedClientException", self.client("lambda", region="af-south-1").list_functions)
        self.client("lambda").list_functions()
        self.control.do_laws(self.account, {"clock_offset_s": 3600})
        self.assertIn("expired", self.refused("InvalidSignatureException", self.client("lambda").list_functions))


class Permissions(FrontTest):
    def test_action_resource_and_condition_count(self):
        arn = f"arn:aws:iam::{self.account}:role/mine"
        user = self.user({"Effect": "Allow", "Action": "iam:*Role", "Resource": arn})
        iam = self.client("iam", user)
        made = {"AssumeRolePolicyDocument": json.dumps(TRUST)}
        iam.create_role(RoleName="mine", **made)
        message = self.refused("AccessDenied", iam.create_role, RoleName="other", **made)
        self.assertIn(f"iam:CreateRole on resource: arn:aws:iam::{self.account}:role/other", message)
        self.refused("AccessDenied", iam.list_roles)
        tag = [{"Key": "owner", "Value": "me"}]
        self.control.do_policy(self.account, "user", {"Statement": [
            {"Effect": "Allow", "Action": ["iam:CreateRole", "iam:TagRole"], "Resource": "*",
             "Condition": {"StringEquals": {"aws:RequestTag/owner": "me"}}},
            {"Effect": "Allow", "Action": "iam:DeleteRole", "Resource": "*",
             "Condition": {"StringEquals": {"aws:ResourceTag/owner": "me"}}},
            {"Effect": "Deny", "Action": "iam:DeleteRole", "Resource": "*/kept"},
        ]})
        self.refused("AccessDenied", iam.create_role, RoleName="untagged", **made)
        for name in ("tagged", "kept"):
            iam.create_role(RoleName=name, Tags=tag, **made)
        self.refused("AccessDenied", iam.delete_role, RoleName="mine")
        self.refused("AccessDenied", iam.delete_role, RoleName="kept")
        iam.delete_role(RoleName="tagged")

    def test_a_role_is_passed_only_by_whom_it_is_allowed_and_tags_need_a_permission_of_their_own(self):
        role = self.role()
        create = {"Effect": "Allow", "Action": "lambda:CreateFunction", "Resource": f"arn:aws:lambda:*:{self.account}:function:f"}
        client = self.client("lambda", self.user(create))
        message = self.refused("AccessDeniedException", self.create, client=client, role=role)
        self.assertIn(f"iam:PassRole on resource: {role}", message)
        passing = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": role}
        elsewhere = {**passing, "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}}
        self.control.do_policy(self.account, "user", {"Statement": [create, elsewhere]})
        self.refused("AccessDeniedException", self.create, client=client, role=role)
        self.control.do_policy(self.account, "user", {"Statement": [create, passing]})
        self.assertIn("lambda:TagResource", self.refused("AccessDeniedException", self.create, client=client, role=role, Tags={"a": "b"}))
        self.create(client=client, role=role)
        self.refused("AccessDeniedException", client.get_function, FunctionName="f")

    def test_tags_are_hidden_from_whom_may_not_list_them(self):
        self.create(Tags={"a": "b"})
        self.assertEqual(self.client("lambda").get_function(FunctionName="f")["Tags"], {"a": "b"})
        user = self.user({"Effect": "Allow", "Action": "lambda:GetFunction", "Resource": "*"})
        self.assertNotIn("Tags", self.client("lambda", user).get_function(FunctionName="f"))

    def test_log_groups_are_judged_as_aws_does(self):
        group = f"arn:aws:logs:{REGION}:{self.account}:log-group:/aws/lambda/f"
        logs = self.client("logs", self.user({"Effect": "Allow", "Action": "logs:CreateLogGroup", "Resource": group}))
        self.refused("AccessDeniedException", logs.create_log_group, logGroupName="/aws/lambda/f")
        self.control.do_policy(self.account, "user", {"Statement": {"Effect": "Allow", "Action": "logs:CreateLogGroup", "Resource": f"{group}:*"}})
        logs.create_log_group(logGroupName="/aws/lambda/f")
        self.assertEqual(list(self.control.do_holdings(self.account)["log_groups"]), [f"{REGION}/aws/lambda/f"])


class Times(FrontTest):
    def test_a_new_function_is_pending_and_a_changed_one_in_progress(self):
        self.control.do_laws(self.account, {"pending_s": 60, "update_s": 60})
        self.assertEqual(self.create()["State"], "Pending")
        client = self.client("lambda")
        self.assertIn("Pending", self.refused("ResourceConflictException", self.invoke))
        self.refused("ResourceConflictException", client.update_function_configuration, FunctionName="f", Timeout=9)
        self.control.do_laws(self.account, {"pending_s": 0})
        old = client.get_function_configuration(FunctionName="f")
        changed = client.update_function_configuration(FunctionName="f", Timeout=9)
        self.assertEqual((changed["LastUpdateStatus"], changed["Timeout"]), ("InProgress", 9))
        self.refused("ResourceConflictException", client.update_function_code, FunctionName="f", ZipFile=zipped(BOOTSTRAP))
        self.control.do_laws(self.account, {"update_s": 0})
        self.refused("PreconditionFailedException", client.update_function_configuration, FunctionName="f", RevisionId=old["RevisionId"])
        now = client.get_function_configuration(FunctionName="f")
        self.assertEqual(now["LastUpdateStatus"], "Successful")
        client.update_function_configuration(FunctionName="f", RevisionId=now["RevisionId"], Timeout=10)

    def test_a_new_role_cannot_be_assumed_at_once(self):
        self.control.do_laws(self.account, {"role_delay_s": 60})
        role = self.role()
        text = "The role defined for the function cannot be assumed by Lambda."
        self.assertEqual(self.refused("InvalidParameterValueException", self.create, role=role), text)
        self.control.do_laws(self.account, {"role_delay_s": 0})
        self.create(role=role)


class Invocations(FrontTest):
    def test_what_was_uploaded_runs_with_its_configuration_and_a_change_brings_new_instances(self):
        self.create(Environment={"Variables": {"WORD": "one"}}, MemorySize=256)
        self.settled()
        first, again = self.invoke(), self.invoke()
        self.assertEqual((first["word"], first["memory"], again["pid"]), ("one", "256", first["pid"]))
        self.control.do_laws(self.account, {"update_s": 60})
        self.client("lambda").update_function_configuration(FunctionName="f", Environment={"Variables": {"WORD": "two"}})
        self.assertEqual(self.invoke()["word"], "one", "while the change is in progress the old one serves")
        self.control.do_laws(self.account, {"update_s": 0})
        self.settled()
        second = self.invoke()
        self.assertEqual(second["word"], "two")
        self.assertNotEqual(second["pid"], first["pid"])
        self.client("lambda").update_function_code(FunctionName="f", ZipFile=zipped(BOOTSTRAP.replace("$WORD", "new")))
        self.settled()
        self.assertEqual(self.invoke()["word"], "new")
        billed = self.control.do_billed(self.account)
        self.assertEqual(billed["requests"], 5)
        self.assertGreater(billed["billed_ms"], 0)

    def test_a_dry_run_asks_for_permission_and_runs_nothing(self):
        self.create()
        self.settled()
        self.assertEqual(self.client("lambda").invoke(FunctionName="f", InvocationType="DryRun")["StatusCode"], 204)
        nobody = self.client("lambda", self.user({"Effect": "Allow", "Action": "lambda:GetFunction", "Resource": "*"}))
        self.assertIn("lambda:InvokeFunction", self.refused("AccessDeniedException", nobody.invoke, FunctionName="f", InvocationType="DryRun"))
        self.assertEqual(self.control.do_billed(self.account)["requests"], 0)

    def test_a_program_that_ends_is_a_function_error_and_one_of_another_machine_too(self):
        role = self.role()
        client = self.client("lambda")
        client.create_function(FunctionName="f", Runtime="provided.al2023", Handler="b", Role=role, Code={"ZipFile": zipped("#!/bin/sh\nexit 3\n")})
        self.settled()
        answer = client.invoke(FunctionName="f", LogType="Tail")
        self.assertEqual(answer["FunctionError"], "Unhandled")
        self.assertIn("REPORT", base64.b64decode(answer["LogResult"]).decode())
        client.update_function_code(FunctionName="f", ZipFile=zipped("#!/bin/sh\nexit 3\n"), Architectures=["arm64"])
        self.settled()
        self.assertIn("exec format error", client.invoke(FunctionName="f")["Payload"].read().decode())

    def test_logs_are_written_only_where_the_role_may(self):
        self.create()
        self.settled()
        group = "/aws/lambda/f"
        self.client("logs").create_log_group(logGroupName=group)
        streams = lambda: self.client("logs").describe_log_streams(logGroupName=group)["logStreams"]
        self.invoke()
        self.assertEqual(streams(), [])
        write = {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": f"arn:aws:logs:*:*:log-group:{group}:*"}
        self.client("iam").put_role_policy(RoleName="role", PolicyName="logs", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [write]}))
        self.invoke()
        self.assertEqual(len(streams()), 1)
        self.client("logs").delete_log_group(logGroupName=group)
        self.invoke()
        self.assertEqual(self.control.do_holdings(self.account)["log_groups"], {})

    def test_a_function_whose_role_is_gone_runs_nothing(self):
        self.create()
        self.settled()
        self.client("iam").delete_role(RoleName="role")
        self.assertIn("cannot be assumed", self.refused("AccessDeniedException", self.invoke))

    def test_no_more_run_at_once_than_may(self):
        self.create()
        self.settled()
        settings = self.client("lambda").get_account_settings()
        self.assertEqual(settings["AccountLimit"]["ConcurrentExecutions"], 10)


class FaultOrders(FrontTest):
    def order(self, kind, **fault):
        self.control.do_forget(self.account)
        self.control.do_fault(self.account, {"kind": kind, "times": 1, **fault})

    def test_each_refusal_has_the_services_own_code(self):
        calls = {"lambda": self.client("lambda").list_functions, "iam": self.client("iam").list_roles, "logs": self.client("logs").describe_log_groups}
        codes = {
            "throttle": {"lambda": "TooManyRequestsException", "iam": "Throttling", "logs": "ThrottlingException"},
            "error": {"lambda": "ServiceException", "iam": "ServiceFailure", "logs": "ServiceUnavailableException"},
        }
        for kind, by_service in codes.items():
            for service, code in by_service.items():
                self.order(kind)
                self.refused(code, calls[service])
                calls[service]()

    def test_a_fault_strikes_its_call_and_no_other(self):
        client = self.client("lambda")
        self.order("throttle", number=2)
        client.list_functions()
        self.refused("TooManyRequestsException", client.list_functions)
        client.list_functions()
        self.order("throttle", action="iam:ListRoles")
        client.list_functions()
        self.refused("Throttling", self.client("iam").list_roles)

    def test_answers_that_are_none(self):
        client = self.client("lambda", read_timeout=1)
        for kind in ("hang", "drop"):
            self.order(kind)
            with self.assertRaises(HTTPClientError, msg=kind):
                client.list_functions()
        self.order("malformed", action="iam:ListRoles")
        with self.assertRaises((ResponseParserError, KeyError)):
            self.client("iam").list_roles()
        self.order("cut")
        # This client takes half a document for an empty one.
        self.assertNotIn("Functions", client.list_functions())
        self.assertIn("Functions", client.list_functions())

    def test_a_fault_after_the_work_leaves_it_done(self):
        self.order("drop", action="iam:CreateRole", after=True)
        with self.assertRaises(HTTPClientError):
            self.role()
        self.assertEqual(self.control.do_holdings(self.account)["roles"].keys(), {"role"})

    def test_a_hanging_call_is_known_until_its_caller_is_gone(self):
        self.order("hang")
        user = self.user({"Effect": "Allow", "Action": "*", "Resource": "*"})
        thread = threading.Thread(target=lambda: self.assertRaises(HTTPClientError, self.client("lambda", user, read_timeout=1).list_functions))
        thread.start()
        held = lambda: self.control.do_held(self.account)["held"]
        while not held():
            time.sleep(0.01)
        self.assertEqual(self.control.do_calls(self.account, "user")["calls"][0]["action"], "lambda:ListFunctions")
        thread.join()
        while held():
            time.sleep(0.01)

    def test_what_is_no_aws_request_is_refused(self):
        with socket.create_connection(self.endpoint.server_address[:2]) as stream:
            stream.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertIn(b"403", stream.recv(100))


if __name__ == "__main__":
    unittest.main()
