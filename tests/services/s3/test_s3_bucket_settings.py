"""Settings of buckets that are kept, and how far they are obeyed. Truth: recorded answers of AWS (each such test names its case)."""

from typing import Any

import pytest

from recorded import Recorded

pytestmark = pytest.mark.http  # statuses are compared


def test_who_pays(s3: Any, bucket: str, stranger: Any, refused: Any) -> None:
    with Recorded("s3", "TestS3::test_s3_request_payer") as case:
        paying = {"Payer": "Requester"}
        case.answers("put-bucket-request-payment", s3.put_bucket_request_payment, Bucket=bucket, RequestPaymentConfiguration=paying)
        case.answers("get-bucket-request-payment", s3.get_bucket_request_payment, Bucket=bucket)
    with Recorded("s3", "TestS3::test_s3_request_payer_exceptions") as case:
        nobody = {"Payer": "Random"}
        case.answers("wrong-payer-type", s3.put_bucket_request_payment, Bucket=bucket, RequestPaymentConfiguration=nobody)
        case.answers("wrong-bucket-name", s3.put_bucket_request_payment, Bucket=f"{bucket}-no", RequestPaymentConfiguration=paying)


def test_a_stranger_pays_where_he_must(s3: Any, bucket: str, stranger: Any, refused: Any) -> None:
    """Source: "Downloading objects from Requester Pays general purpose buckets" of the user guide."""
    s3.delete_public_access_block(Bucket=bucket)
    policy = f'{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::{bucket}/*"}}]}}'  # noqa: E501
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert stranger.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    s3.put_bucket_request_payment(Bucket=bucket, RequestPaymentConfiguration={"Payer": "Requester"})
    with refused("AccessDenied"):
        stranger.get_object(Bucket=bucket, Key="k")
    assert stranger.get_object(Bucket=bucket, Key="k", RequestPayer="requester")["Body"].read() == b"x"
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"


def test_acceleration(s3: Any, bucket: str, refused: Any) -> None:
    """Source: the API reference of PutBucketAccelerateConfiguration."""
    assert "Status" not in s3.get_bucket_accelerate_configuration(Bucket=bucket)
    for status in ("Enabled", "Suspended"):
        s3.put_bucket_accelerate_configuration(Bucket=bucket, AccelerateConfiguration={"Status": status})
        assert s3.get_bucket_accelerate_configuration(Bucket=bucket)["Status"] == status
    with refused("MalformedXML"):
        s3.put_bucket_accelerate_configuration(Bucket=bucket, AccelerateConfiguration={"Status": "Slow"})
    s3.create_bucket(Bucket=(dotted := f"{bucket}.dots"))
    with refused("InvalidRequest", "buckets with periods"):
        s3.put_bucket_accelerate_configuration(Bucket=dotted, AccelerateConfiguration={"Status": "Enabled"})


def test_logs_that_cannot_be(s3: Any, bucket: str) -> None:
    far = f"{bucket}-far"
    s3.create_bucket(Bucket=far, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    with Recorded("s3", "TestS3BucketLogging::test_put_bucket_logging_wrong_target") as case:
        for label, target in (("different-regions", far), ("non-existent-bucket", f"{bucket}-no")):
            status = {"LoggingEnabled": {"TargetBucket": target, "TargetPrefix": "log"}}
            case.answers(f"put-bucket-logging-{label}", s3.put_bucket_logging, Bucket=bucket, BucketLoggingStatus=status)
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={})
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)


# -- configurations by id --------------------------------------------------------------------------------------------------


def analytics(name: str, prefix: str, bucket: str) -> dict[str, Any]:
    destination = {"S3BucketDestination": {"Format": "CSV", "Bucket": f"arn:aws:s3:::{bucket}", "Prefix": "test"}}
    export = {"OutputSchemaVersion": "V_1", "Destination": destination}
    return {"Id": name, "Filter": {"Prefix": prefix}, "StorageClassAnalysis": {"DataExport": export}}


