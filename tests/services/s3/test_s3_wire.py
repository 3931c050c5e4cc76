"""Requests that no SDK sends: bodies that nothing or something wrong vouches for, paths that are no text.

Truth: AWS's answers as quoted in public issues (versity/versitygw#1040; larrabee/s3sync#45) and ceph's s3-tests, which hold that a key of
the bytes AE 8A is refused; that a checksum is held against a presigned body is the documentation's ("Checking object integrity").
"""

from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

pytestmark = pytest.mark.http
TAGS = "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Content-MD5": "CY9rzUYh03PK3k6DJie09g=="}, "BadDigest"),
        ({"Content-MD5": "no"}, "InvalidDigest"),
        ({"x-amz-checksum-crc32": "AAAAAA=="}, "BadDigest"),
        ({"x-amz-checksum-crc32": "AA=="}, "InvalidRequest"),
    ],
)
def test_a_presigned_body_is_held_against_what_is_said_of_it(s3: Any, bucket: str, headers: dict[str, str], code: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body="data")
    url = s3.generate_presigned_url("put_object_tagging", {"Bucket": bucket, "Key": "k", "Tagging": {"TagSet": []}})
    answer = requests.put(url, data=TAGS, headers=headers, timeout=10)
    assert answer.status_code == 400
    assert f"<Code>{code}</Code>" in answer.text
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []


def test_a_list_of_deletes_needs_a_checksum(s3: Any, bucket: str) -> None:
    url = s3.generate_presigned_url("delete_objects", {"Bucket": bucket, "Delete": {"Objects": [{"Key": "k"}]}})
    wanted = "<Delete><Object><Key>k</Key></Object></Delete>"
    answer = requests.post(url, data=wanted, timeout=10)
    assert answer.status_code == 400
    assert "<Code>InvalidRequest</Code><Message>Missing required header for this request: Content-MD5 OR x-amz-checksum-*</M" in answer.text
    summed = {"x-amz-checksum-crc32": "AAAAAA=="}
    assert "<Code>BadDigest</Code>" in requests.post(url, data=wanted, headers=summed, timeout=10).text


@pytest.mark.parametrize("path", ["%AE%8A-", "a%2", "a%zz"])
def test_a_path_that_is_no_text_is_refused(s3: Any, bucket: str, path: str) -> None:
    connection = HTTPConnection(urlsplit(s3.meta.endpoint_url).netloc, timeout=10)  # others would mend the path
    connection.request("GET", f"/{bucket}/{path}")
    answer = connection.getresponse()
    assert answer.status == 400
    assert b"<Code>InvalidURI</Code><Message>Couldn't parse the specified URI.</Message>" in answer.read()
    connection.close()
