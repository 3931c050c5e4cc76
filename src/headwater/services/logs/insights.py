"""CloudWatch Logs Insights: queries started, asked for, stopped, listed; and the definitions that are kept of them.

A query is a job: killed with the house, it runs again when the house is back. Its results are kept for a week.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import msgspec
import structlog
from msgspec import field

from headwater.aws.faults import Fault, fault
from headwater.kernel.context import Context
from headwater.kernel.jobs import Job, handles
from headwater.kernel.permissions import requires
from headwater.kernel.store import Record, Table

from .arns import group_arn, queried_arns
from .groups import milliseconds, name_of_group
from .insights_language import LIMIT_MAX, compile_query
from .insights_running import Run, Scanned, TooMuch
from .model import GROUPS, invalid

log = structlog.get_logger()
Parameters = dict[str, Any]

KEPT: Final = timedelta(days=7)
GROUPS_MAX: Final = 50
ROWS: Final = 200
LANGUAGE: Final = "CWLI"
SECONDS_BELOW: Final = 10**11
"""A larger number than this is no time in seconds: both are taken."""


class Query(Record, frozen=True, kw_only=True):
    account: str
    region: str
    id: str
    groups: list[str]
    text: str
    start_ms: int
    end_ms: int
    limit: int
    created_ms: int
    status: str = "Scheduled"
    rows: list[list[dict[str, str]]] = field(default_factory=list)
    scanned: Scanned = field(default_factory=Scanned)


class Definition(Record, frozen=True, kw_only=True):
    account: str
    region: str
    id: str
    name: str
    text: str
    groups: list[str]
    changed_ms: int


class RunDue(Job, frozen=True, kw_only=True, tag="logs/run-query/1"):
    """The query `subject` is to be run."""


class ForgetDue(Job, frozen=True, kw_only=True, tag="logs/forget-query/1"):
    """The query `subject` is a week old."""


QUERIES: Final = Table("logs", "queries", Query, key=lambda q: (q.account, q.region, q.id), big=True)
DEFINITIONS: Final = Table("logs", "query_definitions", Definition, key=lambda d: (d.account, d.region, d.id))


@requires("logs:StartQuery", queried_arns)
async def start_query(ctx: Context, request: Parameters) -> Parameters:
    if request.get("queryLanguage", LANGUAGE) != LANGUAGE:
        raise fault("NotImplemented", "Only the language of Logs Insights (CWLI) is built in this Headwater.")
    groups = _groups(ctx, request)
    start_ms, end_ms = _milliseconds(request["startTime"]), _milliseconds(request["endTime"])
    if start_ms > end_ms:
        raise invalid("Query's start time must be before its end time.")
    compile_query(request["queryString"])
    now = ctx.clock.now()
    query = Query(
        account=ctx.account,
        region=ctx.region,
        id=ctx.new_id(),
        groups=groups,
        text=request["queryString"],
        start_ms=start_ms,
        end_ms=end_ms,
        limit=request.get("limit", LIMIT_MAX),
        created_ms=milliseconds(now),
    )
    async with ctx.store.transaction() as tx:
        tx.put(QUERIES, query)
        tx.owe(RunDue(account=ctx.account, region=ctx.region, subject=query.id, at=now))
        tx.owe(ForgetDue(account=ctx.account, region=ctx.region, subject=query.id, at=now + KEPT))
    return {"queryId": query.id}


def _queried(ctx: Context, request: Parameters) -> list[str]:
    """The groups that the query reads."""
    query = ctx.store.get(QUERIES, ctx.account, ctx.region, request["queryId"])
    return [group_arn(ctx, {"logGroupName": name}) for name in (query.groups if query is not None else [""])]


@requires("logs:GetQueryResults", _queried)
async def get_query_results(ctx: Context, request: Parameters) -> Parameters:
    query = _find(ctx, request["queryId"])
    scanned = query.scanned
    return {
        "queryLanguage": LANGUAGE,
        "results": query.rows,
        "statistics": {
            "recordsMatched": float(scanned.matched),
            "recordsScanned": float(scanned.events),
            "bytesScanned": float(scanned.bytes),
            "logGroupsScanned": float(len(query.groups)),
        },
        "status": query.status,
    }


@requires("logs:StopQuery")
async def stop_query(ctx: Context, request: Parameters) -> Parameters:
    query = _find(ctx, request["queryId"])
    if query.status not in ("Scheduled", "Running"):
        raise invalid(f"Query {query.id} is not in the Scheduled or Running state: it has ended and can't be stopped.")
    run = _runs(ctx).get(query.id)
    if run is not None:
        run.stop()
    async with ctx.store.transaction() as tx:
        tx.put(QUERIES, msgspec.structs.replace(query, status="Cancelled"))
    return {"success": True}


@requires("logs:DescribeQueries")
async def describe_queries(ctx: Context, request: Parameters) -> Parameters:
    """The newest first."""
    found: list[Query] = []
    after = None
    while rows := await ctx.store.range(QUERIES, ctx.account, ctx.region, after=after, limit=ROWS):
        found += [query for query in rows if _is_meant(query, request)]
        after = rows[-1].id
    found.sort(key=lambda query: (-query.created_ms, query.id))
    token = request.get("nextToken")
    identities = [query.id for query in found]
    if token is not None:
        found = found[identities.index(token) + 1 :] if token in identities else []
    limit = request.get("maxResults", 1000)
    return {
        "queries": [_describe(query) for query in found[:limit]],
        "nextToken": found[limit - 1].id if len(found) > limit else None,
    }


@requires("logs:PutQueryDefinition")
async def put_query_definition(ctx: Context, request: Parameters) -> Parameters:
    compile_query(request["queryString"])
    identity = request.get("queryDefinitionId")
    if identity is not None and ctx.store.get(DEFINITIONS, ctx.account, ctx.region, identity) is None:
        raise fault("ResourceNotFoundException", "The specified query definition does not exist.")
    definition = Definition(
        account=ctx.account,
        region=ctx.region,
        id=identity or ctx.new_id(),
        name=request["name"],
        text=request["queryString"],
        groups=request.get("logGroupNames", []),
        changed_ms=milliseconds(ctx.clock.now()),
    )
    async with ctx.store.transaction() as tx:
        tx.put(DEFINITIONS, definition)
    return {"queryDefinitionId": definition.id}


@requires("logs:DescribeQueryDefinitions")
async def describe_query_definitions(ctx: Context, request: Parameters) -> Parameters:
    prefix = request.get("queryDefinitionNamePrefix", "")
    found = sorted(
        (one for one in ctx.store.scan(DEFINITIONS, ctx.account, ctx.region) if one.name.startswith(prefix)),
        key=lambda one: (one.name, one.id),
    )
    token = request.get("nextToken")
    identities = [one.id for one in found]
    if token is not None:
        found = found[identities.index(token) + 1 :] if token in identities else []
    limit = request.get("maxResults", 1000)
    return {
        "queryDefinitions": [
            {
                "queryLanguage": LANGUAGE,
                "queryDefinitionId": one.id,
                "name": one.name,
                "queryString": one.text,
                "lastModified": one.changed_ms,
                "logGroupNames": one.groups,
            }
            for one in found[:limit]
        ],
        "nextToken": found[limit - 1].id if len(found) > limit else None,
    }


@requires("logs:DeleteQueryDefinition")
async def delete_query_definition(ctx: Context, request: Parameters) -> Parameters:
    identity = request["queryDefinitionId"]
    if ctx.store.get(DEFINITIONS, ctx.account, ctx.region, identity) is None:
        raise fault("ResourceNotFoundException", "The specified query definition does not exist.")
    async with ctx.store.transaction() as tx:
        tx.delete(DEFINITIONS, ctx.account, ctx.region, identity)
    return {"success": True}


@handles(RunDue, attempts_max=2, timeout=timedelta(hours=1))
async def _run(ctx: Context, due: RunDue) -> None:
    query = ctx.store.get(QUERIES, due.account, due.region, due.subject)
    if query is None or query.status not in ("Scheduled", "Running"):
        return
    query = msgspec.structs.replace(query, status="Running")
    async with ctx.store.transaction() as tx:
        tx.put(QUERIES, query)
    run = _runs(ctx)[query.id] = Run(ctx, compile_query(query.text), query.start_ms, query.end_ms)
    try:
        rows, status = await run.rows(query.groups, query.limit), "Complete"
    except Exception as error:  # noqa: BLE001 - what DuckDB says of a query is that query's end
        if isinstance(error, TooMuch):
            log.warning("query scans too much", query=query.id)
        else:
            log.warning("query failed", query=query.id, error=f"{type(error).__name__}: {error}")
        rows, status = [], "Failed"
    finally:
        _runs(ctx).pop(query.id, None)
    current = ctx.store.get(QUERIES, due.account, due.region, due.subject)
    if current is None or current.status == "Cancelled":
        return
    async with ctx.store.transaction() as tx:
        tx.put(QUERIES, msgspec.structs.replace(query, status=status, rows=rows, scanned=run.scanned))


@handles(ForgetDue)
async def _forget(ctx: Context, due: ForgetDue) -> None:
    async with ctx.store.transaction() as tx:
        tx.delete(QUERIES, due.account, due.region, due.subject)


def _runs(ctx: Context) -> dict[str, Run]:
    """The queries that run now."""
    runs: dict[str, Run] = ctx.home.rooms.setdefault("logs", {})
    return runs


def _find(ctx: Context, identity: str) -> Query:
    query = ctx.store.get(QUERIES, ctx.account, ctx.region, identity)
    if query is None:
        raise fault("ResourceNotFoundException", "The specified query does not exist.")
    return query


def _groups(ctx: Context, request: Parameters) -> list[str]:
    given = [name for name in ("logGroupName", "logGroupNames", "logGroupIdentifiers") if request.get(name)]
    if len(given) != 1:
        raise invalid("Exactly one of logGroupName, logGroupNames or logGroupIdentifiers must be provided.")
    asked = request[given[0]]
    names = [asked] if isinstance(asked, str) else list(asked)
    if len(names) > GROUPS_MAX:
        raise invalid(f"A query can have at most {GROUPS_MAX} log groups.")
    names = [name_of_group(ctx, name) for name in names]
    for name in names:
        if ctx.store.get(GROUPS, ctx.account, ctx.region, name) is None:
            raise _no_such(ctx, name)
    return list(dict.fromkeys(names))


def _no_such(ctx: Context, name: str) -> Fault:
    """Insights says more than the other operations do (recorded: test_start_query_log_group_not_found)."""
    service = f"(Service: AWSLogs; Status Code: 400; Error Code: ResourceNotFoundException; Request ID: {ctx.request_id}; Proxy: null)"
    return fault("ResourceNotFoundException", f"Log group '{name}' does not exist for account ID '{ctx.account}' {service}")


def _milliseconds(moment: int) -> int:
    return moment * 1000 if moment < SECONDS_BELOW else moment


def _is_meant(query: Query, request: Parameters) -> bool:
    return request.get("logGroupName") in (None, *query.groups) and request.get("status", query.status) == query.status


def _describe(query: Query) -> Parameters:
    return {
        "queryLanguage": LANGUAGE,
        "queryId": query.id,
        "queryString": query.text,
        "status": query.status,
        "createTime": query.created_ms,
        "logGroupName": query.groups[0],
    }