def test_analytics(s3: Any, bucket: str) -> None:
    one, two = "config_with_storage_analysis_1", "config_with_storage_analysis_2"
    with Recorded("s3", "TestS3::test_s3_analytics_configurations") as case:

        def put(label: str, name: str, said: dict[str, Any]) -> None:
            call = s3.put_bucket_analytics_configuration
            if label:
                case.answers(label, call, Bucket=bucket, Id=name, AnalyticsConfiguration=said)
            else:
                call(Bucket=bucket, Id=name, AnalyticsConfiguration=said)

        put("put_config_with_storage_analysis_err", "different-id", analytics(one, "test_ls", bucket))
        case.answers("get_config_with_storage_analysis_err", s3.get_bucket_analytics_configuration, Bucket=bucket, Id="non-existing")
        case.answers("delete_config_with_storage_analysis_err", s3.delete_bucket_analytics_configuration, Bucket=bucket, Id="non-existing")
        put("put_config_with_storage_analysis_1", one, analytics(one, "test_ls", bucket))
        case.answers("get_config_with_storage_analysis_1", s3.get_bucket_analytics_configuration, Bucket=bucket, Id=one)
        put("", one, analytics(one, "test_ls_2", bucket))
        case.answers("get_config_with_storage_analysis_2", s3.get_bucket_analytics_configuration, Bucket=bucket, Id=one)
        put("", two, analytics(two, "test_ls_3", bucket))
        case.answers("get_config_with_storage_analysis_3", s3.get_bucket_analytics_configuration, Bucket=bucket, Id=two)
        case.answers("list_config_with_storage_analysis_1", s3.list_bucket_analytics_configurations, Bucket=bucket)
        s3.delete_bucket_analytics_configuration(Bucket=bucket, Id=two)
        case.answers("list_config_with_storage_analysis_2", s3.list_bucket_analytics_configurations, Bucket=bucket)


def inventory(name: str, bucket: str, **more: Any) -> dict[str, Any]:
    destination = {"S3BucketDestination": {"Bucket": f"arn:aws:s3:::{bucket}", "Format": "CSV"}}
    schedule = {"Frequency": "Daily"}
    return {"Id": name, "Destination": destination, "IsEnabled": True, "IncludedObjectVersions": "All", "Schedule": schedule} | more


def test_inventory(s3: Any, bucket: str) -> None:
    said = inventory("test-inventory", bucket, OptionalFields=["Size", "ETag"])
    at = {"Bucket": bucket, "Id": "test-inventory"}
    with Recorded("s3", "TestS3::test_s3_inventory_report_crud") as case:
        case.answers("put-inventory-config", s3.put_bucket_inventory_configuration, InventoryConfiguration=said, **at)
        case.answers("list-inventory-config", s3.list_bucket_inventory_configurations, Bucket=bucket)
        case.answers("get-inventory-config", s3.get_bucket_inventory_configuration, **at)
        case.answers("del-inventory-config", s3.delete_bucket_inventory_configuration, **at)
        case.answers("list-inventory-config-after-del", s3.list_bucket_inventory_configurations, Bucket=bucket)
        case.answers("get-nonexistent-inv-config", s3.get_bucket_inventory_configuration, **at)


def test_inventories_are_listed_by_name(s3: Any, bucket: str) -> None:
    with Recorded("s3", "TestS3::test_put_bucket_inventory_config_order") as case:
        for name in ("z-test", "a-test", "test-1"):
            s3.put_bucket_inventory_configuration(Bucket=bucket, Id=name, InventoryConfiguration=inventory(name, bucket))
        case.answers("list-inventory-config", s3.list_bucket_inventory_configurations, Bucket=bucket)
        case.answers("del-inventory-config", s3.delete_bucket_inventory_configuration, Bucket=bucket, Id="z-test")
        case.answers("list-inventory-config-after-del", s3.list_bucket_inventory_configurations, Bucket=bucket)


WRONG_INVENTORIES: dict[str, tuple[str, dict[str, Any]]] = {
    "another id": ("MalformedXML", {"Id": "another"}),
    "an unknown frequency": ("MalformedXML", {"Schedule": {"Frequency": "Hourly"}}),
    "unknown versions": ("MalformedXML", {"IncludedObjectVersions": "Some"}),
    "an unknown field": ("MalformedXML", {"OptionalFields": ["Weight"]}),
    "an unknown format": ("MalformedXML", {"Destination": {"S3BucketDestination": {"Bucket": "arn:aws:s3:::bucket", "Format": "XLS"}}}),
    "no ARN": ("InvalidS3DestinationBucket", {"Destination": {"S3BucketDestination": {"Bucket": "bucket", "Format": "CSV"}}}),
}


