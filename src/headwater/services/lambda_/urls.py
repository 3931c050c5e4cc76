"""Function URLs: an address of its own for a function or one of its aliases. What answers at the address is in `url_visits.py`.

An address has to be reachable from this machine. `ID.lambda-url.REGION.localhost` is, where the machine knows that every name
under `localhost` is itself (systemd's resolver, browsers, curl); where it does not, the address is a path on Headwater's own
host. Either is good at any time, and so are the names that AWS and LocalStack use: only what is reported differs.
Messages: recordings of TestLambdaUrl.
"""

import asyncio
import secrets
import socket
from datetime import datetime
from typing import Final

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from .addresses import URL_IDS, URLS, FunctionUrl, UrlId, drop
from .arns import function_arn
from .functions import Parameters
from .listing import PAGE, page
from .model import ALIASES, FUNCTIONS
from .names import Reference, conflict, no_such_resource, reference

ID_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz234567"
ID_CHARACTERS: Final = 32
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
RESOLVE_S: Final = 1.0
PATH: Final = "/_lambda-url/{region}/{id}"
"""Where a URL is on Headwater's own host; aws/routing.py reads it."""


@requires("lambda:CreateFunctionUrlConfig", function_arn)
async def create_function_url_config(ctx: Context, request: Parameters) -> Parameters:
    asked = _existing(ctx, request)
    if ctx.store.get(URLS, *asked.key, asked.qualifier or "") is not None:
        raise conflict(
            f"Failed to create function url config for [functionArn = {asked.arn}]. Error message:  FunctionUrlConfig exists for this"
            " Lambda function"
        )
    now = ctx.clock.now()
    url = FunctionUrl(
        account=asked.account,
        region=asked.region,
        function=asked.name,
        qualifier=asked.qualifier or "",
        id="".join(secrets.choice(ID_ALPHABET) for _ in range(ID_CHARACTERS)),
        auth_type=request["AuthType"],
        cors=request.get("Cors"),
        invoke_mode=request.get("InvokeMode"),
        created_at=now,
        modified_at=now,
    )
    async with ctx.store.transaction() as tx:
        tx.put(URLS, url)
        tx.put(URL_IDS, UrlId(id=url.id, url=url.key))
    described = await _described(ctx, url) | {"InvokeMode": request.get("InvokeMode")}
    del described["LastModifiedTime"]
    return described


@requires("lambda:GetFunctionUrlConfig", function_arn)
async def get_function_url_config(ctx: Context, request: Parameters) -> Parameters:
    return await _described(ctx, _find(ctx, request))


@requires("lambda:UpdateFunctionUrlConfig", function_arn)
async def update_function_url_config(ctx: Context, request: Parameters) -> Parameters:
    _existing(ctx, request)
    url = _find(ctx, request)
    changed = msgspec.structs.replace(
        url,
        auth_type=request.get("AuthType", url.auth_type),
        cors=request.get("Cors", url.cors),
        invoke_mode=request.get("InvokeMode", url.invoke_mode),
        modified_at=ctx.clock.now(),
    )
    async with ctx.store.transaction() as tx:
        tx.put(URLS, changed)
    return await _described(ctx, changed) | {"InvokeMode": request.get("InvokeMode")}


@requires("lambda:DeleteFunctionUrlConfig", function_arn)
async def delete_function_url_config(ctx: Context, request: Parameters) -> None:
    url = _find(ctx, request)
    async with ctx.store.transaction() as tx:
        drop(tx, url)


@requires("lambda:ListFunctionUrlConfigs", function_arn)
async def list_function_url_configs(ctx: Context, request: Parameters) -> Parameters:
    asked = _existing(ctx, request)
    described = [(url.qualifier or "$LATEST", await _described(ctx, url)) for url in ctx.store.scan(URLS, *asked.key)]
    return page(sorted(described, key=lambda one: one[0]), request, "FunctionUrlConfigs", PAGE)


def _existing(ctx: Context, request: Parameters) -> Reference:
    """The function, and the alias where one is named, must be there."""
    asked = reference(ctx, request["FunctionName"], request.get("Qualifier"))
    if ctx.store.get(FUNCTIONS, *asked.key) is None:
        raise _no_function()
    if asked.qualifier is not None and ctx.store.get(ALIASES, *asked.key, asked.qualifier) is None:
        raise _no_function()
    return asked


def _find(ctx: Context, request: Parameters) -> FunctionUrl:
    asked = reference(ctx, request["FunctionName"], request.get("Qualifier"))
    url = ctx.store.get(URLS, *asked.key, asked.qualifier or "")
    if url is None:
        raise no_such_resource()
    return url


def _no_function() -> Fault:
    return fault("ResourceNotFoundException", "Function does not exist", Type="User")


async def _described(ctx: Context, url: FunctionUrl) -> Parameters:
    return {
        "FunctionUrl": await _address(ctx, url),
        "FunctionArn": url.function_arn,
        "AuthType": url.auth_type,
        "Cors": url.cors,
        "CreationTime": _moment(url.created_at),
        "LastModifiedTime": _moment(url.modified_at),
        "InvokeMode": url.invoke_mode or "BUFFERED",
    }


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S.%f}Z"


async def _address(ctx: Context, url: FunctionUrl) -> str:
    host = f"{url.id}.lambda-url.{url.region}.localhost"
    if ctx.home.settings.host in LOOPBACK and await _resolves(ctx, host):
        return f"http://{host}:{ctx.home.settings.port}/"
    return f"{ctx.home.endpoint_url}{PATH.format(region=url.region, id=url.id)}/"


async def _resolves(ctx: Context, host: str) -> bool:
    """Whether programs on this machine take a name under `localhost` for the machine itself. Asked once: it does not change."""
    known: bool | None = ctx.home.rooms.get("lambda/localhost")
    if known is None:
        try:
            async with asyncio.timeout(RESOLVE_S):
                found = await asyncio.get_running_loop().run_in_executor(ctx.home.pools.files, socket.gethostbyname, host)
                known = found.startswith("127.")
        except (OSError, TimeoutError):
            known = False
        ctx.home.rooms["lambda/localhost"] = known
    return known
