"""Browsers' uploads by POST. Truth: "POST Object" and "Creating a POST policy" of the API reference, ceph s3-tests, and
answers of S3 in public issue trackers; what AWS was recorded to say is in test_s3_recorded_forms.py.
"""

import base64
import hmac
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import requests
from botocore.config import Config

pytestmark = pytest.mark.http
Post = Callable[..., requests.Response]


@pytest.fixture
def url(aws: Any, bucket: str) -> str:
    return f"{aws.endpoint_url}/{bucket}"


@pytest.fixture
def everybody_writes(s3: Any, bucket: str) -> str:
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    s3.put_bucket_acl(Bucket=bucket, ACL="public-read-write")
    return bucket


@pytest.fixture
def signer(aws: Any) -> Any:
    """A user who may write objects, with a key whose signatures are checked."""
    return aws.user({"Effect": "Allow", "Action": ["s3:PutObject", "s3:PutObjectTagging"], "Resource": "*"})


def send(url: str, fields: dict[str, str], file: Any = "bar", **headers: str) -> requests.Response:
    parts = [(name, (None, value)) for name, value in fields.items()]
    return requests.post(url, files=[*parts, ("file", file)], headers=headers, timeout=10, allow_redirects=False)


def signed(signer: Any, policy: dict[str, Any] | str) -> dict[str, str]:
    """The fields of a policy that is signed the old way, as s3-tests do."""
    encoded = base64.b64encode((policy if isinstance(policy, str) else json.dumps(policy)).encode()).decode()
    digest = hmac.digest(signer._keys["aws_secret_access_key"].encode(), encoded.encode(), "sha1")
    return {
        "AWSAccessKeyId": signer._keys["aws_access_key_id"],
        "signature": base64.b64encode(digest).decode(),
        "policy": encoded,
    }


def policy(bucket: str, *conditions: Any) -> dict[str, Any]:
    return {"expiration": "2999-01-01T00:00:00Z", "conditions": [{"bucket": bucket}, ["starts-with", "$key", "foo"], *conditions]}


def said(answer: requests.Response) -> tuple[int, str, str]:
    found = {name: value.replace("&quot;", '"') for name, value in re.findall(r"<(Code|Message)>([^<]*)<", answer.text)}
    return answer.status_code, found.get("Code", ""), found.get("Message", "")


def test_an_unsigned_form_to_a_bucket_that_everybody_may_write(s3: Any, url: str, everybody_writes: str) -> None:
    answer = send(url, {"key": "foo.txt", "Content-Type": "text/plain", "x-amz-meta-a": "b"})
    assert (answer.status_code, answer.text) == (204, "")
    found = s3.get_object(Bucket=everybody_writes, Key="foo.txt")
    assert (found["Body"].read(), found["ContentType"], found["Metadata"]) == (b"bar", "text/plain", {"a": "b"})
    assert answer.headers["ETag"] == found["ETag"]
    assert answer.headers["Location"] == f"{url}/foo.txt"


def test_an_unsigned_form_to_any_other_bucket(url: str) -> None:
    assert said(send(url, {"key": "foo.txt"}))[:2] == (403, "AccessDenied")


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_a_form_that_boto3_signs(aws: Any, signer: Any, s3: Any, bucket: str, version: str) -> None:
    client = signer.client("s3", config=Config(signature_version=version))
    made = client.generate_presigned_post(bucket, "up/${filename}", ExpiresIn=60)
    answer = send(made["url"], made["fields"], ("C:\\photos\\me.jpg", b"bytes"))
    assert answer.status_code == 204, answer.text
    assert s3.get_object(Bucket=bucket, Key="up/me.jpg")["Body"].read() == b"bytes"


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_a_form_of_a_session(aws: Any, signer: Any, s3: Any, bucket: str, version: str) -> None:
    """The token is a field, which the policy covers as any other."""
    given = signer.client("sts").get_session_token()["Credentials"]
    keys = {"aws_access_key_id": given["AccessKeyId"], "aws_secret_access_key": given["SecretAccessKey"]}
    client = aws.client("s3", config=Config(signature_version=version), aws_session_token=given["SessionToken"], **keys)
    made = client.generate_presigned_post(bucket, "k")
    assert send(made["url"], made["fields"]).status_code == 204
    assert s3.head_object(Bucket=bucket, Key="k")["ContentLength"] == 3
    without = {name: value for name, value in made["fields"].items() if name != "x-amz-security-token"}
    assert send(made["url"], without).status_code == 403


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_a_form_whose_signature_is_another(signer: Any, bucket: str, version: str) -> None:
    made = signer.client("s3", config=Config(signature_version=version)).generate_presigned_post(bucket, "k")
    name = "signature" if version == "s3" else "x-amz-signature"
    made["fields"][name] = made["fields"][name][::-1]
    assert said(send(made["url"], made["fields"]))[:2] == (403, "SignatureDoesNotMatch")


