"""Amazon CloudWatch Logs: groups, streams, events, and the search in them.

Real here: everything that a function's or an engine's log needs, filter patterns with terms, regular expressions and JSON
selectors, retention. Not here: Insights queries, subscriptions, metric filters, exports.
"""

from headwater.kernel.service import Service

SERVICE = Service("logs")
