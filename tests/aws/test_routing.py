"""Where a request leads, told from nothing but the request.

Truth: the requests are what SDKs, curl and browsers send; the table of S3's sub-resources is botocore's model (test_every_operation
routes every operation of the shipped services as boto3 sends it; here stands what boto3 does not do by itself).
"""

import pytest

from headwater.aws.codec import encode_fault
from headwater.aws.faults import Fault, fault
from headwater.aws.index import index, made
from headwater.aws.routing import Route, route, unknown_operation
from headwater.aws.wire import Request

FORM = {"content-type": "application/x-www-form-urlencoded"}


def scoped(service: str, region: str = "eu-west-1") -> dict[str, str]:
    credential = f"Credential=AKID/20260101/{region}/{service}/aws4_request"
    return {"authorization": f"AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=0"}


def get(path: str, query: str = "", method: str = "GET", **headers: str) -> Request:
    return Request(method, path, query, {name.replace("_", "-"): value for name, value in headers.items()})


def post(body: str, **headers: str) -> Request:
    return Request("POST", "/", "", {name.replace("_", "-"): value for name, value in headers.items()}, body.encode())


KEY = {"Bucket": "b", "Key": "k"}
S3 = {
    "a bucket": (get("/b"), "ListObjects", {"Bucket": "b"}),
    "a bucket with a slash": (get("/b/"), "ListObjects", {"Bucket": "b"}),
    "the second listing": (get("/b", "list-type=2&prefix=a%2F"), "ListObjectsV2", {"Bucket": "b"}),
    "all buckets": (get("/"), "ListBuckets", {}),
    "a key": (get("/b/k"), "GetObject", KEY),
    "a key that ends with a slash": (get("/b/k/"), "GetObject", {"Bucket": "b", "Key": "k/"}),
    "a key that begins with a slash": (get("/b//k"), "GetObject", {"Bucket": "b", "Key": "/k"}),
    "a key with empty segments": (get("/b/a//b"), "GetObject", {"Bucket": "b", "Key": "a//b"}),
    "a key of dots": (get("/b/../.k"), "GetObject", {"Bucket": "b", "Key": "../.k"}),
    "a key in UTF-8": (get("/b/%C3%A9%2Fx+y%20z"), "GetObject", {"Bucket": "b", "Key": "é/x+y z"}),
    "a key named like a sub-resource": (get("/b/uploads"), "GetObject", {"Bucket": "b", "Key": "uploads"}),
    "a part": (get("/b/k", "partNumber=1&uploadId=u", "PUT"), "UploadPart", KEY),
    "a part that is copied": (get("/b/k", "partNumber=1&uploadId=u", "PUT", x_amz_copy_source="b/s"), "UploadPartCopy", KEY),
    "a copy": (get("/b/k", "", "PUT", x_amz_copy_source="b/s"), "CopyObject", KEY),
    "a put with botocore's own marker": (get("/b/k", "x-id=PutObject", "PUT"), "PutObject", KEY),
    "an upload begun": (get("/b/k", "uploads", "POST"), "CreateMultipartUpload", KEY),
    "an upload ended": (get("/b/k", "uploadId=u", "POST"), "CompleteMultipartUpload", KEY),
    "an upload aborted": (get("/b/k", "uploadId=u", "DELETE"), "AbortMultipartUpload", KEY),
    "the parts of an upload": (get("/b/k", "uploadId=u"), "ListParts", KEY),
    "uploads of a bucket": (get("/b", "uploads"), "ListMultipartUploads", {"Bucket": "b"}),
    "many deleted": (get("/b", "delete", "POST"), "DeleteObjects", {"Bucket": "b"}),
    "many deleted, as others write it": (get("/b", "delete=", "POST"), "DeleteObjects", {"Bucket": "b"}),
    "one of many configurations": (get("/b", "analytics&id=1"), "GetBucketAnalyticsConfiguration", {"Bucket": "b"}),
    "many configurations": (get("/b", "analytics"), "ListBucketAnalyticsConfigurations", {"Bucket": "b"}),
    "notifications in their present form": (get("/b", "notification"), "GetBucketNotificationConfiguration", {"Bucket": "b"}),
    "a life cycle in its present form": (get("/b", "lifecycle", "PUT"), "PutBucketLifecycleConfiguration", {"Bucket": "b"}),
    "a version": (get("/b/k", "versionId=1", "HEAD"), "HeadObject", KEY),
    "a selection": (get("/b/k", "select&select-type=2", "POST"), "SelectObjectContent", KEY),
    "a bucket in the host": (get("/k", host="b.s3.eu-west-1.amazonaws.com"), "GetObject", KEY),
    "a bucket in the host, listed": (get("/", "list-type=2", host="b.s3.localhost:4566"), "ListObjectsV2", {"Bucket": "b"}),
    "a bucket with dots in the host": (get("/k", host="my.b.s3.amazonaws.com"), "GetObject", {"Bucket": "my.b", "Key": "k"}),
    "a bucket of localhost": (get("/k", host="b.localhost:4566"), "GetObject", KEY),
    "a bucket named like a service": (get("/k", host="sqs.localhost", **scoped("s3")), "GetObject", {"Bucket": "sqs", "Key": "k"}),
    "a path under S3's own host": (get("/b/k", host="s3.us-west-2.amazonaws.com"), "GetObject", KEY),
    "a path under a dashed host": (get("/b/k", host="s3-us-west-2.amazonaws.com"), "GetObject", KEY),
    "a path under a loopback address": (get("/b/k", host="127.3.2.1:4566"), "GetObject", KEY),
    "a path under IPv6": (get("/b/k", host="[::1]:4566"), "GetObject", KEY),
    "a path under any other name": (get("/b/k", host="headwater:4566"), "GetObject", KEY),
}


