"""The `userIdentity` of an event: who it was, as CloudTrail tells each kind of principal.

Source: "CloudTrail userIdentity element" of the user guide, whose examples the tests follow.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from .model import Who

ANONYMOUS: Final = {"type": "AWSAccount", "principalId": "", "accountId": "anonymous"}


def iso(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def identity_of(who: Who, recipient: str, at: datetime) -> dict[str, Any]:
    """As the account `recipient` sees it: another account's principal is only an id to it."""
    if who.kind == "service":
        return {"type": "AWSService", "invokedBy": f"{who.service}.amazonaws.com"}
    if who.kind == "anonymous":
        return dict(ANONYMOUS)
    if who.account != recipient:
        return {"type": "AWSAccount", "principalId": who.user_id, "accountId": who.account} | _via(who)
    return _OF_KIND.get(who.kind, _root)(who, at) | _via(who)


def username(who: Who) -> str | None:
    """The name under which the event history files an event: a session's is the session's."""
    match who.kind:
        case "root":
            return "root"
        case "user":
            return who.arn.rpartition("/")[2]
        case "role":
            return who.arn.rpartition("/")[2]
        case "federated":
            return who.user_id.rpartition(":")[2]
        case _:
            return None


def source_of(who: Who) -> str:
    """Where the call came from: an address, or the service that made it."""
    return f"{who.service}.amazonaws.com" if who.service else who.source_ip


def agent_of(who: Who) -> str:
    return f"{who.service}.amazonaws.com" if who.service else who.user_agent


def _via(who: Who) -> dict[str, Any]:
    return {"invokedBy": f"{who.service}.amazonaws.com"} if who.service else {}


def _root(who: Who, at: datetime) -> dict[str, Any]:
    return _named("Root", who) | _temporary(who)


def _user(who: Who, at: datetime) -> dict[str, Any]:
    return _named("IAMUser", who) | {"userName": who.arn.rpartition("/")[2]} | _temporary(who)


def _role(who: Who, at: datetime) -> dict[str, Any]:
    issuer = {
        "type": "Role",
        "principalId": who.user_id.partition(":")[0],
        "arn": who.role_arn,
        "accountId": who.account,
        "userName": who.role_arn.rpartition("/")[2],
    }
    return _named("AssumedRole", who) | {"sessionContext": _session(who, at, issuer)}


def _federated(who: Who, at: datetime) -> dict[str, Any]:
    if ":federated-user/" not in who.arn:
        return {
            "type": "SAMLUser" if ":saml-provider/" in who.provider else "WebIdentityUser",
            "principalId": who.user_id,
            "userName": who.user_id.rpartition(":")[2],
            "identityProvider": who.provider,
        }
    is_root = who.role_arn.endswith(":root")
    issuer = {"type": "Root" if is_root else "IAMUser", "arn": who.role_arn, "accountId": who.account}
    issuer |= {"principalId": who.account} if is_root else {"userName": who.role_arn.rpartition("/")[2]}
    return _named("FederatedUser", who) | {"sessionContext": _session(who, at, issuer)}


def _named(kind: str, who: Who) -> dict[str, Any]:
    named = {"type": kind, "principalId": who.user_id, "arn": who.arn, "accountId": who.account}
    return named | ({"accessKeyId": who.access_key_id} if who.access_key_id else {})


def _temporary(who: Who) -> dict[str, Any]:
    """Of credentials from GetSessionToken, when they were made."""
    return {"sessionContext": {"attributes": _attributes(who, who.issued_at)}} if who.issued_at is not None else {}


def _session(who: Who, at: datetime, issuer: dict[str, Any]) -> dict[str, Any]:
    session: dict[str, Any] = {"sessionIssuer": issuer, "attributes": _attributes(who, who.issued_at or at)}
    if who.provider and who.kind == "role":
        session["webIdFederationData"] = {"federatedProvider": who.provider, "attributes": {}}
    if who.source_identity:
        session["sourceIdentity"] = who.source_identity
    return session


def _attributes(who: Who, at: datetime) -> dict[str, str]:
    return {"creationDate": iso(at), "mfaAuthenticated": "true" if who.has_mfa else "false"}


_OF_KIND: Final = {"root": _root, "user": _user, "role": _role, "federated": _federated}
