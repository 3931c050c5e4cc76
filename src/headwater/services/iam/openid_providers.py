"""OpenID Connect providers: issuers of web identities that roles may trust.

The provider's address without its scheme is its name in the ARN and in condition keys. What STS checks of a token, it reads here.
Source: "Create an OpenID Connect (OIDC) identity provider in IAM" of the user guide.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.permissions import requires
from headwater.kernel.store import Record, Table

from .model import GLOBAL, described_tags, tagged, untagged
from .paging import page

if TYPE_CHECKING:
    from headwater.kernel.context import Context

PER_ACCOUNT_MAX: Final = 100
CLIENTS_MAX: Final = 100
THUMBPRINTS_MAX: Final = 5
THUMBPRINT: Final = re.compile(r"[0-9a-fA-F]{40}")
ARN: Final = "{OpenIDConnectProviderArn}"


class OpenIdProvider(Record, frozen=True, kw_only=True):
    account: str
    name: str
    """The address without https://."""
    created_at: datetime
    clients: tuple[str, ...] = ()
    thumbprints: tuple[str, ...] = ()
    tags: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account}:oidc-provider/{self.name}"


openid_providers: Final = Table("iam", "openid_providers", OpenIdProvider, key=lambda one: (one.account, GLOBAL, one.name))


def invalid(sentence: str) -> Fault:
    return fault("InvalidInput", sentence)


def _find(ctx: Context, arn: str) -> OpenIdProvider:
    name = arn.partition(":oidc-provider/")[2]
    if not name:
        raise invalid(f"Invalid ARN: {arn} is not an OpenID Connect provider.")
    provider = ctx.store.get(openid_providers, ctx.account, GLOBAL, name)
    if provider is None or provider.arn != arn:
        raise fault("NoSuchEntity", f"OpenIDConnect Provider not found for arn {arn}")
    return provider


