"""AWS IAM: users, groups, roles, policies and access keys, kept as AWS keeps them. Real here: a new key signs at once.

IAM is global: its records have no region. Documents are checked when they are written and returned as they were written.
What a policy *allows* is decided in kernel/authorization.py; this room is where the statements are (grants.py).
Not built: delegation requests, role templates, and what only the console or a real outside needs (SMS, FIDO keys).
"""

from headwater.kernel.service import Service

SERVICE = Service("iam")
