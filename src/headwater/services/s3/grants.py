"""Access control lists: what a request asks for, what a list says of itself, and what it means as a policy.

A list is kept as grants, or as None while it is the owner's alone. A canned list names the owner, whom the record knows, by an
empty grantee. Here every object is its bucket's owner's. Pure.
Source: "Access control list (ACL) overview" of the user guide; sentences from recorded answers of AWS (test_s3_bucket_acl_exceptions).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from headwater.aws.faults import Fault, fault
from headwater.aws.policy.documents import Policy, parse

from .records import Bucket, Grant
from .refusals import access_denied, invalid_argument, invalid_request

ENFORCED: Final = "BucketOwnerEnforced"
MEMBERS: Final = {
    "GrantFullControl": ("FULL_CONTROL", "x-amz-grant-full-control"),
    "GrantRead": ("READ", "x-amz-grant-read"),
    "GrantWrite": ("WRITE", "x-amz-grant-write"),
    "GrantReadACP": ("READ_ACP", "x-amz-grant-read-acp"),
    "GrantWriteACP": ("WRITE_ACP", "x-amz-grant-write-acp"),
}
PERMISSIONS: Final = frozenset(permission for permission, _ in MEMBERS.values())
ALL_USERS: Final = "http://acs.amazonaws.com/groups/global/AllUsers"
AUTHENTICATED_USERS: Final = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
LOG_DELIVERY: Final = "http://acs.amazonaws.com/groups/s3/LogDelivery"
GROUPS: Final = frozenset({ALL_USERS, AUTHENTICATED_USERS, LOG_DELIVERY})
PUBLIC: Final = frozenset({ALL_USERS, AUTHENTICATED_USERS})
EC2_BUNDLES: Final = "6aa5a366c34c1cbe25dc49211496e913e0351eb0e8c37aa3477e40942ec6b97c"
"""The account that fetches images of machines: who is meant by aws-exec-read."""
FULL: Final = Grant("", "FULL_CONTROL")
COMMON: Final[dict[str, list[Grant] | None]] = {
    "private": None,
    "public-read": [FULL, Grant(ALL_USERS, "READ")],
    "public-read-write": [FULL, Grant(ALL_USERS, "READ"), Grant(ALL_USERS, "WRITE")],
    "authenticated-read": [FULL, Grant(AUTHENTICATED_USERS, "READ")],
    "aws-exec-read": [FULL, Grant(EC2_BUNDLES, "READ")],
}
OWNERS_ALONE: Final = "bucket-owner-full-control"
CANNED_OF_OBJECTS: Final[dict[str, list[Grant] | None]] = COMMON | {"bucket-owner-read": None, OWNERS_ALONE: None}
CANNED_OF_BUCKETS: Final[dict[str, list[Grant] | None]] = COMMON | {
    "log-delivery-write": [FULL, Grant(LOG_DELIVERY, "WRITE"), Grant(LOG_DELIVERY, "READ_ACP")],
    OWNERS_ALONE: None,
}
_CANONICAL: Final = re.compile(r"[0-9a-f]{64}")
_GRANTEE: Final = re.compile(r'\s*(id|uri|emailAddress)\s*=\s*"?([^",]*)"?\s*', re.IGNORECASE)


# -- what a request asks for -----------------------------------------------------------------------------------------------


def are_asked(request: Mapping[str, Any]) -> bool:
    return "ACL" in request or not MEMBERS.keys().isdisjoint(request)


def asked(request: Mapping[str, Any], canned: Mapping[str, list[Grant] | None]) -> list[Grant] | None:
    """The grants of a request's headers: a canned list, or one that is written out."""
    written = [member for member in MEMBERS if member in request]
    if "ACL" in request:
        if written:
            raise invalid_request("Specifying both Canned ACLs and Header Grants is not allowed")
        if request["ACL"] not in canned:
            raise fault("InvalidArgument", "", Message="", ArgumentName="x-amz-acl", ArgumentValue=request["ACL"])  # it says nothing
        return canned[request["ACL"]]
    return [grant for member in written for grant in _of_header(request[member], *MEMBERS[member])] or None


def _of_header(text: str, permission: str, header: str) -> Iterator[Grant]:
    for one in text.split(","):
        found = _GRANTEE.fullmatch(one)
        if found is None:
            raise invalid_argument("Argument format not recognized", header, text)
        kind, value = found[1].lower(), found[2]
        if kind == "emailaddress":
            raise _no_such_address()
        yield Grant(_group(value, "uri") if kind == "uri" else _account(value, "id"), permission)


def of_document(document: Mapping[str, Any], owner: str) -> list[Grant] | None:
    """The grants of an AccessControlPolicy, whose owner must be the one that there is."""
    lines = document.get("Grants")
    said = (document.get("Owner") or {}).get("ID")
    if said is None or lines is None or any(line.get("Permission") not in PERMISSIONS for line in lines):
        raise _malformed()
    if said != owner:
        _account(said, "CanonicalUser/ID")
        raise access_denied()
    found = [Grant(_grantee(line.get("Grantee") or {}), line["Permission"]) for line in lines]
    return None if found == [Grant(owner, "FULL_CONTROL")] else found


