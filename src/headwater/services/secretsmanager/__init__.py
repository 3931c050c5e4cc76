"""Secrets Manager: secrets, their versions, and their rotation. Real: encryption under KMS, staging labels, rotation, replicas.

A value is sealed under a data key of its own, which only KMS opens, asked in the caller's name at every read. A rotation is a
durable job: it goes on after a restart at the step at which it was.
Not built: external secrets managed by partners, rotation without a function (managed rotation), replicas in other accounts.
"""

from headwater.kernel.service import Service

SERVICE = Service("secretsmanager")
