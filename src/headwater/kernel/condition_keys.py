"""The global condition keys: what each is worth for a call, asked only when a policy names it.

Source: "AWS global condition context keys" of the IAM user guide, which says for each key when it is there. A service's own keys
(`s3:prefix`) are its room's, `@SERVICE.condition_key`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from headwater.kernel.service import KeyHook, room, room_names
from headwater.kernel.settings import DEFAULT_REGION

if TYPE_CHECKING:
    from headwater.kernel.authorization import Asked

Values = str | Iterable[str] | None

PRINCIPAL_TYPES: Final = {
    "root": "Account",
    "user": "User",
    "role": "AssumedRole",
    "federated": "FederatedUser",
    "anonymous": "Anonymous",
}
REGIONAL_DESPITE_ITS_ENDPOINT: Final = frozenset({"s3", "sts"})
"""Their models name a global endpoint, yet a request to them is a request to the region that it was signed for."""
GLOBAL_DESPITE_ITS_MODEL: Final = frozenset({"organizations"})
"""Their models name no global endpoint, yet there is one of them, in the default region."""
ROOM_OF_PREFIX: Final = {"states": "stepfunctions", "elasticmapreduce": "emr", "airflow": "mwaa"}
"""The first word of an action or ARN, where it is not the room's name."""
TAG_MEMBERS: Final = ("Tags", "TagList", "tags", "TagSet", "Tagging")
TAG_KEY_MEMBERS: Final = ("TagKeys", "tagKeys", "TagKeyList")


def look_up(asked: Asked, key: str) -> Values:
    """The values of `key` (in lower case) for this call; None where it has none."""
    own = asked.need.keys.get(key)
    if own is not None:
        return own
    session = asked.principal.session
    if session is not None and key in session.claims:
        return session.claims[key]
    hook = _hook(asked.ctx.service, key) if key.startswith("aws:") else None
    if hook is not None:  # the room that is called knows better: tags of a session may come from an identity token
        return hook(asked)
    found = _PLAIN.get(key)
    if found is not None:
        return found(asked)
    stem, separator, rest = key.partition("/")
    tagged = _TAGGED.get(stem)
    if separator and tagged is not None:
        return tagged(asked, rest)
    return _of_service(asked, key)


def known_keys() -> list[str]:
    """Every global key that is honoured, as AWS writes it in lower case."""
    return sorted([*_PLAIN, *(f"{stem}/${{TagKey}}" for stem in _TAGGED)])


def room_of(prefix: str) -> str | None:
    """The room that an action's or an ARN's service word belongs to."""
    name = ROOM_OF_PREFIX.get(prefix, prefix)
    return name if name in room_names() else None


def requested_region(asked: Asked) -> str:
    metadata = asked.operation.service.metadata
    is_global = metadata.global_endpoint is not None and asked.ctx.service not in REGIONAL_DESPITE_ITS_ENDPOINT
    return DEFAULT_REGION if is_global or asked.ctx.service in GLOBAL_DESPITE_ITS_MODEL else asked.ctx.region


def _of_service(asked: Asked, key: str) -> Values:
    hook = _hook(room_of(key.partition(":")[0]), key)
    return hook(asked) if hook is not None else None


def _hook(name: str | None, key: str) -> Callable[[Asked], Values] | None:
    """How the room answers for the key, if it does."""
    keys = room(name).condition_keys if name in room_names() else {}
    whole = keys.get(key)
    if whole is not None:
        return lambda asked: whole(asked.ctx, asked.request)
    service, colon, word = key.partition(":")
    for separator in "/:":  # s3:RequestObjectTag/app, kms:EncryptionContext:app
        stem, found, rest = word.partition(separator)
        hook = keys.get(f"{service}{colon}{stem}{separator}") if found else None
        if hook is not None:
            return _for_each(hook, rest)
    return None


def _for_each(hook: KeyHook, rest: str) -> Callable[[Asked], Values]:
    return lambda asked: hook(asked.ctx, asked.request | {"{key}": rest, "{resource}": asked.need.resource})


def tags_in(request: Mapping[str, Any]) -> dict[str, str]:
    """The tags that a request would set, in whichever of AWS's forms it says them."""
    for member in TAG_MEMBERS:
        tags = request.get(member)
        if tags is None and member == "Tags":
            tags = (request.get("CreateBucketConfiguration") or {}).get(member)
        if isinstance(tags, dict) and "TagSet" in tags:
            tags = tags["TagSet"]
        if isinstance(tags, dict):
            return {str(key): str(value) for key, value in tags.items()}
        if isinstance(tags, list):
            return dict(_tag(tag) for tag in tags if isinstance(tag, dict))
    return {}


def _tag(tag: Mapping[str, Any]) -> tuple[str, str]:
    key = tag.get("Key", tag.get("key", tag.get("TagKey", "")))
    return str(key), str(tag.get("Value", tag.get("value", tag.get("TagValue", ""))))


def _tag_keys(asked: Asked) -> Values:
    for member in TAG_KEY_MEMBERS:
        if isinstance(asked.request.get(member), list):
            return [str(key) for key in asked.request[member]]
    return list(tags_in(asked.request)) or None


def _without_case(tags: Mapping[str, str], wanted: str) -> str | None:
    """Keys of conditions have no case, tag keys in them neither."""
    return next((value for key, value in tags.items() if key.lower() == wanted), None)


