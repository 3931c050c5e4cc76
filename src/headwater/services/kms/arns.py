"""Which ARNs a request means, for the lines of `requires`: permission is asked on the key itself, under whatever name it was called."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from . import blobs
from .model import aliases
from .specs import SYMMETRIC

if TYPE_CHECKING:
    from headwater.kernel.context import Context

Request = dict[str, Any]


def key_arn(ctx: Context, request: Request) -> str:
    return named_arn(ctx, request["KeyId"])


def named_arn(ctx: Context, named: str) -> str:
    """The key's ARN; an alias that is not there, or not yet, stays one."""
    if not named.startswith("arn:"):
        named = f"arn:aws:kms:{ctx.region}:{ctx.account}:{named if named.startswith('alias/') else f'key/{named}'}"
    name = named.rpartition(":")[2] if ":alias/" in named else ""
    if not name:
        return named
    account = named.split(":")[4]
    alias = ctx.store.get(aliases, account, ctx.region, name)
    return named if alias is None else f"arn:aws:kms:{alias.region}:{alias.account}:key/{alias.key_id}"


def alias_arn(ctx: Context, request: Request) -> str:
    return f"arn:aws:kms:{ctx.region}:{ctx.account}:{request['AliasName']}"


def aliased_arn(ctx: Context, request: Request) -> Iterable[str]:
    """The key that the alias names now, if there is one."""
    alias = ctx.store.get(aliases, ctx.account, ctx.region, request["AliasName"])
    return () if alias is None else (f"arn:aws:kms:{alias.region}:{alias.account}:key/{alias.key_id}",)


def target_arn(ctx: Context, request: Request) -> str:
    return named_arn(ctx, request["TargetKeyId"])


def destination_arn(ctx: Context, request: Request) -> str:
    return named_arn(ctx, request["DestinationKeyId"])


def ciphertext_arn(named: str, algorithm: str) -> Callable[[Context, Request], Iterable[str]]:
    """The key that decrypts: the one that is named, else the one that the ciphertext names. Where neither says, nothing is decrypted."""

    def arns(ctx: Context, request: Request) -> Iterable[str]:
        if request.get(named) is not None:
            return (named_arn(ctx, request[named]),)
        if request.get(algorithm, SYMMETRIC) != SYMMETRIC:
            return ()
        blob = blobs.read(request.get("CiphertextBlob") or b"")
        return () if blob is None else (f"arn:aws:kms:{ctx.region}:{blob.account}:key/{blob.key_id}",)

    return arns


def replica_arn(ctx: Context, request: Request) -> str:
    """The same key in the region that is to have it, or to lead."""
    fields = key_arn(ctx, request).split(":")
    fields[3] = request.get("PrimaryRegion") or request.get("ReplicaRegion") or "*"
    return ":".join(fields)
