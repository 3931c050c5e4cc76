"""EventBridge: buses, rules, targets, archives. Real: matching, delivery with retries, schedules on the Clock, replays, permissions.

An event is acknowledged when it and what it is owed to are in the journal. What rooms tell on the Bus (CloudTrail, Secrets Manager, S3,
RDS) comes to the default bus; API destinations are called over HTTP. Not built: global endpoints, partner sources, private
connectivity, the schema registry.
"""

from headwater.kernel.service import Service

SERVICE = Service("events")
