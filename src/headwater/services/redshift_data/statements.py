"""Statements: execute, watch, read, cancel, list."""

import asyncio
import base64
import binascii
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from msgspec.structs import replace

from headwater.aws.faults import fault
from headwater.kernel.context import Context
from headwater.kernel.home import Home
from headwater.kernel.jobs import Job, handles
from headwater.kernel.permissions import requires

from . import SERVICE, arns, model, results
from .connecting import Target, target_of
from .model import ACTIVE_MAX, ENDED, KEPT, Parameter, Part, Statement, describe, list_item, query_not_found, refused, statements, submitted
from .running import INTERRUPTED, KeptSession, failed, running_of

LISTED_MAX: Final = 100


class StatementsEnd(Job, frozen=True, kw_only=True, tag="redshift-data/statements-end/1"):
    """What was submitted a day and more ago is forgotten, results and all. One for each hour in which something was."""


@requires("redshift-data:ExecuteStatement", arns.warehouse)
async def execute_statement(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    return await _submit(ctx, request, [request["Sql"]], is_batch=False)


@requires("redshift-data:BatchExecuteStatement", arns.warehouse)
async def batch_execute_statement(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """All in one transaction, unless AUTO_COMMIT is asked for."""
    return await _submit(ctx, request, request["Sqls"], is_batch=True)


async def _submit(ctx: Context, request: dict[str, Any], sqls: list[str], *, is_batch: bool) -> dict[str, Any]:
    live = running_of(ctx.home)
    parameters = tuple(Parameter(one["name"], one["value"]) for one in request.get("Parameters", []))
    for sql in sqls:
        model.check_sql(sql)
    model.check_parameters(sqls, parameters)
    token = request.get("ClientToken", "")
    earlier = _earlier(ctx, token)
    if earlier is not None:
        return submitted(earlier)
    target = _session_target(ctx, request)
    if target is None:
        target = target_of(request)
        await live.logins.of(ctx, target)  # who may not log in is told here, not by a statement that fails (boto3 issue 2899)
    if live.active >= ACTIVE_MAX:
        raise fault("ActiveStatementsExceededException", f"Active statements exceeded the allowed quota ({ACTIVE_MAX}).")

    now = ctx.clock.now()
    statement = Statement(
        account=ctx.account,
        region=ctx.region,
        id=ctx.new_id(),
        cluster=target.cluster,
        database=target.database,
        db_user=target.db_user,
        secret_arn=target.secret_arn,
        name=request.get("StatementName", ""),
        parts=tuple(Part(sql=sql, updated_at=now) for sql in sqls),
        is_batch=is_batch,
        auto_commit=request.get("ExecutionMode") == "AUTO_COMMIT",
        parameters=parameters,
        result_format=request.get("ResultFormat", "JSON"),
        client_token=token,
        principal=ctx.principal.arn,
        owner=ctx.principal.user_id,
        session_id=request.get("SessionId") or (ctx.new_id() if request.get("SessionKeepAliveSeconds") else ""),
        keep_alive_s=request.get("SessionKeepAliveSeconds", 0),
        status="SUBMITTED",
        created_at=now,
        updated_at=now,
    )
    async with ctx.store.transaction() as tx:
        tx.put(statements, statement)
        tx.owe(StatementsEnd(account=ctx.account, region=ctx.region, subject="all", at=_hour_after(now) + KEPT))
    _take_session(ctx, statement, target)
    live.start(ctx, statement)
    return await _waited(ctx, request, statement)


async def _waited(ctx: Context, request: dict[str, Any], statement: Statement) -> dict[str, Any]:
    answer = submitted(statement)
    if "WaitTimeSeconds" in request:
        await running_of(ctx.home).wait(statement.id, request["WaitTimeSeconds"])
        shown = describe(find(ctx, statement.id))
        answer |= {"Status": shown["Status"], "RedshiftPid": shown["RedshiftPid"], "HasResultSet": shown["HasResultSet"]}
    return answer


def _earlier(ctx: Context, token: str) -> Statement | None:
    """The statement that this token stands for already."""
    if not token:
        return None
    return next((one for one in ctx.store.scan(statements, ctx.account, ctx.region) if one.client_token == token), None)


def _session_target(ctx: Context, request: dict[str, Any]) -> Target | None:
    session_id = request.get("SessionId")
    if session_id is None:
        return None
    if any(member in request for member in ("ClusterIdentifier", "Database", "DbUser", "SecretArn", "WorkgroupName")):
        raise refused("SessionId cannot be combined with ClusterIdentifier, Database, DbUser, SecretArn or WorkgroupName.")
    kept = running_of(ctx.home).sessions.get(session_id)
    if kept is None:
        raise fault("ResourceNotFoundException", "Session does not exist.", ResourceId=session_id)
    if kept.busy:
        raise refused(f"Session is not available: another statement is running in session {session_id}.")
    return kept.target


def _take_session(ctx: Context, statement: Statement, target: Target) -> None:
    if not statement.session_id:
        return
    sessions = running_of(ctx.home).sessions
    kept = sessions.get(statement.session_id)
    if kept is None:
        sessions[statement.session_id] = KeptSession(target, statement.owner)
        return
    kept.busy = True
    if kept.end is not None:
        kept.end.cancel()


def find(ctx: Context, statement_id: str) -> Statement:
    """By its id, or by that of one of its parts."""
    statement = ctx.store.get(statements, ctx.account, ctx.region, statement_id.partition(":")[0])
    if statement is None or statement.created_at + KEPT < ctx.clock.now():
        raise query_not_found()
    return statement


@requires("redshift-data:DescribeStatement")
async def describe_statement(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    if "WaitTimeSeconds" in request:
        await running_of(ctx.home).wait(request["Id"].partition(":")[0], request["WaitTimeSeconds"])
    return describe(find(ctx, request["Id"]))


@requires("redshift-data:GetStatementResult")
async def get_statement_result(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    part, rows, token = await _page(ctx, request, "JSON")
    oids = [column.oid for column in part.columns or ()]
    return {
        "Records": results.fields(rows, oids),
        "ColumnMetadata": [model.column_metadata(column) for column in part.columns or ()],
        "TotalNumRows": part.result_rows,
        "NextToken": token,
    }


@requires("redshift-data:GetStatementResult")
async def get_statement_result_v2(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    part, rows, token = await _page(ctx, request, "CSV")
    heading = [tuple(column.name for column in part.columns or ())] if not request.get("NextToken") else []
    return {
        "Records": [{"CSVRecords": results.csv([*heading, *rows])}],
        "ColumnMetadata": [model.column_metadata(column) for column in part.columns or ()],
        "TotalNumRows": part.result_rows,
        "ResultFormat": "CSV",
        "NextToken": token,
    }


async def _page(ctx: Context, request: dict[str, Any], result_format: str) -> tuple[Part, list[results.Row], str | None]:
    statement_id, _, number = request["Id"].partition(":")
    if "WaitTimeSeconds" in request:
        await running_of(ctx.home).wait(statement_id, request["WaitTimeSeconds"])
    statement = find(ctx, statement_id)
    if statement.result_format != result_format:
        raise refused(
            f"The result of this statement is formatted as {statement.result_format}: ask for it by the operation of that format."
        )
    at = int(number or 1)
    if statement.is_batch and not number:
        raise refused("The result of a batch is asked for by the id of one of its statements.")
    if not 1 <= at <= len(statement.parts):
        raise query_not_found()
    part = statement.parts[at - 1]
    if part.status != "FINISHED" or part.columns is None:
        raise fault(
            "ResourceNotFoundException", "Query does not have result. Please check query status with DescribeStatement.", ResourceId=""
        )
    path = results.path_of(running_of(ctx.home).folder, statement_id, at)
    offset = offset_of(request.get("NextToken"))
    rows, following = await asyncio.get_running_loop().run_in_executor(ctx.home.pools.files, partial(results.read, path, offset))
    return part, rows, None if following is None else token_of(following)


def token_of(offset: int) -> str:
    return base64.urlsafe_b64encode(str(offset).encode()).decode()


def offset_of(token: str | None) -> int:
    if not token:
        return 0
    try:
        return max(0, int(base64.b64decode(token, altchars=b"-_", validate=True)))
    except (ValueError, binascii.Error):
        raise refused("Invalid NextToken.") from None


@requires("redshift-data:CancelStatement")
async def cancel_statement(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    statement = find(ctx, request["Id"])
    if statement.status in ENDED:
        raise refused(f"Could not cancel a query that is already in {statement.status} state with ID: {statement.id}")
    running_of(ctx.home).cancel(statement.id)
    return {"Status": True}


@requires("redshift-data:ListStatements")
async def list_statements(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The caller's own, the newest first; only finished ones unless a status is asked for."""
    status = request.get("Status", "FINISHED")
    now = ctx.clock.now()
    found = [
        one
        for one in ctx.store.scan(statements, ctx.account, ctx.region)
        if one.created_at + KEPT >= now and (status == "ALL" or one.status == status) and _fits(one, request) and _is_own(ctx, one, request)
    ]
    found.sort(key=lambda one: (one.created_at, one.id), reverse=True)
    offset = offset_of(request.get("NextToken"))
    size = request.get("MaxResults") or LISTED_MAX
    following = offset + size
    return {
        "Statements": [list_item(one) for one in found[offset:following]],
        "NextToken": token_of(following) if following < len(found) else None,
    }


def _is_own(ctx: Context, statement: Statement, request: dict[str, Any]) -> bool:
    """Of the same role, or where that is not wanted of the same session alone."""
    mine = ctx.principal.user_id
    if request.get("RoleLevel", True):
        return statement.owner.partition(":")[0] == mine.partition(":")[0]
    return statement.owner == mine


def _fits(statement: Statement, request: dict[str, Any]) -> bool:
    return (
        statement.name.startswith(request.get("StatementName", ""))
        and request.get("ClusterIdentifier") in {None, statement.cluster}
        and request.get("Database") in {None, statement.database}
        and "WorkgroupName" not in request
    )


def _hour_after(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


@handles(StatementsEnd)
async def _forget(ctx: Context, due: StatementsEnd) -> None:
    ended = [one for one in ctx.store.scan(statements, due.account, due.region) if one.created_at + KEPT <= due.at and one.status in ENDED]
    folder = running_of(ctx.home).folder
    for one in ended:
        results.remove(folder, one.id, len(one.parts))
    async with ctx.store.transaction() as tx:
        for one in ended:
            tx.delete(statements, one.account, one.region, one.id)


@SERVICE.starts
async def _resume(home: Home) -> None:
    """What was submitted is run; what had begun is over, and nobody knows how."""
    live = running_of(home)
    for statement in home.store.scan(statements):
        if statement.status == "SUBMITTED":
            live.start(home.context(account=statement.account, region=statement.region, service=SERVICE.name), statement)
        elif statement.status not in ENDED:
            async with home.store.transaction() as tx:
                tx.put(statements, replace(failed(statement, INTERRUPTED), updated_at=home.clock.now()))


@SERVICE.stops
async def _close(home: Home) -> None:
    await running_of(home).close()
