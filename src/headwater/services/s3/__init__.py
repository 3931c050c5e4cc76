"""S3: objects that really are kept, with their versions, checksums and uploads in parts.

Real here: every byte, its ETag and checksum, conditional and ranged requests, versioning, tags, multipart uploads, copies and
listings in S3's own order; policies, lists and blocks of public access are obeyed. Bodies up to 16 KiB stand in the object's record
and are acknowledged by the journal alone; longer ones are plain files under the home, which engines read in place. Under keys of KMS
and of customers bodies are encrypted on the disk; S3's own encryption (AES256, the default) means the home's own disk. Functions
and EventBridge are told of what happens to objects; lifecycle rules move and end them when the Clock says so, object locks keep them until
then. What is archived is read after its restore. Who asks for what is logged to where a bucket says, versions are copied to where its
replication rules say.
Browsers may upload by forms, ask under CORS rules and see buckets as websites.
Not here yet, and answered with 501: SELECT, and notifications to queues and topics.
"""

from headwater.kernel.service import Service

SERVICE = Service("s3")
