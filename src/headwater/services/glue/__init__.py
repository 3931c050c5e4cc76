"""AWS Glue's Data Catalog: databases, tables with their versions, partitions. Real here: whoever reads SQL over S3 reads this.

The catalog is passive: it keeps definitions as they were written and understands of them only names, partition keys and
versions. Redshift's external schemas and Athena look here for what a name means and where its files are.
Not built: crawlers, jobs, column statistics, partition indexes, other accounts' catalogs.
"""

from headwater.kernel.service import Service

SERVICE = Service("glue")
