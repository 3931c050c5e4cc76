"""CORS: what rules say to browsers, and that they are the only way in for other sites' pages.

Truth: recorded answers of AWS (each such test names its case), "Elements of a CORS configuration" of the user guide; that strangers'
pages are refused is our own contract (DESIGN.md §11).
"""

import re
from typing import Any

import pytest
import requests

from recorded import Recorded

pytestmark = pytest.mark.http
OWN = "https://localhost:4200"
FOREIGN = "https://app.example.com"
NAMED = ("Access-Control", "Vary")


@pytest.fixture
def url(s3: Any, aws: Any, bucket: str) -> str:
    """An object that everybody may read, write and delete."""
    s3.delete_public_access_block(Bucket=bucket)
    policy = (
        f'{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Principal": "*", "Resource": "arn:aws:s3:::{bucket}/*", '
        '"Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]}]}'
    )
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    s3.put_object(Bucket=bucket, Key="k", Body="test-cors")
    return f"{aws.endpoint_url}/{bucket}/k"


def allow(s3: Any, bucket: str, *methods: str, origins: list[str], **more: Any) -> None:
    rule = {"AllowedOrigins": origins, "AllowedMethods": list(methods), **more}
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})


def ask(method: str, url: str, origin: str | None = OWN, **headers: str) -> requests.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if origin is not None:
        named["Origin"] = origin
    return requests.request(method, url, headers=named, timeout=10, data=b"" if method == "PUT" else None)


def preflight(url: str, method: str, origin: str = OWN, wanted: str = "") -> requests.Response:
    more = {"Access_Control_Request_Headers": wanted} if wanted else {}
    return ask("OPTIONS", url, origin, Access_Control_Request_Method=method, **more)


def shown(answer: requests.Response) -> dict[str, Any]:
    """An answer as the recordings show it: of its headers those of CORS."""
    body: Any = answer.text
    if answer.status_code >= 400:
        body = {"Error": dict(re.findall(r"<([\w-]+)>([^<]*)</\1>", answer.text.partition("<Error>")[2]))}
    headers = {name: value for name, value in answer.headers.items() if name.startswith(NAMED)}
    return {"Body": body, "StatusCode": answer.status_code, "Headers": headers}


class OfCors(Recorded):
    """Compares the headers of CORS alone."""

    def is_as(self, label: str, answer: Any) -> None:
        said = self._answers[label]
        if "StatusCode" in said:
            said = said | {"Headers": {name: value for name, value in said["Headers"].items() if name.startswith(NAMED)}}
        self._asked.add(label)
        self._compare(label, said, answer)


def test_methods(s3: Any, url: str, bucket: str) -> None:
    allow(s3, bucket, "GET", origins=[OWN], MaxAgeSeconds=3000)
    with OfCors("s3", "TestS3Cors::test_cors_match_methods") as case:
        case.is_as("opt-get", shown(preflight(url, "GET")))
        case.is_as("get-wrong-op", shown(ask("GET", url, Access_Control_Request_Method="PUT")))
        case.is_as("get-op", shown(ask("GET", url)))
        case.is_as("opt-put", shown(preflight(url, "PUT")))
        case.is_as("put-op", shown(ask("PUT", url)))


def test_part_of_an_origin(s3: Any, url: str, bucket: str) -> None:
    allow(s3, bucket, "GET", "PUT", origins=["http://*.origin.com"], MaxAgeSeconds=3000)
    with OfCors("s3", "TestS3Cors::test_cors_options_match_partial_origin") as case:
        case.is_as("options_match_partial_origin", shown(preflight(url, "PUT", "http://test.origin.com")))


