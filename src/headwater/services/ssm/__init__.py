"""AWS Systems Manager, of which Parameter Store is built: parameters with history, labels, hierarchies, policies and tags.

Real here: SecureString under KMS keys with the parameter's ARN as encryption context, policies on the Clock, references to secrets of
Secrets Manager, the public list of regions. Not here: everything else of Systems Manager, other public parameters, sharing.
"""

from headwater.kernel.service import Service

SERVICE = Service("ssm")
