"""What this room tells the decision: key policies with their grants, the keys' tags, and the condition keys of KMS.

A key's policy stands alone: identity policies suffice only where it names the account. A grant is one more Allow statement for
its grantee; whether its constraints hold is asked through a condition key of our own, `kms:HoldingGrants`, because an encryption
context is compared with case and as a whole, which no operator of the policy language does.
Source: "Condition keys for AWS KMS", "Grants in AWS KMS" of the developer guide.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from headwater.aws.policy.documents import Policy, parse
from headwater.kernel.service import ResourcePolicy

from . import SERVICE, managed
from .arns import ciphertext_arn, destination_arn, key_arn
from .grants import name_of_grant
from .live import Remembered, live_of
from .model import Grant, Key, aliases, grants, keys
from .specs import SYMMETRIC

if TYPE_CHECKING:
    from headwater.kernel.context import Context
    from headwater.kernel.home import Home

Request = dict[str, Any]
HOLDING: Final = "kms:HoldingGrants"
RETIRE: Final = "RetireGrant"
WATCHED: Final = frozenset({RETIRE, "CreateGrant"})
"""Operations whose request must be looked at even where the grant has no constraints."""
PLAIN_MEMBERS: Final = {
    "kms:DataKeyPairSpec": "KeyPairSpec",
    "kms:ExpirationModel": "ExpirationModel",
    "kms:GranteePrincipal": "GranteePrincipal",
    "kms:GrantOperations": "Operations",
    "kms:KeyAgreementAlgorithm": "KeyAgreementAlgorithm",
    "kms:MacAlgorithm": "MacAlgorithm",
    "kms:PrimaryRegion": "PrimaryRegion",
    "kms:ReplicaRegion": "ReplicaRegion",
    "kms:RetiringPrincipal": "RetiringPrincipal",
    "kms:RotationPeriodInDays": "RotationPeriodInDays",
    "kms:ScheduleKeyDeletionPendingWindowInDays": "PendingWindowInDays",
    "kms:SigningAlgorithm": "SigningAlgorithm",
    "kms:ValidTo": "ValidTo",
    "kms:WrappingAlgorithm": "WrappingAlgorithm",
    "kms:WrappingKeySpec": "WrappingKeySpec",
}
"""Condition keys that are a member of the request, as it stands there."""


def key_at(home: Home, arn: str) -> Key | None:
    fields = arn.split(":", 5)
    if len(fields) < 6 or not fields[5].startswith("key/"):
        return None
    return home.store.get(keys, fields[4], fields[3], fields[5].removeprefix("key/"))


@SERVICE.resource_policy
def _policy(home: Home, action: str, resource: str) -> ResourcePolicy | None:
    key = key_at(home, resource)
    if key is None:
        return _of_a_key_to_come(resource)
    remembered = live_of(home).policies
    generation = home.store.generation(grants)
    known = remembered.get(key.parts)
    if known is not None and known.policy == key.policy and known.generation == generation:
        return known.answer
    given = home.store.scan(grants, *key.parts)
    if known is not None and known.policy == key.policy and known.given == given:
        answer = known.answer
    else:
        policies = (parse(key.policy, source=resource, kind="key"), *(_granted(grant) for grant in given))
        answer = ResourcePolicy(owner=key.account, policies=policies, alone=True)
    remembered[key.parts] = Remembered(key.policy, generation, given, answer)
    return answer


def _of_a_key_to_come(resource: str) -> ResourcePolicy | None:
    """One of AWS's own that this call will make."""
    fields = resource.split(":", 5)
    service = fields[5].removeprefix(managed.PREFIX) if len(fields) > 5 else ""
    if service not in managed.PROTECTS:
        return None
    policy = parse(managed.policy(service, fields[4], fields[3]), source=resource, kind="key")
    return ResourcePolicy(owner=fields[4], policies=(policy,), alone=True)


def _granted(grant: Grant) -> Policy:
    """A grant as a policy; parsed once, for its text is always the same."""
    statements = [_statement(grant.grantee, grant.grantee_is_service, grant, grant.operations)]
    if grant.retiring is not None:
        statements.append(_statement(grant.retiring, grant.retiring_is_service, grant, (RETIRE,)))
    return parse(json.dumps({"Version": "2012-10-17", "Statement": statements}), source=f"grant {grant.grant_id}", kind="key")


