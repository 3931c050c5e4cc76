"""S3's own forms on the wire, where it does not do as the other REST-XML services do.

Truth: S3's API reference (the sample responses of each operation) and botocore's reading of them.
"""

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from headwater.aws.codec import codec_for, encode_fault
from headwater.aws.faults import Fault, fault
from headwater.aws.models import service_model
from headwater.aws.wire import Request

MODEL = service_model("s3")
NAMESPACE = ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


def answer(operation: str, result: dict[str, Any]) -> str:
    response = codec_for(MODEL.operations[operation], "rest-xml").encode(result, "id")
    assert isinstance(response.body, bytes)
    return response.body.decode().removeprefix('<?xml version="1.0" encoding="UTF-8"?>\n')


def decode(operation: str, body: bytes) -> dict[str, Any]:
    found: dict[str, Any] = codec_for(MODEL.operations[operation], "rest-xml").decode(Request("PUT", "/b", "", {}, body), {"Bucket": "b"})
    return found


def test_a_location_is_the_root_itself() -> None:
    root = f"<LocationConstraint{NAMESPACE}>"
    assert answer("GetBucketLocation", {"LocationConstraint": "eu-west-1"}) == f"{root}eu-west-1</LocationConstraint>"
    assert answer("GetBucketLocation", {}) == f"{root}</LocationConstraint>"


def test_moments_always_have_milliseconds() -> None:
    text = answer("ListBuckets", {"Buckets": [{"Name": "b", "CreationDate": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)}]})
    assert text.startswith(f"<ListAllMyBucketsResult{NAMESPACE}>")
    assert "<CreationDate>2026-01-02T03:04:05.000Z</CreationDate>" in text


def test_keys_with_any_characters_stay_well_formed() -> None:
    text = answer("ListObjectsV2", {"Contents": [{"Key": "a<&>\"'\x01\r\n\té", "ETag": '"0"'}]})
    assert "<Key>a&lt;&amp;&gt;\"'&#1;&#13;\n\té</Key>" in text


def test_a_grantee_has_its_type_as_an_attribute() -> None:
    grant = {"Grantee": {"Type": "CanonicalUser", "ID": "1"}, "Permission": "READ"}
    text = answer("GetBucketAcl", {"Grants": [grant]})
    assert '<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser">' in text
    inside = text.partition("<Grant>")[2].partition("</Grant>")[0]
    body = f"<AccessControlList><Grant>{inside}</Grant></AccessControlList>"
    assert decode("PutBucketAcl", f"<AccessControlPolicy>{body}</AccessControlPolicy>".encode())["AccessControlPolicy"]["Grants"] == [grant]


def test_an_error_stands_alone_and_names_what_it_is_about() -> None:
    response = encode_fault("s3", "rest-xml", fault("NoSuchKey", "The specified key does not exist.", Key="a&b"), "R1")
    assert response.status == 404
    assert isinstance(response.body, bytes)
    text = response.body.decode()
    assert "<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message><Key>a&amp;b</Key>" in text
    assert "<RequestId>R1</RequestId><HostId>" in text


STATUSES = {
    "NoSuchUpload": 404,
    "InvalidRange": 416,
    "PreconditionFailed": 412,
    "BucketNotEmpty": 409,
    "MethodNotAllowed": 405,
    "AccessDenied": 403,
}


@pytest.mark.parametrize(("code", "status"), STATUSES.items())
def test_errors_that_the_model_lacks_have_their_status(code: str, status: int) -> None:
    assert encode_fault("s3", "rest-xml", fault(code, "x"), "id").status == status


def test_what_was_not_modified_and_what_was_only_headed_have_no_body() -> None:
    assert encode_fault("s3", "rest-xml", fault("NotModified", "Not Modified"), "id").body == b""
    headed = codec_for(MODEL.operations["HeadObject"], "rest-xml").encode_fault(fault("NoSuchKey", "x"), "id")
    assert (headed.status, headed.body) == (404, b"")


