"""The credential report: a line of CSV for the root and for each user, made when asked for and kept for four hours.

The columns and their words are those of a report that AWS makes today: 22 columns, dates with Z, no line end behind the last row, users
without regard to case, inactive keys with their dates. Source: "Generate credential reports for your AWS account" of the user guide.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from headwater.aws.faults import fault
from headwater.kernel.identity import ACCESS_KEYS
from headwater.kernel.permissions import requires
from headwater.kernel.store import Record, Table

from .certificates import signing_certificates
from .last_use import last_use_of
from .mfa_devices import devices_of
from .model import GLOBAL, ROOT_SINCE, User, arn_of, users
from .passwords import login_profiles, next_rotation, password_policies

if TYPE_CHECKING:
    from headwater.kernel.context import Context

KEPT: Final = timedelta(hours=4)
KEY_COLUMNS: Final = ("active", "last_rotated", "last_used_date", "last_used_region", "last_used_service")
COLUMNS: Final = (
    "user",
    "arn",
    "user_creation_time",
    "password_enabled",
    "password_last_used",
    "password_last_changed",
    "password_next_rotation",
    "mfa_active",
    *(f"access_key_{number}_{column}" for number in (1, 2) for column in KEY_COLUMNS),
    *(f"cert_{number}_{column}" for number in (1, 2) for column in ("active", "last_rotated")),
)
ABSENT: Final = "N/A"
NO_KEY: Final = ("false", ABSENT, ABSENT, ABSENT, ABSENT)
NO_CERTIFICATE: Final = ("false", ABSENT)


class Report(Record, frozen=True, kw_only=True):
    account: str
    made_at: datetime
    content: bytes


reports: Final = Table("iam", "credential_reports", Report, key=lambda report: (report.account, GLOBAL))


@requires("iam:GenerateCredentialReport")
async def generate_credential_report(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Make the report, unless there is a fresh one. AWS takes a moment, and says so; here it is ready at once."""
    report = ctx.store.get(reports, ctx.account, GLOBAL)
    now = ctx.clock.now().replace(microsecond=0)
    if report is not None and now - report.made_at < KEPT:
        return {"State": "COMPLETE"}
    async with ctx.store.transaction() as tx:
        tx.put(reports, Report(account=ctx.account, made_at=now, content=_written(ctx)))
    return {"State": "STARTED", "Description": "No report exists. Starting a new report generation task"}


@requires("iam:GetCredentialReport")
async def get_credential_report(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The report that was made last."""
    report = ctx.store.get(reports, ctx.account, GLOBAL)
    if report is None:
        raise fault("ReportNotPresent", "You need to generate a credential report first.")
    if ctx.clock.now() - report.made_at >= KEPT:
        raise fault("ReportExpired", "The most recent credential report has expired. Generate a new one.")
    return {"Content": report.content, "ReportFormat": "text/csv", "GeneratedTime": report.made_at}


def _written(ctx: Context) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerow(_root(ctx))
    listed = sorted(ctx.store.scan(users, ctx.account, GLOBAL), key=lambda user: user.name.casefold())
    writer.writerows(list(_row(ctx, user)) for user in listed)
    return text.getvalue().rstrip("\n").encode()


def _date(moment: datetime | None, otherwise: str = ABSENT) -> str:
    return otherwise if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _flag(holds: bool) -> str:
    return "true" if holds else "false"


def _root(ctx: Context) -> list[str]:
    """An account here has no root with a password, and its keys need no issuing."""
    who = ["<root_account>", f"arn:aws:iam::{ctx.account}:root", _date(ROOT_SINCE)]
    password = ["not_supported", "no_information", "not_supported", "not_supported"]
    return [*who, *password, "false", *NO_KEY, *NO_KEY, *NO_CERTIFICATE, *NO_CERTIFICATE]


def _row(ctx: Context, user: User) -> Iterator[str]:
    yield from (user.name, arn_of(user), _date(user.created_at))
    profile = ctx.store.get(login_profiles, user.account, GLOBAL, user.unique_id)
    if profile is None:
        yield from ("false", ABSENT, ABSENT, ABSENT)
    else:
        rules = ctx.store.get(password_policies, ctx.account, GLOBAL)
        yield from ("true", "no_information", _date(profile.changed_at), _date(next_rotation(profile, rules)))
    yield _flag(bool(devices_of(ctx, user)))
    yield from _keys(ctx, user)
    certificates = sorted(ctx.store.scan(signing_certificates, user.account, GLOBAL, user.unique_id), key=lambda one: one.uploaded_at)
    for certificate in certificates:
        yield from (_flag(certificate.active), _date(certificate.uploaded_at))
    yield from NO_CERTIFICATE * (2 - len(certificates))


def _keys(ctx: Context, user: User) -> Iterator[str]:
    for key_id in user.access_keys:
        key = ctx.store.get(ACCESS_KEYS, key_id)
        assert key is not None, "a user's keys stand in the kernel's table"
        use = last_use_of(ctx, key_id)
        yield from (_flag(key.active), _date(key.created_at))
        yield from (ABSENT, ABSENT, ABSENT) if use is None else (_date(use.at), use.region, use.service)
    yield from NO_KEY * (2 - len(user.access_keys))