def _statement(principal: str, is_service: bool, grant: Grant, operations: Iterable[str]) -> dict[str, Any]:
    named = {"Service" if is_service else "AWS": principal}
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": named, "Resource": "*"}
    statement["Action"] = [f"kms:{operation}" for operation in operations]
    if _is_bound(grant) or not WATCHED.isdisjoint(operations):
        statement["Condition"] = {"ForAnyValue:StringEquals": {HOLDING: grant.grant_id}}
    return statement


def _is_bound(grant: Grant) -> bool:
    return grant.context_equals is not None or grant.context_subset is not None or grant.source_arn is not None


@SERVICE.condition_key(HOLDING)
def _holding(ctx: Context, request: Request) -> Iterable[str]:
    """The ids of those grants whose constraints this request meets; for RetireGrant, of the grant that it names."""
    if ("GrantToken" in request or "GrantId" in request) and (name := name_of_grant(ctx, request)) is not None:
        return [name[1]]
    concerned = {arn: key for arn in _concerned(ctx, request) if (key := key_at(ctx.home, arn)) is not None}
    return [grant.grant_id for key in concerned.values() for grant in ctx.store.scan(grants, *key.parts) if _holds(ctx, grant, request)]


def _holds(ctx: Context, grant: Grant, request: Request) -> bool:
    """Constraints on the context bind only operations that have one. A grant on both ends of ReEncrypt must suit both."""
    if grant.source_arn is not None and grant.source_arn != ctx.source_arn:
        return False
    contexts = [request.get("EncryptionContext", {})]
    if "DestinationKeyId" in request:
        ends = {"ReEncryptFrom": "SourceEncryptionContext", "ReEncryptTo": "DestinationEncryptionContext"}
        contexts = [request.get(member, {}) for operation, member in ends.items() if operation in grant.operations]
    elif "Operations" in request:
        return _is_no_wider(grant, request)
    elif "EncryptionContext" not in request and not _has_context(request):
        return True
    return all(_suits(grant, context) for context in contexts)


def _is_no_wider(grant: Grant, request: Request) -> bool:
    """Who may give grants by a grant gives no more than it has, in no more contexts."""
    if not set(request["Operations"]) <= set(grant.operations):
        return False
    constraints = request.get("Constraints", {})
    equals, subset = constraints.get("EncryptionContextEquals"), constraints.get("EncryptionContextSubset")
    if grant.context_equals is not None:
        return bool(equals == grant.context_equals)
    return grant.context_subset is None or grant.context_subset.items() <= (equals or subset or {}).items()


def _has_context(request: Request) -> bool:
    """Whether the operation is one that takes a context, though none was given."""
    return any(member in request for member in ("Plaintext", "CiphertextBlob", "KeySpec", "NumberOfBytes", "KeyPairSpec"))


def _suits(grant: Grant, context: dict[str, str]) -> bool:
    if grant.context_equals is not None:
        return grant.context_equals == context
    return grant.context_subset is None or grant.context_subset.items() <= context.items()


@SERVICE.resource_tags
def _tags(home: Home, resource: str, request: Request) -> Mapping[str, str]:
    key = key_at(home, resource)
    return {} if key is None else key.tags


_of_decrypt: Final = ciphertext_arn("KeyId", "EncryptionAlgorithm")
_of_re_encrypt: Final = ciphertext_arn("SourceKeyId", "SourceEncryptionAlgorithm")


def _concerned(ctx: Context, request: Request) -> list[str]:
    """The ARNs of the keys that a request uses."""
    if "DestinationKeyId" in request:
        return [*_of_re_encrypt(ctx, request), destination_arn(ctx, request)]
    if "CiphertextBlob" in request:
        return [*_of_decrypt(ctx, request)]
    return [key_arn(ctx, request)] if "KeyId" in request else []


def _key(ctx: Context, request: Request) -> Key | None:
    arns = _concerned(ctx, request)
    return key_at(ctx.home, arns[0]) if arns else None


def _member(name: str, member: str) -> None:
    @SERVICE.condition_key(name)
    def value(ctx: Context, request: Request) -> str | Iterable[str] | None:
        given = request.get(member)
        if given is None or isinstance(given, str):
            return given
        return [str(one) for one in given] if isinstance(given, list) else str(given)


for _name, _source in PLAIN_MEMBERS.items():
    _member(_name, _source)


@SERVICE.condition_key("kms:CallerAccount")
def _caller_account(ctx: Context, request: Request) -> str | None:
    return ctx.principal.account or None


@SERVICE.condition_key("kms:ViaService")
def _via_service(ctx: Context, request: Request) -> str | None:
    """The service that calls in the principal's name, as `s3.us-east-1.amazonaws.com`."""
    return f"{ctx.called_via[-1]}.{ctx.region}.amazonaws.com" if ctx.called_via else None