def test_headers(s3: Any, url: str, bucket: str) -> None:
    with OfCors("s3", "TestS3Cors::test_cors_match_headers") as case:
        allow(s3, bucket, "GET", origins=[OWN], MaxAgeSeconds=3000, AllowedHeaders=["*"])
        case.is_as("opt-get", shown(preflight(url, "GET", wanted="x-amz-request-payer")))
        case.is_as("opt-get-two", shown(preflight(url, "GET", wanted="x-amz-request-payer, x-amz-expected-bucket-owner")))
        case.is_as("get-op", shown(ask("GET", url)))
        of_owner = "x-amz-expected-bucket-owner"
        names = [of_owner, "x-amz-server-side-encryption-customer-algorithm", "x-AMZ-server-SIDE-encryption"]
        allow(s3, bucket, "GET", origins=[OWN], MaxAgeSeconds=3000, AllowedHeaders=names)
        case.answers("get-bucket-cors-casing", s3.get_bucket_cors, Bucket=bucket)
        case.is_as("opt-get-non-allowed", shown(preflight(url, "GET", wanted="x-amz-request-payer")))
        case.is_as("opt-get-allowed", shown(preflight(url, "GET", wanted=of_owner)))
        case.is_as("opt-get-allowed-diff-casing", shown(preflight(url, "GET", wanted=f"{of_owner}, x-amz-SERVER-side-encryption")))
        case.is_as("opt-get-allowed-no-space", shown(preflight(url, "GET", wanted=f"{of_owner},x-amz-server-side-encryption")))
        case.is_as("get-non-allowed-with-acl", shown(ask("GET", url, Access_Control_Request_Headers="x-amz-request-payer")))
        case.is_as("get-non-allowed", shown(ask("GET", url, x_amz_request_payer="requester")))


def test_rules_are_checked(s3: Any, bucket: str) -> None:
    with Recorded("s3", "TestS3Cors::test_put_cors_invalid_rules") as case:
        wrong = {"CORSRules": [{"AllowedOrigins": ["*"], "AllowedMethods": ["GET", "MYMETHOD"]}]}
        case.answers("put-cors-exc", s3.put_bucket_cors, Bucket=bucket, CORSConfiguration=wrong)
        case.answers("put-cors-exc-empty", s3.put_bucket_cors, Bucket=bucket, CORSConfiguration={"CORSRules": []})


def test_rules_come_and_go(s3: Any, bucket: str) -> None:
    with Recorded("s3", "TestS3Cors::test_delete_cors") as case:
        case.answers("delete-cors-before-set", s3.delete_bucket_cors, Bucket=bucket)
        rules = {"CORSRules": [{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}]}
        case.answers("put-cors", s3.put_bucket_cors, Bucket=bucket, CORSConfiguration=rules)
        case.answers("get-cors", s3.get_bucket_cors, Bucket=bucket)
        case.answers("delete-cors", s3.delete_bucket_cors, Bucket=bucket)
        case.answers("get-cors-deleted", s3.get_bucket_cors, Bucket=bucket)


WILD = {
    "an origin": {"AllowedOrigins": ["http://*.a.*"]},
    "a header": {"AllowedHeaders": ["x-*-*"]},
    "a header that is shown": {"ExposeHeaders": ["x-amz-*"]},
}


@pytest.mark.parametrize("member", WILD.values(), ids=WILD)
def test_wildcards_have_their_limits(s3: Any, bucket: str, refused: Any, member: dict[str, Any]) -> None:
    rule = {"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]} | member
    with refused("InvalidRequest"):
        s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})


def test_rules_for_everybody_name_nobody(s3: Any, url: str, bucket: str) -> None:
    allow(s3, bucket, "GET", origins=["*"], ExposeHeaders=["ETag", "x-amz-meta-a"])
    headers = shown(ask("GET", url))["Headers"]
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Access-Control-Expose-Headers"] == "ETag, x-amz-meta-a"
    assert "Access-Control-Allow-Credentials" not in headers


def test_refusals_carry_the_headers_too(s3: Any, url: str, bucket: str) -> None:
    allow(s3, bucket, "GET", origins=[OWN])
    answer = ask("GET", f"{url}-not-there")
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (403, OWN)


