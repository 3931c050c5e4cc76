"""A URL from which code can be fetched for ten minutes, as GetFunction and GetLayerVersion give it.

As on AWS it is a presigned URL of an object in a bucket of Lambda's own, in an account that is nobody's. The object is put there
when somebody first asks.
Source of the form: docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
"""

import asyncio
import base64
import hashlib
import hmac
from datetime import timedelta
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

from headwater.aws.faults import Fault
from headwater.kernel.client import Client
from headwater.kernel.context import Context
from headwater.kernel.identity import Credentials, root_of

from . import code
from .fleet import fleet_of

ACCOUNT: Final = "000000000001"
VALID: Final = timedelta(minutes=10)


async def _location_of(ctx: Context, sha256: str) -> str:
    tasks = Context(ctx.home, account=ACCOUNT, region=ctx.region, principal=root_of(ACCOUNT), service="lambda")
    bucket, key = f"awslambda-{ctx.region}-tasks", f"snapshots/{base64.b64decode(sha256).hex()}"
    client = tasks.client("s3")
    try:
        await client.head_object(Bucket=bucket, Key=key)
    except Fault:
        path = code.archive_of(fleet_of(ctx.home).root, sha256)
        archive = await asyncio.get_running_loop().run_in_executor(ctx.home.pools.files, path.read_bytes)
        await _put(client, ctx.region, bucket, key, archive)
    credentials = ctx.home.issue_credentials(tasks.principal, ctx.clock.now() + VALID)
    signed_at = f"{ctx.clock.machine():%Y%m%dT%H%M%SZ}"
    return presigned(f"{ctx.home.endpoint_url}/{bucket}/{key}", ctx.region, credentials, signed_at)


async def _put(client: Client, region: str, bucket: str, key: str, archive: bytes) -> None:
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    try:
        await client.create_bucket(Bucket=bucket, **where)
    except Fault as refusal:
        if refusal.code != "BucketAlreadyOwnedByYou":
            raise
    await client.put_object(Bucket=bucket, Key=key, Body=archive)


def presigned(url: str, region: str, credentials: Credentials, signed_at: str) -> str:
    """A GET that its bearer may do until it expires."""
    parts = urlsplit(url)
    scope = f"{signed_at[:8]}/{region}/s3/aws4_request"
    query = urlencode(
        {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": f"{credentials.access_key_id}/{scope}",
            "X-Amz-Date": signed_at,
            "X-Amz-Expires": str(int(VALID.total_seconds())),
            "X-Amz-Security-Token": credentials.session_token,
            "X-Amz-SignedHeaders": "host",
        },
        quote_via=quote,
        safe="",
    )
    canonical = f"GET\n{parts.path}\n{query}\nhost:{parts.netloc}\n\nhost\nUNSIGNED-PAYLOAD"
    to_sign = f"AWS4-HMAC-SHA256\n{signed_at}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{credentials.secret_access_key}".encode()
    for word in scope.split("/"):
        key = hmac.digest(key, word.encode(), "sha256")
    return f"{url}?{query}&X-Amz-Signature={hmac.digest(key, to_sign.encode(), 'sha256').hex()}"