def _context_of(request: Request) -> dict[str, str] | None:
    """Of ReEncrypt, the context of the source, else of the destination."""
    for member in ("EncryptionContext", "SourceEncryptionContext", "DestinationEncryptionContext"):
        if request.get(member):
            context: dict[str, str] = request[member]
            return context
    return None


@SERVICE.condition_key("kms:EncryptionContext:")
def _context(ctx: Context, request: Request) -> str | None:
    """The value of one of its keys, whose name has no case in a policy."""
    context = _context_of(request) or {}
    return next((value for name, value in context.items() if name.lower() == request["{key}"]), None)


@SERVICE.condition_key("kms:EncryptionContextKeys")
def _context_keys(ctx: Context, request: Request) -> Iterable[str] | None:
    context = _context_of(request)
    return list(context) if context else None


@SERVICE.condition_key("kms:EncryptionAlgorithm")
def _encryption_algorithm(ctx: Context, request: Request) -> str:
    members = ("EncryptionAlgorithm", "SourceEncryptionAlgorithm", "DestinationEncryptionAlgorithm")
    return next((request[member] for member in members if member in request), SYMMETRIC)


@SERVICE.condition_key("kms:MessageType")
def _message_type(ctx: Context, request: Request) -> str | None:
    return request.get("MessageType", "RAW") if "SigningAlgorithm" in request else None


@SERVICE.condition_key("kms:KeySpec", "kms:CustomerMasterKeySpec")
def _key_spec(ctx: Context, request: Request) -> str | None:
    key = _key(ctx, request)
    if key is None:
        return request.get("KeySpec") or request.get("CustomerMasterKeySpec") or SYMMETRIC
    return key.spec


@SERVICE.condition_key("kms:KeyUsage", "kms:CustomerMasterKeyUsage")
def _key_usage(ctx: Context, request: Request) -> str | None:
    key = _key(ctx, request)
    return request.get("KeyUsage", "ENCRYPT_DECRYPT") if key is None else key.usage


@SERVICE.condition_key("kms:KeyOrigin")
def _key_origin(ctx: Context, request: Request) -> str | None:
    key = _key(ctx, request)
    return request.get("Origin", "AWS_KMS") if key is None else key.origin


@SERVICE.condition_key("kms:MultiRegion")
def _multi_region(ctx: Context, request: Request) -> str:
    key = _key(ctx, request)
    return str(request.get("MultiRegion", False) if key is None else key.primary_region is not None).lower()


@SERVICE.condition_key("kms:MultiRegionKeyType")
def _multi_region_key_type(ctx: Context, request: Request) -> str | None:
    key = _key(ctx, request)
    if key is None or key.primary_region is None:
        return None
    return "PRIMARY" if key.is_primary else "REPLICA"


@SERVICE.condition_key("kms:RequestAlias")
def _request_alias(ctx: Context, request: Request) -> str | None:
    named: str = request.get("KeyId") or request.get("SourceKeyId") or request.get("DestinationKeyId") or ""
    name = named.rpartition(":")[2]
    return name if name.startswith("alias/") else None


@SERVICE.condition_key("kms:ResourceAliases")
def _resource_aliases(ctx: Context, request: Request) -> Iterable[str] | None:
    key = _key(ctx, request)
    if key is None:
        return None
    return [alias.name for alias in ctx.store.scan(aliases, key.account, key.region) if alias.key_id == key.key_id] or None


@SERVICE.condition_key("kms:ReEncryptOnSameKey")
def _re_encrypt_on_same_key(ctx: Context, request: Request) -> str | None:
    if "DestinationKeyId" not in request:
        return None
    return str(set(_of_re_encrypt(ctx, request)) == {destination_arn(ctx, request)}).lower()


@SERVICE.condition_key("kms:BypassPolicyLockoutSafetyCheck")
def _bypass(ctx: Context, request: Request) -> str:
    return str(request.get("BypassPolicyLockoutSafetyCheck", False)).lower()


@SERVICE.condition_key("kms:GrantConstraintType")
def _grant_constraint_type(ctx: Context, request: Request) -> Iterable[str] | None:
    return list(request.get("Constraints", {})) or None


@SERVICE.condition_key("kms:GrantIsForAWSResource")
def _grant_is_for_aws_resource(ctx: Context, request: Request) -> str:
    """True where a service asks in the principal's name, to use the key for a resource of its own."""
    return str(bool(ctx.called_via)).lower()