def test_preflights_that_lack_something(s3: Any, url: str, aws: Any, bucket: str) -> None:
    """Codes, sentences and their order: as LocalStack's public suite has recorded them of AWS (test_cors_http_options_no_config and
    test_cors_http_options_non_existent_bucket); the last one as S3's users quote it.
    """

    def error(answer: requests.Response) -> tuple[Any, ...]:
        found = shown(answer)["Body"]["Error"]
        return answer.status_code, found["Code"], found["Message"], found.get("Method"), found.get("ResourceType")

    nothing = (400, "BadRequest", "Insufficient information. Origin request header needed.", None, None)
    assert error(ask("OPTIONS", url, None)) == nothing
    disabled = (403, "AccessForbidden", "CORSResponse: CORS is not enabled for this bucket.")
    assert error(preflight(url, "PUT")) == (*disabled, "PUT", "BUCKET")
    assert error(ask("OPTIONS", url)) == (*disabled, "OPTIONS", "BUCKET")
    absent = ask("OPTIONS", f"{aws.endpoint_url}/never-there-at-all/k")
    assert error(absent) == (403, "AccessForbidden", "CORSResponse: Bucket not found", "OPTIONS", "BUCKET")
    allow(s3, bucket, "GET", origins=["*"])
    assert error(ask("OPTIONS", url))[:3] == (400, "BadRequest", "Invalid Access-Control-Request-Method: null")


SUFFIXES = {"foo.suffix": "GET", "startend": "GET", "start12end": "GET", "prefix": "GET", "prefix.suffix": "GET", "foo.put": "PUT"}
STRANGE = ("foo.bar", "foo.suffix.get", "0start12end", "bla.prefix")


def test_origins_that_are_patterns(s3: Any, url: str, bucket: str) -> None:
    """Truth: ceph's s3-tests, test_cors_origin_response."""
    patterns = {"*suffix": "GET", "start*end": "GET", "prefix*": "GET", "*.put": "PUT"}
    rules = [{"AllowedOrigins": [origin], "AllowedMethods": [method]} for origin, method in patterns.items()]
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})
    for origin, method in SUFFIXES.items():
        told = {"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Methods": method}
        assert told.items() <= shown(preflight(url, method, origin))["Headers"].items()
        if method == "GET":
            assert told.items() <= shown(ask("GET", url, origin))["Headers"].items()
            assert told.items() <= shown(ask("PUT", url, origin, Access_Control_Request_Method="GET"))["Headers"].items()
            assert shown(ask("PUT", url, origin, Access_Control_Request_Method="DELETE"))["Headers"] == {}
    for origin in STRANGE:
        assert shown(ask("GET", url, origin))["Headers"] == {}
        assert preflight(url, "GET", origin).status_code == 403


def test_without_rules_nothing_is_said(url: str) -> None:
    """Recorded as a status alone: TestS3Cors::test_cors_http_get_no_config."""
    answer = ask("GET", url)
    assert (answer.status_code, shown(answer)["Headers"]) == (200, {})


# -- what other sites' pages may not -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("origin", [FOREIGN, "null", "https://evil.s3.amazonaws.com"])
def test_a_page_that_no_rule_lets_in(s3: Any, url: str, bucket: str, method: str, origin: str) -> None:
    assert ask(method, url, origin, Access_Control_Request_Method="GET").status_code == 403
    allow(s3, bucket, "GET", "PUT", "POST", "HEAD", "DELETE", origins=["https://another.example", OWN])
    answer = ask(method, url, origin, Access_Control_Request_Method="GET")
    assert (answer.status_code, shown(answer)["Headers"]) == (403, {})
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"test-cors"


