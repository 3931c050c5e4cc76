"""AWS IAM: users, groups, roles, policies and access keys, kept as AWS keeps them. Real here: a new key signs at once.

IAM is global: its records have no region. Documents are checked when they are written and returned as they were written.
What a policy *allows* is decided at the gateway, not here; this room is where the statements are.
Not built: MFA, SAML and OpenID providers, certificates, SSH keys, login profiles, reports and simulation.
"""

from headwater.kernel.service import Service

SERVICE = Service("iam")