def test_the_signer_must_be_allowed_to_put(aws: Any, bucket: str) -> None:
    """The permission is s3:PutObject of whoever signed; with tags, s3:PutObjectTagging as well."""
    made = aws.user(name="nobody").client("s3").generate_presigned_post(bucket, "k")
    assert said(send(made["url"], made["fields"]))[:2] == (403, "AccessDenied")
    writer = aws.user({"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}, name="writer").client("s3")
    made = writer.generate_presigned_post(bucket, "k", Fields={"tagging": TAGGING}, Conditions=[["starts-with", "$tagging", ""]])
    assert said(send(made["url"], made["fields"]))[:2] == (403, "AccessDenied")


TAGGING = "<Tagging><TagSet><Tag><Key>a b</Key><Value>c+d</Value></Tag></TagSet></Tagging>"


def test_tags_of_a_form(s3: Any, url: str, everybody_writes: str, bucket: str, signer: Any) -> None:
    made = signer.client("s3").generate_presigned_post(
        bucket, "k", Fields={"tagging": TAGGING}, Conditions=[["starts-with", "$tagging", ""]]
    )
    assert send(made["url"], made["fields"]).status_code == 204
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "a b", "Value": "c+d"}]


def test_what_forms_may_say_in_fields(s3: Any, url: str, everybody_writes: str) -> None:
    fields = {
        "key": "k",
        "Cache-Control": "no-cache",
        "Content-Disposition": "attachment",
        "Content-Encoding": "gzip",
        "Expires": "Wed, 21 Oct 2099 07:28:00 GMT",
        "x-amz-storage-class": "STANDARD_IA",
        "x-amz-server-side-encryption": "AES256",
        "x-amz-website-redirect-location": "/there",
        "x-amz-checksum-algorithm": "SHA256",
        "x-amz-checksum-sha256": "/N4rLtula/QIYB+3If6bXDONEO5CnqBPrlURto+/j7k=",
    }
    answer = send(url, fields)
    assert answer.status_code == 204, answer.text
    found = s3.head_object(Bucket=everybody_writes, Key="k", ChecksumMode="ENABLED")
    named = ("CacheControl", "ContentDisposition", "ContentEncoding", "StorageClass", "WebsiteRedirectLocation", "ChecksumSHA256")
    wanted = ("no-cache", "attachment", "gzip", "STANDARD_IA", "/there", fields["x-amz-checksum-sha256"])
    assert tuple(found[name] for name in named) == wanted
    wrong = fields | {"x-amz-checksum-sha256": fields["x-amz-checksum-sha256"][::-1]}
    assert send(url, wrong).status_code == 400


def test_an_acl_that_the_bucket_does_not_take(url: str, bucket: str, signer: Any) -> None:
    fields = {"key": "foo", "acl": "public-read"} | signed(signer, policy(bucket, {"acl": "public-read"}))
    assert said(send(url, fields))[0] in {400, 403}


def test_statuses_that_a_form_may_ask_for(url: str, everybody_writes: str) -> None:
    answer = send(url, {"key": "a/b é.txt", "success_action_status": "201"})
    assert answer.status_code == 201
    assert f"<Key>a/b é.txt</Key><ETag>{answer.headers['ETag']}</ETag>" in answer.content.decode()
    assert f"<Location>{url}/a%2Fb%20%C3%A9.txt</Location><Bucket>{everybody_writes}</Bucket>" in answer.text
    assert send(url, {"key": "k", "success_action_status": "200"}).status_code == 200
    refused = send(url, {"key": "k", "success_action_status": "404"})
    assert (refused.status_code, refused.text) == (204, "")


