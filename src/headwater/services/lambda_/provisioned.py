"""Provisioned concurrency: workers of a version that are started before anybody asks, and stay.

A configuration stands on a version or on an alias; an alias takes its workers along when it moves. What is asked for is kept; how
much of it is there is asked of the pool, which starts anew whatever dies. Messages: recordings of TestLambdaConcurrency.
"""

from typing import TYPE_CHECKING, Any, Final

from headwater.aws.faults import fault
from headwater.kernel.context import Context
from headwater.kernel.permissions import requires
from headwater.kernel.store import Store

from . import SERVICE
from .arns import function_arn
from .fleet import ACCOUNT_CONCURRENCY_MAX, fleet_of, provisioned_for, version_of
from .functions import Parameters
from .listing import PAGE, page
from .model import ALIASES, FUNCTIONS, LATEST, PROVISIONED, Function, Provisioned, timestamp
from .names import Reference, conflict, invalid, no_such_alias, not_found, reference

if TYPE_CHECKING:
    from headwater.kernel.home import Home

UNRESERVED_MIN: Final = 100
Key = tuple[str, str, str]


@requires("lambda:PutProvisionedConcurrencyConfig", function_arn)
async def put_provisioned_concurrency_config(ctx: Context, request: Parameters) -> Parameters:
    asked = reference(ctx, request["FunctionName"], request["Qualifier"])
    if asked.qualifier == LATEST:
        raise invalid("Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
    _check_there(ctx, asked)
    wanted = request["ProvisionedConcurrentExecutions"]
    _check_limits(ctx, asked, wanted)
    _check_alone(ctx.store, asked)
    kept = Provisioned(
        account=asked.account,
        region=asked.region,
        function=asked.name,
        qualifier=_qualifier(asked),
        wanted=wanted,
        modified_at=ctx.clock.now(),
    )
    async with ctx.store.transaction() as tx:
        tx.put(PROVISIONED, kept)
    provision(ctx.home, asked.key)
    return _described(kept, 0)


@requires("lambda:GetProvisionedConcurrencyConfig", function_arn)
async def get_provisioned_concurrency_config(ctx: Context, request: Parameters) -> Parameters:
    asked = _published(ctx, request)
    kept = ctx.store.get(PROVISIONED, *asked.key, _qualifier(asked))
    if kept is None:
        raise fault(
            "ProvisionedConcurrencyConfigNotFoundException", "No Provisioned Concurrency Config found for this function", Type="User"
        )
    return _now(ctx, kept)


@requires("lambda:DeleteProvisionedConcurrencyConfig", function_arn)
async def delete_provisioned_concurrency_config(ctx: Context, request: Parameters) -> None:
    asked = _published(ctx, request)
    async with ctx.store.transaction() as tx:  # deleting what is not there is no error
        tx.delete(PROVISIONED, *asked.key, _qualifier(asked))
    provision(ctx.home, asked.key)


@requires("lambda:ListProvisionedConcurrencyConfigs", function_arn)
async def list_provisioned_concurrency_configs(ctx: Context, request: Parameters) -> Parameters:
    asked = reference(ctx, request["FunctionName"])
    if ctx.store.get(FUNCTIONS, *asked.key) is None:
        raise not_found(asked.function_arn)
    configs = ctx.store.scan(PROVISIONED, *asked.key)
    described = [(kept.qualifier, {"FunctionArn": asked.qualified(kept.qualifier)} | _now(ctx, kept)) for kept in configs]
    return page(described, request, "ProvisionedConcurrencyConfigs", PAGE)


def provision(home: "Home", key: Key) -> None:
    """Something has changed about what a function's versions shall have: bring it about, behind the answer."""
    fleet_of(home).spawn(_provision(home, key), "lambda provision")


async def _provision(home: "Home", key: Key) -> None:
    crew = fleet_of(home).crew(key)
    for made_of, pool in list(crew.pools.values()):
        pool.provision(provisioned_for(home.store, key, made_of.version))
    for kept in home.store.scan(PROVISIONED, *key):
        version = version_of(home.store, key, kept.qualifier)
        if version is not None:
            await crew.pool(version)


@SERVICE.starts
async def _resume(home: "Home") -> None:
    """What was provisioned before this program began."""
    for key in {(kept.account, kept.region, kept.function) for kept in home.store.scan(PROVISIONED)}:
        provision(home, key)


def _qualifier(asked: Reference) -> str:
    assert asked.qualifier is not None
    return asked.qualifier


def _published(ctx: Context, request: Parameters) -> Reference:
    asked = reference(ctx, request["FunctionName"], request["Qualifier"])
    if asked.qualifier == LATEST:
        raise invalid("The function resource provided must be an alias or a published version.")
    _check_there(ctx, asked)
    return asked


def _check_there(ctx: Context, asked: Reference) -> None:
    qualifier = _qualifier(asked)
    if ctx.store.get(FUNCTIONS, *asked.key) is None:
        raise not_found(asked.arn)
    if version_of(ctx.store, asked.key, qualifier) is None:
        if qualifier.isdecimal():
            raise not_found(asked.arn)
        raise no_such_alias(asked.arn)


def _check_limits(ctx: Context, asked: Reference, wanted: int) -> None:
    function = ctx.store.get(FUNCTIONS, *asked.key)
    assert function is not None
    others = sum(kept.wanted for kept in ctx.store.scan(PROVISIONED, *asked.key) if kept.qualifier != asked.qualifier)
    if function.reserved is not None:
        if function.reserved < others + wanted:
            raise invalid("Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function")
        return
    unreserved = ACCOUNT_CONCURRENCY_MAX - sum(
        taken(ctx.store, each) for each in ctx.store.scan(FUNCTIONS, asked.account, asked.region) if each.name != asked.name
    )
    if wanted > unreserved:
        raise invalid(f"Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [{unreserved}].")
    if unreserved - others - wanted < UNRESERVED_MIN:
        raise invalid(
            "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of"
            f" [{UNRESERVED_MIN}]."
        )


def taken(store: Store, function: Function) -> int:
    """What of the account's concurrency belongs to this function alone."""
    if function.reserved is not None:
        return function.reserved
    return sum(kept.wanted for kept in store.scan(PROVISIONED, function.account, function.region, function.name))


def _check_alone(store: Store, asked: Reference) -> None:
    """A version has its workers of itself or of one alias, not of both."""
    qualifier = _qualifier(asked)
    alias = None if qualifier.isdecimal() else store.get(ALIASES, *asked.key, qualifier)
    if alias is not None:
        if store.get(PROVISIONED, *asked.key, alias.version) is not None:
            raise conflict("Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version")
        return
    for other in store.scan(ALIASES, *asked.key):
        if other.version == qualifier and store.get(PROVISIONED, *asked.key, other.name) is not None:
            raise conflict("Version is pointed by a Provisioned Concurrency alias")


def _now(ctx: Context, kept: Provisioned) -> Parameters:
    key = (kept.account, kept.region, kept.function)
    version = version_of(ctx.store, key, kept.qualifier)
    pool = None if version is None else fleet_of(ctx.home).crew(key).pools.get(version.version)
    there = 0 if pool is None else min(pool[1].provisioned, kept.wanted)
    described = _described(kept, there)
    if pool is not None and there < kept.wanted and (why := pool[1].why_not_provisioned):
        described |= {"Status": "FAILED", "StatusReason": why}
    return described


def _described(kept: Provisioned, there: int) -> dict[str, Any]:
    return {
        "RequestedProvisionedConcurrentExecutions": kept.wanted,
        "AvailableProvisionedConcurrentExecutions": there,
        "AllocatedProvisionedConcurrentExecutions": there,
        "Status": "READY" if there == kept.wanted else "IN_PROGRESS",
        "LastModified": timestamp(kept.modified_at),
    }