@pytest.mark.parametrize(("request_", "operation", "labels"), S3.values(), ids=S3)
def test_s3_understands(request_: Request, operation: str, labels: dict[str, str]) -> None:
    found = route(request_)
    assert (found.service, found.operation, found.uri_labels) == ("s3", operation, labels)


def target(name: str, **headers: str) -> Request:
    return post("{}", x_amz_target=name, **headers)


FUNCTION = {"FunctionName": "f"}
RPC: dict[str, tuple[Request, Route]] = {
    "a target": (
        target("Firehose_20150804.PutRecord", **scoped("firehose")),
        Route("firehose", "PutRecord", "json", {}, "eu-west-1"),
    ),
    "a target without a signature": (target("AWSGlue.GetTable"), Route("glue", "GetTable", "json", {}, None)),
    "a target of two services": (target("Timestream_20181101.Query"), Route("timestream-query", "Query", "json", {}, None)),
    "a target of nothing": (target("Firehose_20150804.Nonsense"), Route("firehose", None, "json", {}, None)),
    "a target of nobody": (target("Nobody.Nothing", **scoped("firehose")), Route("firehose", None, "json", {}, "eu-west-1")),
    "a form": (
        post("Action=DescribeDBInstances&Version=2014-10-31", **FORM, **scoped("rds")),
        Route("rds", "DescribeDBInstances", "query", {}, "eu-west-1"),
    ),
    "a form whose action stands last": (
        post(f"Version=2010-05-08&PolicyDocument={'x' * 9000}&Action=CreateRole", **FORM, **scoped("iam")),
        Route("iam", "CreateRole", "query", {}, "eu-west-1"),
    ),
    "an action in the query string": (
        Request("GET", "/", "Action=GetCallerIdentity&Version=2011-06-15", scoped("sts")),
        Route("sts", "GetCallerIdentity", "query", {}, "eu-west-1"),
    ),
    "a form of a version": (
        post("Action=DescribeLoadBalancers&Version=2015-12-01", **FORM, **scoped("elasticloadbalancing")),
        Route("elbv2", "DescribeLoadBalancers", "query", {}, "eu-west-1"),
    ),
    "a form without a signature": (
        post("Action=AssumeRoleWithWebIdentity&Version=2011-06-15", **FORM),
        Route("sts", "AssumeRoleWithWebIdentity", "query", {}, None),
    ),
    "a form of no action": (post("Version=2014-10-31", **FORM, **scoped("rds")), Route("rds", None, "query", {}, "eu-west-1")),
    "a form of another action": (post("Action=Nonsense", **FORM, **scoped("rds")), Route("rds", None, "query", {}, "eu-west-1")),
    "EC2's form": (
        post("Action=DescribeVpcs&Version=2016-11-15", **FORM, **scoped("ec2")),
        Route("ec2", "DescribeVpcs", "ec2", {}, "eu-west-1"),
    ),
    "CBOR": (
        Request(
            "POST",
            "/service/GraniteServiceVersion20100801/operation/PutMetricData",
            "",
            {"smithy-protocol": "rpc-v2-cbor", **scoped("monitoring")},
        ),
        Route("cloudwatch", "PutMetricData", "smithy-rpc-v2-cbor", {}, "eu-west-1"),
    ),
    "the same service in a form": (
        post("Action=PutMetricData&Version=2010-08-01", **FORM, **scoped("monitoring")),
        Route("cloudwatch", "PutMetricData", "query", {}, "eu-west-1"),
    ),
    "the same service as JSON": (
        target("GraniteServiceVersion20100801.PutMetricData", **scoped("monitoring")),
        Route("cloudwatch", "PutMetricData", "json", {}, "eu-west-1"),
    ),
    "a dated path": (
        Request("POST", "/2015-03-31/functions/f/invocations", "", scoped("lambda")),
        Route("lambda", "Invoke", "rest-json", FUNCTION, "eu-west-1"),
    ),
    "a dated path with a slash, as older SDKs have it": (
        Request("GET", "/2015-03-31/functions/", "", scoped("lambda")),
        Route("lambda", "ListFunctions", "rest-json", {}, "eu-west-1"),
    ),
    "a label that is an ARN": (
        Request("GET", "/2017-03-31/tags/arn%3Aaws%3Alambda%3Aeu-west-1%3A1%3Afunction%3Af", "", scoped("lambda")),
        Route("lambda", "ListTags", "rest-json", {"Resource": "arn:aws:lambda:eu-west-1:1:function:f"}, "eu-west-1"),
    ),
    "a required query member that is missing": (
        Request("DELETE", "/2017-03-31/tags/arn", "", scoped("lambda")),
        Route("lambda", "UntagResource", "rest-json", {"Resource": "arn"}, "eu-west-1"),
    ),
    "a path of nothing": (Request("GET", "/nonsense", "", scoped("lambda")), Route("lambda", None, "rest-json", {}, "eu-west-1")),
    "a scope in the query": (
        get("/", "Action=GetCallerIdentity&X-Amz-Credential=AKID%2F20260101%2Fus-east-2%2Fsts%2Faws4_request"),
        Route("sts", "GetCallerIdentity", "query", {}, "us-east-2"),
    ),
    "a service's host": (
        post("Action=ListUsers&Version=2010-05-08", host="iam.amazonaws.com", **FORM),
        Route("iam", "ListUsers", "query", {}, None),
    ),
    "a function's own host": (
        get("/any/path", host="abc123.lambda-url.eu-west-1.on.aws"),
        Route("lambda-url", None, "http", {"Id": "abc123"}, "eu-west-1"),
    ),
    "a function's own host, whatever else is said": (
        get("/", host="abc123.lambda-url.eu-west-1.on.aws", x_amz_target="Kinesis_20131202.PutRecord"),
        Route("lambda-url", None, "http", {"Id": "abc123"}, "eu-west-1"),
    ),
    "a function's place on Headwater's own host": (
        get("/_lambda-url/eu-west-1/abc123/any/path"),
        Route("lambda-url", None, "http", {"Id": "abc123", "Prefix": "/_lambda-url/eu-west-1/abc123"}, "eu-west-1"),
    ),
    "an object whose key looks like such a place": (
        get("/_lambda-url/eu-west-1/abc123", host="bucket.s3.amazonaws.com"),
        Route("s3", "GetObject", "rest-xml", {"Bucket": "bucket", "Key": "_lambda-url/eu-west-1/abc123"}, None),
    ),
    "an API's own host": (
        get("/stage", host="api1.execute-api.localhost:4566"),
        Route("execute-api", None, "http", {"Id": "api1"}, None),
    ),
    "a website": (
        get("/page.html", host="www.example.com.s3-website-eu-west-1.amazonaws.com"),
        Route("s3-website", None, "http", {"Bucket": "www.example.com"}, "eu-west-1"),
    ),
    "a website of a newer region": (
        get("/", host="b.s3-website.eu-central-1.amazonaws.com"),
        Route("s3-website", None, "http", {"Bucket": "b"}, "eu-central-1"),
    ),
    "a website here": (
        get("/", host="b.s3-website.localhost:4566"),
        Route("s3-website", None, "http", {"Bucket": "b"}, None),
    ),
    "a form to a bucket": (
        Request("POST", "/b", "", {"host": "localhost:4566"}),
        Route("s3", None, "rest-xml", {"Bucket": "b"}, None),
    ),
    "a preflight at a bucket's own host": (
        Request("OPTIONS", "/a/b%20c", "", {"host": "b.s3.localhost:4566"}),
        Route("s3", None, "rest-xml", {"Bucket": "b", "Key": "a/b c"}, None),
    ),
    "S3's control plane": (
        Request("GET", "/v20180820/jobs", "", {"x-amz-account-id": "000000000000", **scoped("s3")}),
        Route("s3control", "ListJobs", "rest-xml", {}, "eu-west-1"),
    ),
}


