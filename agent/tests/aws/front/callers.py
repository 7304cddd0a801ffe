"""Who calls: the owner of the key, if the signature, the clock and the session token are right."""

import hmac
import time
from dataclasses import dataclass
from datetime import datetime, timezone

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from .errors import AwsError, bad_signature, expired, not_opted_in
from .request import Request
from .world import World

# How wrong a clock may be.
CLOCK_TOLERANCE_S = 300


@dataclass(frozen=True)
class Caller:
    """A user of an account."""

    world: World
    name: str
    arn: str
    # The user's own key, also where a session's was used.
    key: str
    secret: str
    token: str | None
    ends: float | None

    def may(self, need) -> bool:
        from .policy import allows

        user = self.world.account.user_of(self.key)
        return user is not None and allows(self.world.account.policies_of(user[0]), need)


def find(worlds: list[World], request: Request) -> Caller | None:
    """Whose key it is, right or wrong."""
    for world in worlds:
        session = world.sessions.get(request.scope.key)
        found = world.account.user_of(session.key_of_user if session else request.scope.key)
        if found and session:
            return Caller(world, found[0].name, found[0].arn, session.key_of_user, session.secret, session.token, session.ends)
        if found:
            return Caller(world, found[0].name, found[0].arn, request.scope.key, found[1], None, None)
    return None


def check(caller: Caller, request: Request) -> None:
    """Refuses what AWS refuses before it looks at any policy."""
    if caller.token is not None and not hmac.compare_digest(request.headers.get("X-Amz-Security-Token", ""), caller.token):
        raise not_opted_in()
    if caller.ends is not None and time.monotonic() > caller.ends:
        raise expired()
    check_clock(caller.world, request.headers.get("X-Amz-Date", ""))
    if not hmac.compare_digest(signature(caller, request), request.scope.signature):
        raise bad_signature(
            "The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
        )
    if request.scope.region in caller.world.laws.closed_regions:
        raise not_opted_in()


def check_clock(world: World, date: str) -> None:
    try:
        signed = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc).timestamp()
    except ValueError as error:
        raise AwsError(400, "IncompleteSignatureException", "Date must be in ISO-8601 'basic format'.") from error
    now = time.time() + world.laws.clock_offset_s
    if abs(now - signed) > CLOCK_TOLERANCE_S:
        shown = datetime.fromtimestamp(now, timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        word = "expired" if signed < now else "not yet current"
        raise bad_signature(f"Signature {word}: {date} is now {'earlier' if signed < now else 'later'} than {shown} (5 min.)")


def signature(caller: Caller, request: Request) -> str:
    """The signature that this request has with the caller's secret."""
    headers = {name: request.headers.get(name, "") for name in request.scope.signed}
    url = f"http://{request.headers.get('Host', '')}{request.target}"
    signed = AWSRequest(method=request.method, url=url, data=request.body, headers=headers)
    signed.context["timestamp"] = request.headers.get("X-Amz-Date", "")
    auth = SigV4Auth(Credentials(request.scope.key, caller.secret, caller.token), request.scope.service, request.scope.region)
    return auth.signature(auth.string_to_sign(signed, auth.canonical_request(signed)), signed)