EVIL = {
    "cut off": b"<Tagging><TagSet>",
    "no XML": b"{}",
    "entities that explode": b'<!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><Tagging>&b;</Tagging>',
    "a file of the machine": b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><Tagging>&f;</Tagging>',
    "too deep": b"<a>" * 10_000,
    "an unknown encoding": b'<?xml version="1.0" encoding="klingon"?><Tagging/>',
    "a number that is none": b"<Tagging><TagSet><Tag><Key>k</Key></Tag></TagSet></Tagging",
}


@pytest.mark.parametrize("body", EVIL.values(), ids=EVIL)
def test_xml_is_refused_that_is(body: bytes) -> None:
    with pytest.raises(Fault, match="MalformedXML: The XML you provided was not well-formed"):
        decode("PutBucketTagging", body)


def test_an_absent_body_has_an_error_of_its_own() -> None:
    codec = codec_for(MODEL.operations["PutBucketTagging"], "rest-xml")
    with pytest.raises(Fault, match="MissingRequestBodyError: Request Body is empty"):
        codec.validate(decode("PutBucketTagging", b""))
    with pytest.raises(Fault, match="MalformedXML"):
        codec.validate(decode("PutBucketTagging", b"<Tagging/>"))


def test_a_number_in_a_query_string_that_is_none_is_an_invalid_argument() -> None:
    codec = codec_for(MODEL.operations["ListObjectsV2"], "rest-xml")
    with pytest.raises(Fault, match="InvalidArgument"):
        codec.decode(Request("GET", "/b", "list-type=2&max-keys=many", {}), {"Bucket": "b"})


def test_unknown_elements_and_namespaces_are_ignored() -> None:
    body = f"<Delete{NAMESPACE}><Object><Key>a</Key><Odd/></Object><Object><Key>b</Key></Object><Quiet>true</Quiet></Delete>"
    assert decode("DeleteObjects", body.encode())["Delete"] == {"Objects": [{"Key": "a"}, {"Key": "b"}], "Quiet": True}


def test_metadata_travels_as_headers_both_ways() -> None:
    headers = {"x-amz-meta-colour": "blue", "x-amz-meta-size": "3", "content-type": "text/csv"}
    found = codec_for(MODEL.operations["PutObject"], "rest-xml").decode(
        Request("PUT", "/b/k", "", headers, b"x"), {"Bucket": "b", "Key": "k"}
    )
    assert found["Metadata"] == {"colour": "blue", "size": "3"}
    response = codec_for(MODEL.operations["GetObject"], "rest-xml").encode(
        {"Metadata": {"colour": "blue"}, "ETag": '"0"', "LastModified": datetime(2026, 1, 2, tzinfo=UTC), "Body": b"x"}, "id"
    )
    assert ("x-amz-meta-colour", "blue") in response.headers
    assert ("Last-Modified", "Fri, 02 Jan 2026 00:00:00 GMT") in response.headers
    assert not [name for name, _ in response.headers if re.fullmatch("content-type", name, re.IGNORECASE)]


def test_a_location_is_read_by_boto3_itself() -> None:
    """The client, not its parser, reads this answer: so the client is asked."""
    import boto3
    from botocore.awsrequest import AWSResponse

    client = boto3.client("s3", "eu-west-1", endpoint_url="http://127.0.0.1", aws_access_key_id="test", aws_secret_access_key="test")
    content = answer("GetBucketLocation", {"LocationConstraint": "eu-west-1"}).encode()

    class Raw:
        def stream(self, **_: Any) -> list[bytes]:
            return [content]

    client.meta.events.register("before-send.s3", lambda request, **_: AWSResponse(request.url, 200, {}, Raw()))
    assert client.get_bucket_location(Bucket="b")["LocationConstraint"] == "eu-west-1"
    client.close()
