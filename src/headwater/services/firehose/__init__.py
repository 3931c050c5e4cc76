"""Amazon Data Firehose: records in, objects in S3 out. Real here: Direct PUT to S3, and everything between the two.

A record is journalled before its put is answered, buffered by size and by seconds, transformed by a Lambda function if
the stream says so, compressed, and written under the stream's role. The name of an object is decided durably before it
is written, so that a death between the two writes the same object again and never a second one.
Not built: other destinations than S3, Kinesis, MSK and databases as a source, format conversion, dynamic partitioning,
Snappy, KMS; each is refused by name.
"""

from headwater.kernel.service import Service

SERVICE = Service("firehose")
