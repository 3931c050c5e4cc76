"""AWS Organizations: accounts under one management account, organizational units, and service-control policies. Real here: they bind.

What a policy of an organization forbids is forbidden to every principal of its member accounts, the root included; `control.py` hands
the compiled levels to the one place where permissions are decided. A created account is usable at once: its role
OrganizationAccountAccessRole trusts the management account. Any number of twelve digits is an account in Headwater, so any may be invited.
Not built: policy types other than SERVICE_CONTROL_POLICY, the organization's resource policy, the migration to all features,
GovCloud accounts and responsibility transfers.
"""

from headwater.kernel.service import Service

SERVICE = Service("organizations")