def _name(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment:
        raise fault("ValidationError", "Invalid Open ID Connect Provider URL")
    return url.removeprefix("https://").removesuffix("/")


def _checked_thumbprints(listed: list[str]) -> tuple[str, ...]:
    if len(listed) > THUMBPRINTS_MAX:
        raise invalid(f"Thumbprint list must contain fewer than {THUMBPRINTS_MAX + 1} entries.")
    if not all(THUMBPRINT.fullmatch(one) for one in listed):
        raise invalid("Invalid thumbprint: it must be the SHA-1 of a certificate, forty hexadecimal digits.")
    return tuple(listed)


async def _kept(ctx: Context, provider: OpenIdProvider) -> dict[str, Any]:
    async with ctx.store.transaction() as tx:
        tx.put(openid_providers, provider)
    return {}


def _new_arn(ctx: Context, request: dict[str, Any]) -> str:
    return f"arn:aws:iam::{ctx.account}:oidc-provider/{request['Url'].partition('://')[2]}"


@requires("iam:CreateOpenIDConnectProvider", _new_arn)
@requires("iam:TagOpenIDConnectProvider", _new_arn, when="Tags")
async def create_open_id_connect_provider(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Let roles trust an issuer. Its certificate's thumbprint is kept where it is given; AWS has trusted authorities instead since 2023."""
    name = _name(request["Url"])
    if ctx.store.get(openid_providers, ctx.account, GLOBAL, name) is not None:
        raise fault("EntityAlreadyExists", f"Provider with url https://{name} already exists.")
    if len(ctx.store.scan(openid_providers, ctx.account, GLOBAL)) >= PER_ACCOUNT_MAX:
        raise fault("LimitExceeded", f"Cannot exceed quota for OpenIdConnectProvidersPerAccount: {PER_ACCOUNT_MAX}")
    clients = tuple(dict.fromkeys(request.get("ClientIDList", [])))
    if len(clients) > CLIENTS_MAX:
        raise fault("LimitExceeded", f"Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: {CLIENTS_MAX}")
    provider = OpenIdProvider(
        account=ctx.account,
        name=name,
        created_at=ctx.clock.now().replace(microsecond=0),
        clients=clients,
        thumbprints=_checked_thumbprints(request.get("ThumbprintList", [])),
        tags=tagged({}, request.get("Tags", [])),
    )
    await _kept(ctx, provider)
    return {"OpenIDConnectProviderArn": provider.arn, "Tags": described_tags(provider.tags) or None}


@requires("iam:GetOpenIDConnectProvider", ARN)
async def get_open_id_connect_provider(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Everything about one."""
    provider = _find(ctx, request["OpenIDConnectProviderArn"])
    return {
        "Url": provider.name,
        "ClientIDList": list(provider.clients),
        "ThumbprintList": list(provider.thumbprints),
        "CreateDate": provider.created_at,
        "Tags": described_tags(provider.tags),
    }


@requires("iam:ListOpenIDConnectProviders")
async def list_open_id_connect_providers(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """All, in one page."""
    return {"OpenIDConnectProviderList": [{"Arn": one.arn} for one in ctx.store.scan(openid_providers, ctx.account, GLOBAL)]}


@requires("iam:DeleteOpenIDConnectProvider", ARN)
async def delete_open_id_connect_provider(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Roles that trust it stay, and let nobody in by it. Deleting what is not there is no error."""
    name = request["OpenIDConnectProviderArn"].partition(":oidc-provider/")[2]
    async with ctx.store.transaction() as tx:
        tx.delete(openid_providers, ctx.account, GLOBAL, name)
    return {}


@requires("iam:AddClientIDToOpenIDConnectProvider", ARN)
async def add_client_id_to_open_id_connect_provider(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """One more audience. Adding twice is adding once."""
    provider = _find(ctx, request["OpenIDConnectProviderArn"])
    clients = tuple(dict.fromkeys((*provider.clients, request["ClientID"])))
    if len(clients) > CLIENTS_MAX:
        raise fault("LimitExceeded", f"Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: {CLIENTS_MAX}")
    return await _kept(ctx, msgspec.structs.replace(provider, clients=clients))


@requires("iam:RemoveClientIDFromOpenIDConnectProvider", ARN)
async def remove_client_id_from_open_id_connect_provider(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """One audience less. Removing what is not there is no error."""
    provider = _find(ctx, request["OpenIDConnectProviderArn"])
    return await _kept(ctx, msgspec.structs.replace(provider, clients=tuple(one for one in provider.clients if one != request["ClientID"])))


@requires("iam:UpdateOpenIDConnectProviderThumbprint", ARN)
async def update_open_id_connect_provider_thumbprint(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Other certificates, in place of those that were."""
    provider = _find(ctx, request["OpenIDConnectProviderArn"])
    return await _kept(ctx, msgspec.structs.replace(provider, thumbprints=_checked_thumbprints(request["ThumbprintList"])))


@requires("iam:TagOpenIDConnectProvider", ARN)
async def tag_open_id_connect_provider(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Add tags, or give them new values."""
    provider = _find(ctx, request["OpenIDConnectProviderArn"])
    return await _kept(ctx, msgspec.structs.replace(provider, tags=tagged(provider.tags, request["Tags"])))


@requires("iam:UntagOpenIDConnectProvider", ARN)
async def untag_open_id_connect_provider(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Take tags off."""
    provider = _find(ctx, request["OpenIDConnectProviderArn"])
    return await _kept(ctx, msgspec.structs.replace(provider, tags=untagged(provider.tags, request["TagKeys"])))


@requires("iam:ListOpenIDConnectProviderTags", ARN)
async def list_open_id_connect_provider_tags(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """By key."""
    provider = _find(ctx, request["OpenIDConnectProviderArn"])
    shown, more = page(described_tags(provider.tags), request, lambda tag: tag["Key"])
    return {"Tags": shown, **more}
