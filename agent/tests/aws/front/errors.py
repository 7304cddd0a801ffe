"""Errors as AWS writes them: XML for IAM and STS, JSON for Lambda and CloudWatch Logs, each with codes of its own."""

import json
import uuid
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

IAM_NAMESPACE = "https://iam.amazonaws.com/doc/2010-05-08/"
STS_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"

# The same mistake has another code in the query protocol of IAM and STS.
QUERY_CODES = {
    "AccessDeniedException": "AccessDenied",
    "UnrecognizedClientException": "InvalidClientTokenId",
    "ExpiredTokenException": "ExpiredToken",
    "InvalidSignatureException": "SignatureDoesNotMatch",
    "TooManyRequestsException": "Throttling",
    "ServiceException": "ServiceFailure",
    "InvalidParameterValueException": "InvalidInput",
}
LOGS_CODES = {
    "TooManyRequestsException": "ThrottlingException",
    "ServiceException": "ServiceUnavailableException",
    "InvalidParameterValueException": "InvalidParameterException",
}
QUERY_STATUS = {"Throttling": 400, "InvalidInput": 400}


@dataclass
class Answer:
    """What goes back to the caller."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class AwsError(Exception):
    """Why AWS did not do it. `code` is Lambda's; the other services' are looked up."""

    status: int
    code: str
    message: str
    more: dict[str, str] = field(default_factory=dict)

    def answer(self, service: str) -> Answer:
        if service in ("iam", "sts"):
            return self.as_xml(service)
        return self.as_logs_json() if service == "logs" else self.as_lambda_json()

    def as_xml(self, service: str) -> Answer:
        code = QUERY_CODES.get(self.code, self.code)
        fault = "Sender" if self.status < 500 else "Receiver"
        namespace = IAM_NAMESPACE if service == "iam" else STS_NAMESPACE
        request_id = str(uuid.uuid4())
        body = (
            f'<ErrorResponse xmlns="{namespace}"><Error><Type>{fault}</Type><Code>{code}</Code>'
            f"<Message>{escape(self.message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        headers = {"Content-Type": "text/xml", "x-amzn-RequestId": request_id}
        return Answer(QUERY_STATUS.get(code, self.status), headers, body.encode())

    def as_logs_json(self) -> Answer:
        code = LOGS_CODES.get(self.code, self.code)
        headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-RequestId": str(uuid.uuid4())}
        body = json.dumps({"__type": code, "message": self.message})
        return Answer(self.status if self.status >= 500 else 400, headers, body.encode())

    def as_lambda_json(self) -> Answer:
        headers = {
            "Content-Type": "application/json",
            "x-amzn-ErrorType": self.code,
            "x-amzn-RequestId": str(uuid.uuid4()),
        }
        # AWS spells the key by the kind of error.
        key = "Message" if self.code in ("AccessDeniedException", "ResourceNotFoundException") else "message"
        body = {"Type": "User" if self.status < 500 else "Service", key: self.message, **self.more}
        return Answer(self.status, headers, json.dumps(body).encode())


def access_denied(arn: str, action: str, resource: str) -> AwsError:
    """What a missing permission is answered with."""
    text = f"User: {arn} is not authorized to perform: {action} on resource: {resource}"
    return AwsError(403, "AccessDeniedException", f"{text} because no identity-based policy allows the {action} action")


def not_opted_in() -> AwsError:
    """What a region that the account has not enabled answers, and what a key that does not exist is answered with."""
    return AwsError(403, "UnrecognizedClientException", "The security token included in the request is invalid.")


def expired() -> AwsError:
    """What a session token is answered with after its time."""
    return AwsError(403, "ExpiredTokenException", "The security token included in the request is expired")


def bad_signature(reason: str) -> AwsError:
    """What a wrong secret key or a wrong clock is answered with."""
    return AwsError(403, "InvalidSignatureException", reason)


def conflict(message: str) -> AwsError:
    """What a function that is still changing answers."""
    return AwsError(409, "ResourceConflictException", message)


def invalid_parameter(message: str) -> AwsError:
    """What a mistake in a request is answered with, and a role that is too new."""
    return AwsError(400, "InvalidParameterValueException", message)