@pytest.mark.parametrize(("code", "members"), WRONG_INVENTORIES.values(), ids=WRONG_INVENTORIES)
def test_what_is_no_inventory(s3: Any, bucket: str, refused: Any, code: str, members: dict[str, Any]) -> None:
    with refused(code):
        s3.put_bucket_inventory_configuration(Bucket=bucket, Id="i", InventoryConfiguration=inventory("i", bucket) | members)


def test_metrics(s3: Any, bucket: str) -> None:
    def put(name: str, prefix: str) -> None:
        said = {"Id": name, "Filter": {"Prefix": prefix}}
        s3.put_bucket_metrics_configuration(Bucket=bucket, Id=name, MetricsConfiguration=said)

    suite = "TestS3MetricsConfiguration::test_"
    with Recorded("s3", f"{suite}get_bucket_metrics_configuration_not_exist") as case:
        case.answers("get_bucket_metrics_configuration", s3.get_bucket_metrics_configuration, Bucket=bucket, Id="one")
    with Recorded("s3", f"{suite}get_bucket_metrics_configuration") as case:
        put("one", "logs/")
        case.answers("get_bucket_metrics_configuration", s3.get_bucket_metrics_configuration, Bucket=bucket, Id="one")
    with Recorded("s3", f"{suite}list_bucket_metrics_configurations") as case:
        put("one", "logs/prefix")
        put("two", "logs/prefix")
        case.answers("list_bucket_metrics_configurations", s3.list_bucket_metrics_configurations, Bucket=bucket)
    with Recorded("s3", f"{suite}delete_metrics_configuration") as case:
        case.answers("delete_bucket_metrics_configuration", s3.delete_bucket_metrics_configuration, Bucket=bucket, Id="one")
        case.answers("get_bucket_metrics_configuration", s3.get_bucket_metrics_configuration, Bucket=bucket, Id="one")


def test_tiering(s3: Any, bucket: str, refused: Any) -> None:
    """Source: the API reference."""
    said = {"Id": "cold", "Status": "Enabled", "Tierings": [{"Days": 90, "AccessTier": "ARCHIVE_ACCESS"}]}
    s3.put_bucket_intelligent_tiering_configuration(Bucket=bucket, Id="cold", IntelligentTieringConfiguration=said)
    found = s3.get_bucket_intelligent_tiering_configuration(Bucket=bucket, Id="cold")
    assert found["IntelligentTieringConfiguration"] == said
    assert s3.list_bucket_intelligent_tiering_configurations(Bucket=bucket)["IntelligentTieringConfigurationList"] == [said]
    with refused("MalformedXML"):
        wrong = said | {"Tierings": [{"Days": 90, "AccessTier": "FREEZER"}]}
        s3.put_bucket_intelligent_tiering_configuration(Bucket=bucket, Id="cold", IntelligentTieringConfiguration=wrong)
    s3.delete_bucket_intelligent_tiering_configuration(Bucket=bucket, Id="cold")
    with refused("NoSuchConfiguration"):
        s3.get_bucket_intelligent_tiering_configuration(Bucket=bucket, Id="cold")


def test_many_configurations_come_in_pages_and_go_with_their_bucket(s3: Any, bucket: str) -> None:
    for number in range(101):
        s3.put_bucket_metrics_configuration(Bucket=bucket, Id=f"{number:03}", MetricsConfiguration={"Id": f"{number:03}"})
    first = s3.list_bucket_metrics_configurations(Bucket=bucket)
    assert (len(first["MetricsConfigurationList"]), first["IsTruncated"]) == (100, True)
    rest = s3.list_bucket_metrics_configurations(Bucket=bucket, ContinuationToken=first["NextContinuationToken"])
    assert (rest["MetricsConfigurationList"], rest["IsTruncated"]) == ([{"Id": "100"}], False)
    s3.delete_bucket(Bucket=bucket)
    s3.create_bucket(Bucket=bucket)
    assert "MetricsConfigurationList" not in s3.list_bucket_metrics_configurations(Bucket=bucket)
