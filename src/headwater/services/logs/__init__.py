"""Amazon CloudWatch Logs: groups, streams, events, and the search in them.

Real here: everything that a function's or an engine's log needs, filter patterns with terms, regular expressions and JSON
selectors or columns, retention, subscriptions, metric filters, and Insights queries, which DuckDB runs. Not here: data protection,
transformers, destinations and deliveries to other accounts, live tail.
"""

from headwater.kernel.service import Service

SERVICE = Service("logs")
