"""AWS/RDS: what a database's process was found to use, as metrics. Pure.

Source: "Amazon CloudWatch metrics for Amazon RDS" of its guide.
"""

from collections.abc import Iterator
from typing import Any, Final

from .gauging import Reading

NAMESPACE: Final = "AWS/RDS"
UNITS: Final = {"CPUUtilization": "Percent", "FreeableMemory": "Bytes", "DatabaseConnections": "Count"}


def of_found(fact: dict[str, Any]) -> Iterator[Reading]:
    dimensions = (("DBInstanceIdentifier", fact["instance"]),)
    return (Reading(NAMESPACE, name, dimensions, value, UNITS[name]) for name, value in fact["found"].items() if value is not None)
