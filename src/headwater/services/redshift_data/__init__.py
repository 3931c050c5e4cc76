"""The Redshift Data API: SQL without a connection. Each statement logs in at the cluster's own endpoint, as any client would.

Real here: statements run asynchronously, their records and results are durable and kept for 24 hours of AWS time, sessions keep
their temporary tables. A statement that was running when Headwater died is FAILED, never run twice.
Not built: workgroups (Redshift Serverless), events (there is no EventBridge yet, so WithEvent sends none).
"""

from headwater.kernel.service import Service

SERVICE = Service("redshift-data")
