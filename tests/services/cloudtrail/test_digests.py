"""Log file validation: digests that anybody can check with the public key.

Truth: "Custom implementations of CloudTrail log file integrity validation" of the user guide; the checks are those it asks for.
"""

import gzip
import hashlib
import itertools
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding


def public_key(logged: Any, fingerprint: str) -> Any:
    keys = logged.cloudtrail.list_public_keys()["PublicKeyList"]
    (value,) = [key["Value"] for key in keys if key["Fingerprint"] == fingerprint]
    assert hashlib.md5(value).hexdigest() == fingerprint
    return serialization.load_der_public_key(value)


def check(logged: Any, key: str) -> dict[str, Any]:
    """Verify a digest and every file that it lists, and return it."""
    found = logged.s3.get_object(Bucket=logged.bucket, Key=key)
    plain = gzip.decompress(found["Body"].read())
    digest: dict[str, Any] = logged.content(key)
    signed = "\n".join(
        [
            digest["digestEndTime"],
            f"{digest['digestS3Bucket']}/{digest['digestS3Object']}",
            hashlib.sha256(plain).hexdigest(),
            digest["previousDigestSignature"] or "null",
        ]
    )
    signature = bytes.fromhex(found["Metadata"]["signature"])
    public_key(logged, digest["digestPublicKeyFingerprint"]).verify(signature, signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    assert found["Metadata"]["signature-algorithm"] == digest["digestSignatureAlgorithm"] == "SHA256withRSA"
    assert digest["digestS3Object"] == key
    for file in digest["logFiles"]:
        content = gzip.decompress(logged.s3.get_object(Bucket=file["s3Bucket"], Key=file["s3Object"])["Body"].read())
        assert hashlib.sha256(content).hexdigest() == file["hashValue"]
    return digest


def test_every_file_is_in_a_signed_digest_and_digests_are_chained(logged: Any, clock: Any) -> None:
    logged.trail(EnableLogFileValidation=True)
    seen: list[str] = []
    for number in range(2):
        logged.aws.client("iam").create_user(UserName=f"user-{number}")
        logged.until(lambda number=number: logged.names().count("CreateUser") == number + 1)
        clock.advance(timedelta(hours=1))
        seen = logged.until(lambda number=number: d if len(d := logged.files("CloudTrail-Digest/")) > number else None)
    digests = sorted((check(logged, key) for key in seen), key=lambda digest: str(digest["digestEndTime"]))
    assert digests[0]["previousDigestS3Object"] is None
    for before, after in itertools.pairwise(digests):
        assert after["previousDigestS3Object"] == before["digestS3Object"]
        assert after["digestStartTime"] == before["digestEndTime"]
    listed = [file["s3Object"] for digest in digests for file in digest["logFiles"]]
    assert set(listed) <= set(logged.files())
    assert len(listed) >= 2
    assert "LatestDigestDeliveryTime" in logged.cloudtrail.get_trail_status(Name="audit")


def test_list_public_keys_refuses_a_time_that_ends_before_it_begins(logged: Any, refused: Any) -> None:
    with refused("InvalidTimeRangeException"):
        logged.cloudtrail.list_public_keys(StartTime="2026-01-02T00:00:00Z", EndTime="2026-01-01T00:00:00Z")
