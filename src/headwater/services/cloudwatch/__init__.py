"""Amazon CloudWatch: metrics and their statistics, metric math, alarms, dashboards; and the metrics that AWS itself publishes.

Real here: every sample is kept (values and how often each came, so percentiles are exact), retention by period on the Clock,
alarms that are evaluated when a period ends and act, metric streams to Firehose, insight rules on logs,
bands of anomaly detectors (by a model of our own). Not here: other accounts.
"""

from headwater.kernel.service import Service

SERVICE = Service("cloudwatch")
