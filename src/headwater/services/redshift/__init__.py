"""Amazon Redshift: clusters that are real warehouses, each a process of its own, reached over the PostgreSQL wire.

Real here: the endpoint that the API reports (port 5439 at a loopback address of the cluster's own, with TLS), its users and
temporary credentials, its associated roles, its SQL (`engines/warehouse/`), pause, resume, reboot, and its data's survival
of any death. Kept and shown, but without effect: nodes, maintenance windows, networks, parameter groups' values.
Not built: snapshots, resizing that moves data, sharing, HSM, logging, schedules, reserved nodes; each answers 501 or is refused.
"""

from headwater.kernel.service import Service

SERVICE = Service("redshift")