def test_a_page_is_let_in_for_its_methods_alone(s3: Any, url: str, bucket: str) -> None:
    allow(s3, bucket, "GET", origins=[FOREIGN])
    assert ask("GET", url, FOREIGN, Sec_Fetch_Site="cross-site").text == "test-cors"
    assert ask("DELETE", url, FOREIGN).status_code == 403
    assert ask("DELETE", url, FOREIGN, Access_Control_Request_Method="GET").status_code == 403
    assert ask("PUT", url, FOREIGN, Access_Control_Request_Method="GET").status_code == 403
    assert ask("GET", url, None, Sec_Fetch_Site="cross-site").status_code == 403
    assert s3.head_object(Bucket=bucket, Key="k")["ContentLength"] == 9


def test_one_buckets_rules_open_no_other(s3: Any, url: str, aws: Any, bucket: str) -> None:
    s3.create_bucket(Bucket=(other := f"{bucket}-2"))
    s3.put_bucket_cors(Bucket=other, CORSConfiguration={"CORSRules": [{"AllowedOrigins": ["*"], "AllowedMethods": ["GET", "PUT"]}]})
    for host in (f"{other}.s3.localhost", f"{other}.s3.us-east-1.amazonaws.com", f"{other}.s3-website.localhost"):
        assert ask("GET", url, FOREIGN).status_code == 403
        answer = ask("GET", url, FOREIGN, Host=host)  # there, the path is a key of the other bucket
        assert "test-cors" not in answer.text
    assert ask("GET", url.replace(f"/{bucket}/", f"/{other}/../{bucket}/"), FOREIGN).status_code in {403, 404}
    assert ask("GET", f"{aws.endpoint_url}/", FOREIGN).status_code == 403  # no bucket at all


def test_an_open_bucket_is_not_open_to_whoever_calls_himself_test(s3: Any, aws: Any, bucket: str) -> None:
    """On AWS `*` is harmless, because a page has no keys. Here any page could sign as `test`; only keys that were issued count for it."""
    allow(s3, bucket, "GET", "PUT", "POST", "DELETE", origins=["*"])
    s3.put_object(Bucket=bucket, Key="secret", Body="s3cret")
    stolen = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "secret"})
    answer = ask("GET", stolen, FOREIGN)
    assert (answer.status_code, "s3cret" in answer.text) == (403, False)
    assert ask("GET", stolen).text == "s3cret"  # a page of this machine
    made = s3.generate_presigned_post(bucket, "planted")
    planted = requests.post(made["url"], data=made["fields"], files={"file": "x"}, headers={"Origin": FOREIGN}, timeout=10)
    assert planted.status_code == 403
    deletion = s3.generate_presigned_url("delete_object", {"Bucket": bucket, "Key": "secret"})
    assert ask("DELETE", deletion, FOREIGN).status_code == 403
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["secret"]


def test_a_page_with_a_url_that_its_site_signed(s3: Any, aws: Any, bucket: str) -> None:
    """What CORS is for: a web application hands its page a presigned URL, or a form."""
    allow(s3, bucket, "PUT", "POST", origins=[FOREIGN], AllowedHeaders=["*"])
    own = aws.user({"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}).client("s3")
    answer = ask("PUT", own.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "up"}), FOREIGN)
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, FOREIGN)
    made = own.generate_presigned_post(bucket, "form")
    sent = requests.post(made["url"], data=made["fields"], files={"file": "x"}, headers={"Origin": FOREIGN}, timeout=10)
    assert (sent.status_code, sent.headers["Access-Control-Allow-Origin"]) == (204, FOREIGN)


@pytest.mark.parametrize("target", ["DynamoDB_20120810.ListTables", "secretsmanager.ListSecrets"])
def test_no_rule_of_a_bucket_opens_another_service(s3: Any, url: str, bucket: str, target: str) -> None:
    allow(s3, bucket, "POST", "GET", origins=["*"])
    assert ask("POST", url, FOREIGN, X_Amz_Target=target).status_code == 403
    form = {"Origin": FOREIGN, "Content-Type": "application/x-www-form-urlencoded"}
    said = "Action=ListUsers&Version=2010-05-08"
    assert requests.post(url.rpartition("/")[0], data=said, headers=form, timeout=10).status_code == 403