@pytest.mark.parametrize("field", ["success_action_redirect", "redirect"])
def test_where_a_browser_is_sent_next(url: str, everybody_writes: str, field: str) -> None:
    answer = send(url, {"key": "a b/c", field: "http://localhost/done?x=1", "success_action_status": "201"})
    etag = answer.headers["ETag"].strip('"')
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"http://localhost/done?x=1&bucket={everybody_writes}&key=a+b%2Fc&etag=%22{etag}%22"
    assert send(url, {"key": "k", field: "/relative"}).status_code == 204


def test_names_have_no_case(s3: Any, url: str, bucket: str, signer: Any) -> None:
    conditions = [{"bUcKeT": bucket}, ["StArTs-WiTh", "$KeY", "foo"], ["StArTs-WiTh", "$CoNtEnT-TyPe", "text/plain"]]
    sent = signed(signer, {"expiration": "2999-01-01T00:00:00Z", "conditions": conditions})
    fields = {"kEy": "foo.txt", "Content-Type": "text/plain", "AWSAccessKeyId": sent["AWSAccessKeyId"], "signature": sent["signature"]}
    assert send(url, fields | {"pOLICy": sent["policy"], "x-ignore-foo": "bar"}).status_code == 204


REFUSED_POLICIES = {
    "not JSON": ("{", "Invalid JSON."),
    "an unknown member": ({"CONDITIONS": [], "expiration": "2999-01-01T00:00:00Z"}, "Unexpected: 'conditions'"),
    "no expiration": ({"conditions": []}, "Policy missing expiration."),
    "no conditions": ({"expiration": "2999-01-01T00:00:00Z"}, "Policy missing conditions."),
    "a time with an offset": ({"expiration": "2999-01-01T00:00:00+02:00", "conditions": []}, "Invalid 'expiration' value: '2999-01-01T00:00:00+02:00'"),  # noqa: E501
    "an empty condition": ({"expiration": "2999-01-01T00:00:00Z", "conditions": [{}]}, "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified."),  # noqa: E501
    "a number": ({"expiration": "2999-01-01T00:00:00Z", "conditions": [{"key": 1}]}, "Invalid Simple-Condition: value must be a string."),
    "no operation": ({"expiration": "2999-01-01T00:00:00Z", "conditions": [[]]}, "Invalid Condition: missing operation identifier."),
    "half a range": ({"expiration": "2999-01-01T00:00:00Z", "conditions": [["content-length-range", 0]]}, "Invalid content-length-range: wrong number of arguments."),  # noqa: E501
}  # fmt: skip


@pytest.mark.parametrize(("document", "sentence"), REFUSED_POLICIES.values(), ids=REFUSED_POLICIES)
def test_policies_that_are_none(url: str, signer: Any, document: Any, sentence: str) -> None:
    answer = send(url, {"key": "foo"} | signed(signer, document))
    assert said(answer) == (400, "InvalidPolicyDocument", f"Invalid Policy: {sentence}")


AGAINST_THE_POLICY = {
    "another prefix": ([["starts-with", "$key", "baz"]], {}, 'Policy Condition failed: ["starts-with", "$key", "baz"]'),
    "a field that is not covered": ([], {"StorageClass": "x"}, "Extra input fields: StorageClass"),
    "a field that is not there": ([["starts-with", "$x-amz-meta-foo", "bar"]], {}, 'Policy Condition failed: ["starts-with", "$x-amz-meta-foo", "bar"]'),  # noqa: E501
    "another value": ([["eq", "$x-amz-meta-foo", ""]], {"x-amz-meta-foo": "barclamp"}, 'Policy Condition failed: ["eq", "$x-amz-meta-foo", ""]'),  # noqa: E501
    "another bucket": ([{"bucket": "another"}], {}, 'Policy Condition failed: ["eq", "$bucket", "another"]'),
}  # fmt: skip