def _grantee(said: Mapping[str, Any]) -> str:
    match said.get("Type"):
        case "Group" if "URI" in said:
            return _group(said["URI"], "Group/URI")
        case "CanonicalUser" if "ID" in said:
            return _account(said["ID"], "CanonicalUser/ID")
        case "AmazonCustomerByEmail":
            raise _no_such_address()
        case _:
            raise _malformed()


def _group(uri: str, argument: str) -> str:
    if uri not in GROUPS:
        raise invalid_argument("Invalid group uri", argument, uri)
    return uri


def _account(canonical_id: str, argument: str) -> str:
    if _CANONICAL.fullmatch(canonical_id) is None:
        raise invalid_argument("Invalid id", argument, canonical_id)
    return canonical_id


def check_for(bucket: Bucket, grants: list[Grant] | None, canned: str | None) -> None:
    """Raise for a list that this bucket does not take, for itself or for its objects."""
    if bucket.ownership == ENFORCED and canned != OWNERS_ALONE:
        raise not_supported()
    if is_public(grants) and (bucket.public_access_block or {}).get("BlockPublicAcls"):
        raise access_denied()


def is_public(grants: Iterable[Grant] | None) -> bool:
    return any(grant.grantee in PUBLIC for grant in grants or ())


def not_supported() -> Fault:
    return fault("AccessControlListNotSupported", "The bucket does not allow ACLs")


def _malformed() -> Fault:
    return fault("MalformedACLError", "The XML you provided was not well-formed or did not validate against our published schema")


def _no_such_address() -> Fault:
    return fault("UnresolvableGrantByEmailAddress", "The e-mail address you provided does not match any account on record.")


# -- what a list says ------------------------------------------------------------------------------------------------------


def described(grants: Iterable[Grant] | None, owner: str) -> dict[str, Any]:
    """A list as GetBucketAcl and GetObjectAcl show it."""
    return {"Owner": {"ID": owner}, "Grants": [_described(grant, owner) for grant in grants or (FULL,)]}


def _described(grant: Grant, owner: str) -> dict[str, Any]:
    if grant.grantee in GROUPS:
        return {"Grantee": {"URI": grant.grantee, "Type": "Group"}, "Permission": grant.permission}
    return {"Grantee": {"ID": grant.grantee or owner, "Type": "CanonicalUser"}, "Permission": grant.permission}


# -- what a list means -----------------------------------------------------------------------------------------------------

OF_BUCKETS: Final = {
    "READ": ("ListBucket", "ListBucketVersions", "ListBucketMultipartUploads"),
    "WRITE": ("PutObject",),
    "READ_ACP": ("GetBucketAcl",),
    "WRITE_ACP": ("PutBucketAcl",),
}
OF_OBJECTS: Final = {
    "READ": ("GetObject", "GetObjectVersion"),
    "READ_ACP": ("GetObjectAcl", "GetObjectVersionAcl"),
    "WRITE_ACP": ("PutObjectAcl", "PutObjectVersionAcl"),
}
OBJECT_ACTIONS: Final = frozenset(f"s3:{action}" for actions in OF_OBJECTS.values() for action in actions)
"""What an object's own list can allow."""
BUCKET_ACTIONS: Final = frozenset(f"s3:{action}" for actions in OF_BUCKETS.values() for action in actions)


@lru_cache(maxsize=4096)
def as_policy(grants: tuple[Grant, ...], arn: str, *, of_bucket: bool) -> Policy:
    """The grants to others than the owner as statements, with a bucket's WRITE on its objects. Source: "Mapping of ACL permissions"."""
    meant = OF_BUCKETS if of_bucket else OF_OBJECTS
    statements = []
    for grant in grants:
        if not grant.grantee:
            continue
        for permission in meant if grant.permission == "FULL_CONTROL" else (grant.permission,):
            on = f"{arn}/*" if of_bucket and permission == "WRITE" else arn
            actions = [f"s3:{action}" for action in meant.get(permission, ())]
            statements.append({"Effect": "Allow", "Action": actions, "Resource": on, **_principal(grant.grantee)})
    return parse(json.dumps({"Version": "2012-10-17", "Statement": statements}), source=arn, kind="resource")


def _principal(grantee: str) -> dict[str, Any]:
    if grantee == ALL_USERS:
        return {"Principal": "*"}
    if grantee == AUTHENTICATED_USERS:
        return {"Principal": "*", "Condition": {"StringNotEquals": {"aws:PrincipalType": "Anonymous"}}}
    if grantee == LOG_DELIVERY:
        return {"Principal": {"Service": "logging.s3.amazonaws.com"}}
    return {"Principal": {"CanonicalUser": grantee}}
