"""EventBridge Scheduler: one call at one time, or again and again. Real: expressions, time zones, windows, retries, any AWS call.

A schedule waits as one owed job on the Clock and costs nothing until it is due. A failed call that a dead-letter queue should have got is
kept.
"""

from headwater.kernel.service import Service

SERVICE = Service("scheduler")