@pytest.mark.parametrize(("conditions", "more", "sentence"), AGAINST_THE_POLICY.values(), ids=AGAINST_THE_POLICY)
def test_forms_that_their_policy_does_not_allow(
    url: str, bucket: str, signer: Any, conditions: list[Any], more: dict[str, str], sentence: str
) -> None:
    answer = send(url, {"key": "foo.txt", **more} | signed(signer, policy(bucket, *conditions)))
    assert said(answer) == (403, "AccessDenied", f"Invalid according to Policy: {sentence}")


def test_a_policy_must_name_its_bucket_and_not_have_expired(url: str, bucket: str, signer: Any) -> None:
    unbound = {"expiration": "2999-01-01T00:00:00Z", "conditions": [["starts-with", "$key", ""]]}
    assert said(send(url, {"key": "foo"} | signed(signer, unbound)))[2] == "Invalid according to Policy: Extra input fields: bucket"
    old = policy(bucket) | {"expiration": "2020-01-01T00:00:00Z"}
    assert said(send(url, {"key": "foo"} | signed(signer, old))) == (403, "AccessDenied", "Invalid according to Policy: Policy expired.")


def test_a_dollar_in_a_policy(s3: Any, url: str, bucket: str, signer: Any) -> None:
    conditions = f'[{{"bucket": "{bucket}"}}, ["starts-with", "$key", "\\$foo"]]'
    document = f'{{"expiration": "2999-01-01T00:00:00Z", "conditions": {conditions}}}'
    assert send(url, {"key": "$foo.txt"} | signed(signer, document)).status_code == 204
    escaped = {"expiration": "2999-01-01T00:00:00Z", "conditions": [{"bucket": bucket}, ["starts-with", "$key", "\\$foo"]]}
    assert send(url, {"key": "\\$foo.txt"} | signed(signer, escaped)).status_code == 204


MALFORMED_FORMS = {
    "without a boundary": ("multipart/form-data", "MalformedPOSTRequest"),
    "of another type": ("application/x-www-form-urlencoded", "PreconditionFailed"),
    "cut off": ("multipart/form-data; boundary=abc", "MalformedPOSTRequest"),
}


@pytest.mark.parametrize(("kind", "code"), MALFORMED_FORMS.values(), ids=MALFORMED_FORMS)
def test_what_is_no_form(url: str, kind: str, code: str) -> None:
    body = '--abc\r\nContent-Disposition: form-data; name="key"\r\n\r\nk'
    assert said(requests.post(url, data=body, headers={"Content-Type": kind}, timeout=10))[1] == code


def test_what_a_form_must_have(url: str, everybody_writes: str) -> None:
    nothing = requests.post(url, files=[("key", (None, "k"))], timeout=10)
    assert said(nothing) == (400, "InvalidArgument", "POST requires exactly one file upload per request.")
    assert "<ArgumentName>file</ArgumentName><ArgumentValue>0</ArgumentValue>" in nothing.text
    late = requests.post(url, files=[("file", (None, "bar")), ("key", (None, "k"))], timeout=10)
    assert said(late)[:2] == (400, "InvalidArgument")
    assert "<ArgumentName>key</ArgumentName><ArgumentValue></ArgumentValue>" in late.text
    long = send(url, {"key": "k", "x-amz-meta-a": "b" * 21_000})
    assert said(long)[:2] == (400, "MaxPostPreDataLengthExceeded")
    assert "<MaxPostPreDataLengthBytes>20480</MaxPostPreDataLengthBytes>" in long.text


def test_a_bucket_that_is_not_there(aws: Any) -> None:
    assert said(send(f"{aws.endpoint_url}/no-such-bucket-here", {"key": "k"}))[:2] == (404, "NoSuchBucket")


def test_a_long_file_streams(s3: Any, url: str, bucket: str, signer: Any) -> None:
    content = bytes(range(256)) * 12_000  # 3 MB: longer than what the gateway gathers
    fields = {"key": "foo.bin"} | signed(signer, policy(bucket, ["content-length-range", 0, len(content)]))
    assert send(url, fields, ("foo.bin", content)).status_code == 204
    assert s3.get_object(Bucket=bucket, Key="foo.bin")["Body"].read() == content
    for sizes, code in (((0, 2_000_000), "EntityTooLarge"), ((4_000_000, 5_000_000), "EntityTooSmall")):
        refused = send(url, {"key": "foo.no"} | signed(signer, policy(bucket, ["content-length-range", *sizes])), ("f", content))
        assert said(refused)[:2] == (400, code)
        assert f"<ProposedSize>{len(content)}</ProposedSize>" in refused.text
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket, Prefix="foo.no")


