"""What watches a log group: subscription filters, which send events on, and metric filters, which count them. Pure records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from headwater.kernel.store import Record, Table

if TYPE_CHECKING:
    from headwater.kernel.context import Context

SUBSCRIPTIONS_MAX: Final = 2
METRIC_FILTERS_MAX: Final = 100


class Subscription(Record, frozen=True, kw_only=True):
    account: str
    region: str
    group: str
    name: str
    pattern: str
    destination: str
    created_ms: int
    role: str | None = None
    distribution: str = "ByLogStream"


class MetricFilter(Record, frozen=True, kw_only=True):
    """`transformation` as the API has it: it is described as it was put."""

    account: str
    region: str
    group: str
    name: str
    pattern: str
    transformation: dict[str, Any]
    created_ms: int


SUBSCRIPTIONS: Final = Table("logs", "subscriptions", Subscription, key=lambda s: (s.account, s.region, s.group, s.name))
METRIC_FILTERS: Final = Table("logs", "metric_filters", MetricFilter, key=lambda f: (f.account, f.region, f.group, f.name))


def subscriptions_of(ctx: Context, group: str) -> list[Subscription]:
    return ctx.store.scan(SUBSCRIPTIONS, ctx.account, ctx.region, group)


def metric_filters_of(ctx: Context, group: str) -> list[MetricFilter]:
    return ctx.store.scan(METRIC_FILTERS, ctx.account, ctx.region, group)


def describe_subscription(subscription: Subscription) -> dict[str, Any]:
    return {
        "filterName": subscription.name,
        "logGroupName": subscription.group,
        "filterPattern": subscription.pattern,
        "destinationArn": subscription.destination,
        "roleArn": subscription.role,
        "distribution": subscription.distribution,
        "applyOnTransformedLogs": False,
        "creationTime": subscription.created_ms,
    }


def describe_metric_filter(metric_filter: MetricFilter) -> dict[str, Any]:
    return {
        "filterName": metric_filter.name,
        "filterPattern": metric_filter.pattern,
        "metricTransformations": [metric_filter.transformation],
        "creationTime": metric_filter.created_ms,
        "logGroupName": metric_filter.group,
        "applyOnTransformedLogs": False,
    }
