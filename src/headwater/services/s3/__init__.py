"""S3: objects that really are kept, with their versions, checksums and uploads in parts.

Real here: every byte, its ETag and checksum, conditional and ranged requests, versioning, tags, multipart uploads, copies and
listings in S3's own order. Bodies up to 16 KiB stand in the object's record and are acknowledged by the journal alone; longer
ones are plain files under the home, which engines read in place. Stored and handed back, not yet obeyed: policies, public
access blocks, ownership controls. Not here yet, and answered with 501: KMS and customer keys, object lock, lifecycle, CORS,
website, notification, replication, SELECT.
"""

from headwater.kernel.service import Service

SERVICE = Service("s3")