@pytest.mark.parametrize(("request_", "expected"), RPC.values(), ids=RPC)
def test_a_request_is_routed_by(request_: Request, expected: Route) -> None:
    assert route(request_) == expected


UNKNOWN = {
    "JSON": (RPC["a target of nothing"][0], "UnknownOperationException"),
    "a form": (RPC["a form of another action"][0], "InvalidAction"),
    "a form of no action": (RPC["a form of no action"][0], "MissingAction"),
    "a path": (RPC["a path of nothing"][0], "UnknownOperationException"),
    "S3": (get("/b", method="POST"), "MethodNotAllowed"),
    "S3 without what the operation needs": (get("/b/k", method="POST"), "MethodNotAllowed"),
}


@pytest.mark.parametrize(("request_", "code"), UNKNOWN.values(), ids=UNKNOWN)
def test_an_unknown_operation_is_refused_as(request_: Request, code: str) -> None:
    found = route(request_)
    assert found.operation is None
    refused = unknown_operation(request_, found)
    assert isinstance(refused, Fault)
    assert refused.code == code


def test_the_index_is_that_of_the_installed_botocore() -> None:
    """Services that a newer botocore adds may be missing until the next release; nothing that the index says may be wrong."""
    now, shipped = made(), index()
    for name, listed in shipped.services.items():
        assert now.services[name] == listed, name
    for table, current in ((shipped.signing, now.signing), (shipped.targets, now.targets), (shipped.endpoints, now.endpoints)):
        for key, names in table.items():
            assert set(names) <= set(current[key]), key


def test_of_services_that_share_a_name_the_plain_one_comes_first() -> None:
    assert index().signing["rds"][0] == "rds"
    assert index().signing["s3"][0] == "s3"
    assert index().signing["lambda"][0] == "lambda"
    assert index().signing["iam"][0] == "iam"


@pytest.mark.parametrize(("service", "protocol"), [("", "json"), ("", "query"), ("lambda-url", "http"), ("execute-api", "http")])
def test_a_fault_can_be_said_even_where_no_service_was_found(service: str, protocol: str) -> None:
    response = encode_fault(service, protocol, fault("UnknownOperationException", "nobody is here"), "id")
    assert response.status == 400
    assert isinstance(response.body, bytes)
    assert b"nobody is here" in response.body
