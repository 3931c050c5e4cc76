"""SAML providers: what an organization's own identity provider says of itself, kept for the roles that trust it.

The metadata is read as XML without entities; until when it is valid is what it says, or a century from now as AWS gives it.
Source: "Create a SAML identity provider in IAM" of the user guide.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.identity import new_unique_id
from headwater.kernel.permissions import requires
from headwater.kernel.store import Record, Table

from .model import GLOBAL, described_tags, tagged, untagged
from .paging import page

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from headwater.kernel.context import Context

METADATA: Final = "{urn:oasis:names:tc:SAML:2.0:metadata}"
PER_ACCOUNT_MAX: Final = 100
KEYS_MAX: Final = 2
CENTURY: Final = timedelta(days=36525)
ARN: Final = "{SAMLProviderArn}"


class PrivateKey(msgspec.Struct, frozen=True):
    key_id: str
    sealed: bytes
    added_at: datetime


class SamlProvider(Record, frozen=True, kw_only=True):
    account: str
    name: str
    unique_id: str
    document: str
    created_at: datetime
    valid_until: datetime
    encryption: str | None = None
    keys: tuple[PrivateKey, ...] = ()
    tags: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account}:saml-provider/{self.name}"


saml_providers: Final = Table("iam", "saml_providers", SamlProvider, key=lambda one: (one.account, GLOBAL, one.name))


def _find(ctx: Context, arn: str) -> SamlProvider:
    provider = ctx.store.get(saml_providers, ctx.account, GLOBAL, arn.partition(":saml-provider/")[2])
    if provider is None or provider.arn != arn:
        raise fault("NoSuchEntity", f"Manifest not found for arn {arn}")
    return provider


def _unparsable() -> Fault:
    return fault("InvalidInput", "Could not parse metadata")


def _parsed(document: str) -> Element:
    from xml.etree import ElementTree as ET  # not before somebody has metadata
    from xml.parsers import expat

    parser = expat.ParserCreate(namespace_separator="}")
    builder = ET.TreeBuilder()
    parser.StartElementHandler = lambda name, attributes: builder.start(
        _spelled(name), {_spelled(one): attributes[one] for one in attributes}
    )
    parser.EndElementHandler = lambda name: builder.end(_spelled(name))
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(document, True)
        return builder.close()
    except (expat.ExpatError, AssertionError):
        raise _unparsable() from None


def _refuse_doctype(*_: Any) -> None:
    """A declaration of a document type is where entities come from."""
    raise _unparsable()


def _spelled(name: str) -> str:
    return "{" + name if "}" in name else name


def _valid_until(document: str, now: datetime) -> datetime:
    """Refuses what describes no identity provider."""
    root = _parsed(document)
    if root.tag != f"{METADATA}EntityDescriptor" or root.find(f"{METADATA}IDPSSODescriptor") is None or not root.get("entityID"):
        raise _unparsable()
    said = root.get("validUntil")
    if said is None:
        return now + CENTURY
    try:
        until = datetime.fromisoformat(said)
    except ValueError:
        raise _unparsable() from None
    return until if until.tzinfo is not None else until.replace(tzinfo=UTC)


def _key(ctx: Context, arn: str, pem: str) -> PrivateKey:
    key_id = new_unique_id("SAMLKEY", 22)
    return PrivateKey(key_id, ctx.home.vault.seal(pem.encode(), f"{arn} {key_id}"), ctx.clock.now().replace(microsecond=0))


@requires("iam:CreateSAMLProvider", "arn:aws:iam::{account}:saml-provider/{Name}")
@requires("iam:TagSAMLProvider", "arn:aws:iam::{account}:saml-provider/{Name}", when="Tags")
async def create_saml_provider(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Let roles trust an identity provider."""
    name = request["Name"]
    now = ctx.clock.now().replace(microsecond=0)
    valid_until = _valid_until(request["SAMLMetadataDocument"], now)
    if ctx.store.get(saml_providers, ctx.account, GLOBAL, name) is not None:
        raise fault("EntityAlreadyExists", f"SAMLProvider {name} already exists.")
    if len(ctx.store.scan(saml_providers, ctx.account, GLOBAL)) >= PER_ACCOUNT_MAX:
        raise fault("LimitExceeded", f"Cannot exceed quota for SAMLProvidersPerAccount: {PER_ACCOUNT_MAX}")
    provider = SamlProvider(
        account=ctx.account,
        name=name,
        unique_id=new_unique_id("ASP", 24),
        document=request["SAMLMetadataDocument"],
        created_at=now,
        valid_until=valid_until,
        encryption=request.get("AssertionEncryptionMode"),
        tags=tagged({}, request.get("Tags", [])),
    )
    if "AddPrivateKey" in request:
        provider = msgspec.structs.replace(provider, keys=(_key(ctx, provider.arn, request["AddPrivateKey"]),))
    async with ctx.store.transaction() as tx:
        tx.put(saml_providers, provider)
    return {"SAMLProviderArn": provider.arn, "Tags": described_tags(provider.tags) or None}