def _resource_tag(asked: Asked, wanted: str) -> Values:
    fields = asked.need.resource.split(":", 3)
    name = room_of(fields[2]) if len(fields) > 3 else None
    tags_of = room(name).tags_of if name is not None else None
    return _without_case(tags_of(asked.ctx.home, asked.need.resource, asked.request), wanted) if tags_of is not None else None


def _principal_tag(asked: Asked, wanted: str) -> Values:
    session = asked.principal.session
    if session is not None and (value := _without_case(session.tags, wanted)) is not None:
        return value
    return _without_case(asked.holdings.tags, wanted) if asked.holdings is not None else None


def _username(asked: Asked) -> Values:
    return asked.principal.arn.rpartition("/")[2] if asked.principal.kind == "user" else None


def _mfa_present(asked: Asked) -> Values:
    """There only for temporary credentials: long-lived keys have no such key at all, which is why policies say BoolIfExists."""
    session = asked.principal.session
    return None if session is None else "true" if session.mfa_at is not None else "false"


def _mfa_age(asked: Asked) -> Values:
    session = asked.principal.session
    if session is None or session.mfa_at is None:
        return None
    return str(int((asked.ctx.clock.now() - session.mfa_at).total_seconds()))


def _token_issued(asked: Asked) -> Values:
    session = asked.principal.session
    return None if session is None or session.issued_at is None else session.issued_at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _source_account(asked: Asked) -> str | None:
    if not asked.ctx.source_arn:
        return None
    return asked.ctx.source_arn.split(":")[4] or asked.ctx.account


def _direct(asked: Asked, value: str) -> Values:
    """What is known only of the network's request is not there when a service calls in its name."""
    return value if value and not asked.ctx.called_via else None


def _via(asked: Asked, at: int) -> Values:
    via = asked.ctx.called_via
    return f"{via[at]}.amazonaws.com" if via else None


def _session_text(asked: Asked, member: str) -> Values:
    session = asked.principal.session
    return (getattr(session, member) or None) if session is not None else None


def _organization(asked: Asked, account: str, *, paths: bool = False) -> Values:
    control = asked.ctx.home.authorization.control
    found = control.organization(account) if control is not None else None
    if found is None:
        return None
    return found[1] if paths else found[0]


def _service_only(asked: Asked, value: str) -> Values:
    return value if asked.principal.kind == "service" else None


_PLAIN: Final[dict[str, Callable[[Asked], Values]]] = {
    "aws:requestedregion": requested_region,
    "aws:principalarn": lambda asked: asked.principal.role_arn if asked.principal.kind == "role" else asked.principal.arn,
    "aws:principalaccount": lambda asked: asked.principal.account or None,
    "aws:principaltype": lambda asked: PRINCIPAL_TYPES.get(asked.principal.kind),
    "aws:principalorgid": lambda asked: _organization(asked, asked.principal.account),
    "aws:principalorgpaths": lambda asked: _organization(asked, asked.principal.account, paths=True),
    "aws:principalisawsservice": lambda asked: "true" if asked.principal.kind == "service" else "false",
    "aws:principalservicename": lambda asked: _service_only(asked, asked.principal.arn),
    "aws:principalservicenameslist": lambda asked: _service_only(asked, asked.principal.arn),
    "aws:resourceaccount": lambda asked: asked.owner or None,
    "aws:resourceorgid": lambda asked: _organization(asked, asked.owner),
    "aws:resourceorgpaths": lambda asked: _organization(asked, asked.owner, paths=True),
    "aws:sourceip": lambda asked: _direct(asked, asked.ctx.source_ip),
    "aws:sourcearn": lambda asked: asked.ctx.source_arn or None,
    "aws:sourceaccount": _source_account,
    "aws:sourceorgid": lambda asked: _organization(asked, _source_account(asked) or ""),
    "aws:sourceorgpaths": lambda asked: _organization(asked, _source_account(asked) or "", paths=True),
    "aws:sourceidentity": lambda asked: _session_text(asked, "source_identity"),
    "aws:currenttime": lambda asked: asked.ctx.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
    "aws:epochtime": lambda asked: str(int(asked.ctx.clock.now().timestamp())),
    "aws:securetransport": lambda asked: "true",  # our loopback endpoint stands for AWS's, which speak TLS
    "aws:multifactorauthpresent": _mfa_present,
    "aws:multifactorauthage": _mfa_age,
    "aws:tokenissuetime": _token_issued,
    "aws:federatedprovider": lambda asked: _session_text(asked, "provider"),
    "aws:useragent": lambda asked: asked.ctx.headers.get("user-agent"),
    "aws:referer": lambda asked: asked.ctx.headers.get("referer"),
    "aws:userid": lambda asked: asked.principal.user_id or None,
    "aws:username": _username,
    "aws:viaawsservice": lambda asked: "true" if asked.ctx.called_via else "false",
    "aws:calledvia": lambda asked: [f"{service}.amazonaws.com" for service in asked.ctx.called_via] or None,
    "aws:calledviafirst": lambda asked: _via(asked, 0),
    "aws:calledvialast": lambda asked: _via(asked, -1),
    "aws:tagkeys": _tag_keys,
}
_TAGGED: Final[dict[str, Callable[[Asked, str], Values]]] = {
    "aws:requesttag": lambda asked, key: _without_case(tags_in(asked.request), key),
    "aws:resourcetag": _resource_tag,
    "iam:resourcetag": _resource_tag,  # of whatever role or user is concerned, also where another service is given it
    "aws:principaltag": _principal_tag,
}
