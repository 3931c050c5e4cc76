"""Amazon RDS and Aurora: databases that are real servers, MariaDB for the MySQL family and PostgreSQL for its own.

Real here: the server itself at the endpoint that the API reports, on the port that was asked for; master user and password, TLS,
parameter groups as far as the engine has the parameter; stop, start, reboot; the Lambda functions that an Aurora MySQL cluster calls
from SQL under its role. `EngineVersion` is what was asked for; the server itself says what it is. The instances of an Aurora
cluster share one server, which the cluster starts.
Remembered and described, without an effect here: instance class, storage, encryption, backup and maintenance windows, subnets and
security groups, Multi-AZ. Not built: snapshots and restores, replicas, proxies, IAM authentication, passwords kept by Secrets
Manager; each is refused by name.
"""

from headwater.kernel.service import Service

SERVICE = Service("rds")