@requires("iam:UpdateSAMLProvider", ARN)
async def update_saml_provider(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Other metadata, another key, or one less."""
    provider = _find(ctx, request["SAMLProviderArn"])
    keys = tuple(key for key in provider.keys if key.key_id != request.get("RemovePrivateKey"))
    if "RemovePrivateKey" in request and len(keys) == len(provider.keys):
        raise fault("NoSuchEntity", f"Private key {request['RemovePrivateKey']} not found for arn {provider.arn}")
    if "AddPrivateKey" in request:
        keys = (*keys, _key(ctx, provider.arn, request["AddPrivateKey"]))
    if len(keys) > KEYS_MAX:
        raise fault("LimitExceeded", f"Cannot exceed quota for PrivateKeysPerSAMLProvider: {KEYS_MAX}")
    document = request.get("SAMLMetadataDocument", provider.document)
    changed = msgspec.structs.replace(
        provider,
        document=document,
        valid_until=_valid_until(document, ctx.clock.now().replace(microsecond=0)),
        encryption=request.get("AssertionEncryptionMode", provider.encryption),
        keys=keys,
    )
    async with ctx.store.transaction() as tx:
        tx.put(saml_providers, changed)
    return {"SAMLProviderArn": provider.arn}


@requires("iam:GetSAMLProvider", ARN)
async def get_saml_provider(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Everything about one, but its private keys."""
    provider = _find(ctx, request["SAMLProviderArn"])
    return {
        "SAMLProviderUUID": provider.unique_id,
        "SAMLMetadataDocument": provider.document,
        "CreateDate": provider.created_at,
        "ValidUntil": provider.valid_until,
        "Tags": described_tags(provider.tags),
        "AssertionEncryptionMode": provider.encryption,
        "PrivateKeyList": [{"KeyId": key.key_id, "Timestamp": key.added_at} for key in provider.keys] or None,
    }


@requires("iam:ListSAMLProviders")
async def list_saml_providers(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """All, in one page."""
    found = ctx.store.scan(saml_providers, ctx.account, GLOBAL)
    listed = [{"Arn": one.arn, "ValidUntil": one.valid_until, "CreateDate": one.created_at} for one in found]
    return {"SAMLProviderList": listed}


@requires("iam:DeleteSAMLProvider", ARN)
async def delete_saml_provider(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Roles that trust it stay, and let nobody in by it."""
    provider = _find(ctx, request["SAMLProviderArn"])
    async with ctx.store.transaction() as tx:
        tx.delete(saml_providers, provider.account, GLOBAL, provider.name)
    return {}


@requires("iam:TagSAMLProvider", ARN)
async def tag_saml_provider(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Add tags, or give them new values."""
    provider = _find(ctx, request["SAMLProviderArn"])
    async with ctx.store.transaction() as tx:
        tx.put(saml_providers, msgspec.structs.replace(provider, tags=tagged(provider.tags, request["Tags"])))
    return {}


@requires("iam:UntagSAMLProvider", ARN)
async def untag_saml_provider(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Take tags off."""
    provider = _find(ctx, request["SAMLProviderArn"])
    async with ctx.store.transaction() as tx:
        tx.put(saml_providers, msgspec.structs.replace(provider, tags=untagged(provider.tags, request["TagKeys"])))
    return {}


@requires("iam:ListSAMLProviderTags", ARN)
async def list_saml_provider_tags(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """By key."""
    shown, more = page(described_tags(_find(ctx, request["SAMLProviderArn"]).tags), request, lambda tag: tag["Key"])
    return {"Tags": shown, **more}
