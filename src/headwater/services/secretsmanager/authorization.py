"""What this room tells the decision: the secrets' own policies and tags, and the condition keys of Secrets Manager.

Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Secrets Manager".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from headwater.aws.policy.documents import Policy, parse
from headwater.kernel.service import ResourcePolicy

from . import SERVICE
from .finding import look_up
from .model import CURRENT, Secret

if TYPE_CHECKING:
    from headwater.kernel.context import Context
    from headwater.kernel.home import Home

Request = dict[str, Any]
Values = str | Iterable[str] | None
ARN_FIELDS: Final = 6
PLAIN_MEMBERS: Final = {
    "secretsmanager:Description": "Description",
    "secretsmanager:KmsKeyId": "KmsKeyId",
    "secretsmanager:Name": "Name",
    "secretsmanager:RecoveryWindowInDays": "RecoveryWindowInDays",
    "secretsmanager:RotationLambdaARN": "RotationLambdaARN",
    "secretsmanager:VersionId": "VersionId",
}
"""Condition keys that are a member of the request, as it stands there."""
SWITCHES: Final = {
    "secretsmanager:BlockPublicPolicy": ("BlockPublicPolicy", False),
    "secretsmanager:ForceDeleteWithoutRecovery": ("ForceDeleteWithoutRecovery", False),
    "secretsmanager:ForceOverwriteReplicaSecret": ("ForceOverwriteReplicaSecret", False),
    "secretsmanager:RotateImmediately": ("RotateImmediately", True),
}
"""Condition keys that are true or false, and what they are where the request does not say."""


def secret_at(home: Home, arn: str) -> Secret | None:
    fields = arn.split(":", ARN_FIELDS - 1)
    if len(fields) < ARN_FIELDS or fields[2] != "secretsmanager":
        return None
    return look_up(home.store, fields[4], fields[3], arn)


@SERVICE.resource_policy
def _policy(home: Home, action: str, resource: str) -> ResourcePolicy | None:
    secret = secret_at(home, resource)
    if secret is None:
        return None
    policies = () if secret.policy is None else (parse(secret.policy, source=secret.arn, kind="resource"),)
    return ResourcePolicy(secret.account, policies if secret.owning_service is None else (*policies, _of_owner(secret.owning_service)))


@cache
def _of_owner(service: str) -> Policy:
    """A secret that a service made is that service's to use: AWS's services do it under their service-linked roles."""
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "secretsmanager:*", "Resource": "*"}
    return parse(json.dumps({"Version": "2012-10-17", "Statement": [statement]}), source=service, kind="resource")


@SERVICE.resource_tags
def _tags(home: Home, resource: str, request: Request) -> Mapping[str, str]:
    """Of a secret to come, the tags that it will have: so AWS evaluates `secretsmanager:ResourceTag` for CreateSecret."""
    secret = secret_at(home, resource)
    if secret is not None:
        return secret.tags
    return {tag["Key"]: tag.get("Value", "") for tag in request.get("Tags", []) if "Key" in tag}


def _asked(ctx: Context, request: Request) -> Secret | None:
    named = request.get("SecretId")
    return None if named is None else look_up(ctx.store, ctx.account, ctx.region, named)


@SERVICE.condition_key("secretsmanager:ResourceTag/")
def _resource_tag(ctx: Context, request: Request) -> Values:
    secret = _asked(ctx, request)
    tags = _tags(ctx.home, "", request) if secret is None else secret.tags
    return next((value for key, value in tags.items() if key.lower() == request["{key}"]), None)


@SERVICE.condition_key("secretsmanager:SecretId")
def _secret_id(ctx: Context, request: Request) -> Values:
    secret = _asked(ctx, request)
    return request.get("SecretId") if secret is None else secret.arn


@SERVICE.condition_key("secretsmanager:VersionStage")
def _version_stage(ctx: Context, request: Request) -> Values:
    """Who reads without saying which version reads AWSCURRENT."""
    given: str | None = request.get("VersionStage")
    if given is None and "VersionId" not in request and set(request) == {"SecretId"}:
        return CURRENT
    return given


@SERVICE.condition_key("secretsmanager:SecretPrimaryRegion")
def _primary_region(ctx: Context, request: Request) -> Values:
    secret = _asked(ctx, request)
    return None if secret is None else secret.primary_region or secret.region


@SERVICE.condition_key("secretsmanager:resource/AllowRotationLambdaArn")
def _rotation_function(ctx: Context, request: Request) -> Values:
    secret = _asked(ctx, request)
    return None if secret is None else secret.rotation_function


@SERVICE.condition_key("secretsmanager:AddReplicaRegions")
def _replica_regions(ctx: Context, request: Request) -> Values:
    return [each["Region"] for each in request.get("AddReplicaRegions", []) if "Region" in each] or None


@SERVICE.condition_key("secretsmanager:KmsKeyArn")
def _key_arn(ctx: Context, request: Request) -> Values:
    """The key of the request in full, where that can be told: an alias is not followed here."""
    given: str | None = request.get("KmsKeyId")
    if not given or given.startswith("alias/"):
        return None
    return given if given.startswith("arn:") else ctx.arn("kms", f"key/{given}")


@SERVICE.condition_key("secretsmanager:ModifyRotationRules")
def _modifies_rules(ctx: Context, request: Request) -> Values:
    return str("RotationRules" in request).lower()


def _member(name: str, member: str) -> None:
    @SERVICE.condition_key(name)
    def value(ctx: Context, request: Request) -> Values:
        given = request.get(member)
        return None if given is None else str(given)


def _switch(name: str, member: str, *, otherwise: bool) -> None:
    @SERVICE.condition_key(name)
    def value(ctx: Context, request: Request) -> Values:
        return str(request.get(member, otherwise)).lower()


for _name, _source in PLAIN_MEMBERS.items():
    _member(_name, _source)
for _name, (_source, _default) in SWITCHES.items():
    _switch(_name, _source, otherwise=_default)