def test_a_long_form_that_is_cut_off_leaves_nothing(s3: Any, url: str, everybody_writes: str) -> None:
    opening = '--abc\r\nContent-Disposition: form-data; name="key"\r\n\r\nk\r\n--abc\r\nContent-Disposition: form-data; name="file"\r\n\r\n'
    answer = requests.post(
        url, data=opening.encode() + b"x" * 2_000_000, headers={"Content-Type": "multipart/form-data; boundary=abc"}, timeout=10
    )
    assert said(answer)[:2] == (400, "MalformedPOSTRequest")
    assert "Contents" not in s3.list_objects_v2(Bucket=everybody_writes)


def test_a_form_at_the_buckets_own_host(s3: Any, aws: Any, everybody_writes: str) -> None:
    answer = send(aws.endpoint_url, {"key": "k"}, Host=f"{everybody_writes}.s3.localhost:4566")
    assert answer.status_code == 204, answer.text
    assert answer.headers["Location"] == f"http://{everybody_writes}.s3.localhost:4566/k"
    assert s3.get_object(Bucket=everybody_writes, Key="k")["Body"].read() == b"bar"


def test_a_form_makes_a_version_and_is_locked(s3: Any, aws: Any, signer: Any) -> None:
    s3.create_bucket(Bucket=(name := f"locked-{aws.account}"), ObjectLockEnabledForBucket=True)
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}
    s3.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule})
    made = signer.client("s3").generate_presigned_post(name, "k")
    answer = send(made["url"], made["fields"])
    assert answer.status_code == 204
    found = s3.head_object(Bucket=name, Key="k")
    assert (found["VersionId"], found["ObjectLockMode"]) == (answer.headers["x-amz-version-id"], "GOVERNANCE")


METADATA = {"ÄMÄZÕÑ S3": "=?UTF-8?Q?=C3=84M=C3=84Z=C3=95=C3=91_S3?=", "\x00\x01\x02\x03\x04": "=?UTF-8?B?AAECAwQ=?=", "=?a?=": "=?a?="}
"""As LocalStack's public suite has recorded them of AWS."""


@pytest.mark.parametrize(("value", "shown"), METADATA.items())
def test_metadata_that_a_header_cannot_hold(s3: Any, url: str, everybody_writes: str, value: str, shown: str) -> None:
    assert send(url, {"key": "k", "x-amz-meta-a": value}).status_code == 204
    assert s3.head_object(Bucket=everybody_writes, Key="k")["Metadata"] == {"a": shown}


def test_fields_without_end(url: str) -> None:
    """What stands before the file is bounded, however it is cut into parts."""
    part = b'--abc\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n'
    answer = requests.post(url, data=part * 2000, headers={"Content-Type": "multipart/form-data; boundary=abc"}, timeout=10)
    assert said(answer)[:2] == (400, "MalformedPOSTRequest")


def test_a_form_is_told_as_one(server: Any, s3: Any, url: str, everybody_writes: str) -> None:
    """Source: "Event message structure", s3:ObjectCreated:Post; and EventBridge's reason POST Object."""
    told: list[dict[str, Any]] = []

    async def listen(begin: bool) -> None:
        server.home.bus.deliver()
        (server.home.bus.subscribe if begin else server.home.bus.unsubscribe)("event", told.extend)

    server.call(listen(True))
    s3.put_bucket_notification_configuration(Bucket=everybody_writes, NotificationConfiguration={"EventBridgeConfiguration": {}})
    send(url, {"key": "k"})
    s3.put_object(Bucket=everybody_writes, Key="k", Body=b"bar")
    server.call(listen(False))
    here = [one["detail"] for one in told if one["resources"] == [f"arn:aws:s3:::{everybody_writes}"]]
    assert [(one["reason"], one["object"]["size"]) for one in here] == [("POST Object", 3), ("PutObject", 3)]
