"""Amazon CloudWatch Logs: groups, streams, events, and the search in them.

Real here: everything that a function's or an engine's log needs, filter patterns with terms, regular expressions and JSON
selectors or columns, retention, subscriptions, metric filters, and Insights queries, which DuckDB runs. Not here: data protection,
transformers, live tail. Deliveries of other services' logs are kept and shown, and deliver nothing: no such service writes here.
"""

from headwater.kernel.service import Service

SERVICE = Service("logs")
