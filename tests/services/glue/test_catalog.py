"""The Data Catalog over the wire with boto3. Truth: the AWS Glue API reference; sentences of errors as users meet them."""

from typing import Any

import pytest
from botocore.config import Config


@pytest.fixture
def glue(aws: Any) -> Any:
    client = aws.client("glue", config=Config(parameter_validation=False))
    client.create_database(DatabaseInput={"Name": "Shop", "Description": "orders", "Parameters": {"a": "1"}})
    return client


def table(name: str = "Sales", **members: Any) -> dict[str, Any]:
    storage = {
        "Columns": [{"Name": "itemid", "Type": "int"}, {"Name": "price", "Type": "double", "Comment": "dollars"}],
        "Location": "s3://lake/CDC/",
        "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
        "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
        "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe", "Parameters": {"field.delim": ","}},
    }
    keys = [{"Name": "year", "Type": "int"}, {"Name": "country", "Type": "string"}]
    return {"Name": name, "TableType": "EXTERNAL_TABLE", "StorageDescriptor": storage, "PartitionKeys": keys} | members


def partition(*values: str) -> dict[str, Any]:
    return {"Values": list(values), "StorageDescriptor": {"Columns": [], "Location": f"s3://lake/{'/'.join(values)}/"}}


def test_a_database_is_kept_under_a_lower_case_name(glue: Any, aws: Any, refused: Any) -> None:
    got = glue.get_database(Name="SHOP")["Database"]
    assert (got["Name"], got["Description"], got["Parameters"], got["CatalogId"]) == ("shop", "orders", {"a": "1"}, aws.account)
    with refused("AlreadyExistsException", "Database already exists."):
        glue.create_database(DatabaseInput={"Name": "shop"})
    glue.update_database(Name="shop", DatabaseInput={"Name": "shop", "Description": "more"})
    assert glue.get_database(Name="shop")["Database"]["Description"] == "more"
    with refused("EntityNotFoundException", "Database nowhere not found."):
        glue.get_database(Name="nowhere")
    with refused("AccessDeniedException", "999999999999:catalog because no resource-based policy allows the glue:GetDatabase action"):
        glue.get_database(Name="shop", CatalogId="999999999999")


def test_databases_come_in_pages(glue: Any) -> None:
    for name in ("a", "b", "c"):
        glue.create_database(DatabaseInput={"Name": name})
    pages = list(glue.get_paginator("get_databases").paginate(PaginationConfig={"PageSize": 3}))
    assert [[database["Name"] for database in page["DatabaseList"]] for page in pages] == [["a", "b", "c"], ["shop"]]


def test_a_table_is_described_as_it_was_defined(glue: Any, aws: Any, refused: Any) -> None:
    glue.create_table(DatabaseName="shop", TableInput=table())
    got = glue.get_table(DatabaseName="Shop", Name="SALES")["Table"]
    assert (got["Name"], got["DatabaseName"], got["CatalogId"], got["VersionId"]) == ("sales", "shop", aws.account, "0")
    assert got["StorageDescriptor"]["Columns"][1] == {"Name": "price", "Type": "double", "Comment": "dollars"}
    assert got["StorageDescriptor"]["SerdeInfo"]["Parameters"] == {"field.delim": ","}
    assert [key["Name"] for key in got["PartitionKeys"]] == ["year", "country"]
    assert got["CreatedBy"] == f"arn:aws:iam::{aws.account}:root"
    assert {"CreateTime", "UpdateTime"} <= got.keys()
    with refused("AlreadyExistsException", "Table already exists."):
        glue.create_table(DatabaseName="shop", TableInput=table("sales"))
    with refused("EntityNotFoundException", "Entity Not Found"):
        glue.get_table(DatabaseName="shop", Name="nowhere")
    with refused("EntityNotFoundException", "Database nowhere not found."):
        glue.get_table(DatabaseName="nowhere", Name="sales")


def test_tables_are_found_by_pattern_and_come_in_pages(glue: Any, refused: Any) -> None:
    for name in ("sales_2015", "sales_2016", "returns"):
        glue.create_table(DatabaseName="shop", TableInput=table(name))
    found = glue.get_tables(DatabaseName="shop", Expression="sales.*")["TableList"]
    assert [one["Name"] for one in found] == ["sales_2015", "sales_2016"]
    first = glue.get_tables(DatabaseName="shop", MaxResults=2)
    rest = glue.get_tables(DatabaseName="shop", NextToken=first["NextToken"])
    assert [one["Name"] for one in rest["TableList"]] == ["sales_2016"]
    with refused("InvalidInputException"):
        glue.get_tables(DatabaseName="shop", NextToken="nonsense")


def test_an_update_is_a_new_version_and_the_old_ones_stay(glue: Any, refused: Any) -> None:
    glue.create_table(DatabaseName="shop", TableInput=table(Description="0"))
    for number in (1, 2, 3):
        glue.update_table(DatabaseName="shop", TableInput=table(Description=str(number)), SkipArchive=number == 3)
    assert glue.get_table(DatabaseName="shop", Name="sales")["Table"]["VersionId"] == "3"
    name = {"DatabaseName": "shop", "TableName": "sales"}
    pages = list(glue.get_paginator("get_table_versions").paginate(PaginationConfig={"PageSize": 2}, **name))
    assert [[version["VersionId"] for version in page["TableVersions"]] for page in pages] == [["3", "1"], ["0"]]
    assert glue.get_table_version(VersionId="1", **name)["TableVersion"]["Table"]["Description"] == "1"
    assert glue.get_table_version(**name)["TableVersion"]["VersionId"] == "3"
    with refused("ConcurrentModificationException"):
        glue.update_table(DatabaseName="shop", TableInput=table(), VersionId="1")
    with refused("InvalidInputException"):
        glue.delete_table_version(VersionId="3", **name)
    glue.delete_table_version(VersionId="1", **name)
    errors = glue.batch_delete_table_version(VersionIds=["0", "1"], **name)["Errors"]
    assert [(error["VersionId"], error["ErrorDetail"]["ErrorCode"]) for error in errors] == [("1", "EntityNotFoundException")]


def test_a_deleted_table_takes_everything_with_it(glue: Any, refused: Any) -> None:
    glue.create_table(DatabaseName="shop", TableInput=table())
    glue.create_partition(DatabaseName="shop", TableName="sales", PartitionInput=partition("2016", "US"))
    glue.delete_table(DatabaseName="shop", Name="sales")
    with refused("EntityNotFoundException", "Table sales not found."):
        glue.delete_table(DatabaseName="shop", Name="sales")
    glue.create_table(DatabaseName="shop", TableInput=table())
    assert glue.get_partitions(DatabaseName="shop", TableName="sales")["Partitions"] == []
    assert len(glue.get_table_versions(DatabaseName="shop", TableName="sales")["TableVersions"]) == 1
    errors = glue.batch_delete_table(DatabaseName="shop", TablesToDelete=["sales", "nowhere"])["Errors"]
    assert [(error["TableName"], error["ErrorDetail"]["ErrorCode"]) for error in errors] == [("nowhere", "EntityNotFoundException")]
    glue.create_table(DatabaseName="shop", TableInput=table())
    glue.delete_database(Name="shop")
    glue.create_database(DatabaseInput={"Name": "shop"})
    assert glue.get_tables(DatabaseName="shop")["TableList"] == []


@pytest.fixture
def sales(glue: Any) -> Any:
    """The catalog with a table of six partitions."""
    glue.create_table(DatabaseName="shop", TableInput=table())
    inputs = [partition(year, country) for year in ("2015", "2016", "2017") for country in ("DE", "US")]
    assert glue.batch_create_partition(DatabaseName="shop", TableName="sales", PartitionInputList=inputs)["Errors"] == []
    return glue


SALES = {"DatabaseName": "shop", "TableName": "sales"}


def test_partitions_are_filtered_paged_and_shared_out(sales: Any, aws: Any, refused: Any) -> None:
    found = sales.get_partitions(Expression="year > 2015 and country = 'US'", **SALES)["Partitions"]
    assert [one["Values"] for one in found] == [["2016", "US"], ["2017", "US"]]
    assert (found[0]["DatabaseName"], found[0]["TableName"], found[0]["CatalogId"]) == ("shop", "sales", aws.account)
    assert found[0]["StorageDescriptor"]["Location"] == "s3://lake/2016/US/"
    pages = list(sales.get_paginator("get_partitions").paginate(PaginationConfig={"PageSize": 4}, **SALES))
    assert [len(page["Partitions"]) for page in pages] == [4, 2]
    shares = [sales.get_partitions(Segment={"SegmentNumber": n, "TotalSegments": 3}, **SALES)["Partitions"] for n in range(3)]
    assert sorted(tuple(one["Values"]) for share in shares for one in share) == sorted(
        (year, country) for year in ("2015", "2016", "2017") for country in ("DE", "US")
    )
    bare = sales.get_partitions(ExcludeColumnSchema=True, **SALES)["Partitions"]
    assert all("Columns" not in one["StorageDescriptor"] for one in bare)
    with refused("InvalidInputException", "Unsupported expression"):
        sales.get_partitions(Expression="nowhere = 1", **SALES)
    assert sales.get_partition_indexes(**SALES)["PartitionIndexDescriptorList"] == []


def test_one_partition_is_made_changed_and_deleted(sales: Any, refused: Any) -> None:
    with refused("AlreadyExistsException", "Partition already exists."):
        sales.create_partition(PartitionInput=partition("2016", "US"), **SALES)
    with refused("InvalidInputException", "The number of partition keys do not match the number of partition values"):
        sales.create_partition(PartitionInput=partition("2016"), **SALES)
    sales.update_partition(PartitionValueList=["2016", "US"], PartitionInput=partition("2016", "FR"), **SALES)
    with refused("EntityNotFoundException", "Cannot find partition."):
        sales.get_partition(PartitionValues=["2016", "US"], **SALES)
    assert sales.get_partition(PartitionValues=["2016", "FR"], **SALES)["Partition"]["Values"] == ["2016", "FR"]
    with refused("AlreadyExistsException"):
        sales.update_partition(PartitionValueList=["2016", "FR"], PartitionInput=partition("2016", "DE"), **SALES)
    sales.delete_partition(PartitionValues=["2016", "FR"], **SALES)
    with refused("EntityNotFoundException"):
        sales.delete_partition(PartitionValues=["2016", "FR"], **SALES)


def test_batches_say_what_they_could_not_do(sales: Any) -> None:
    again = [partition("2016", "US"), partition("2018", "US"), partition("2018", "US"), partition("2018")]
    errors = sales.batch_create_partition(PartitionInputList=again, **SALES)["Errors"]
    assert [error["ErrorDetail"]["ErrorCode"] for error in errors] == [
        "AlreadyExistsException",
        "AlreadyExistsException",
        "InvalidInputException",
    ]
    got = sales.batch_get_partition(PartitionsToGet=[{"Values": ["2018", "US"]}, {"Values": ["1900", "US"]}], **SALES)
    assert [one["Values"] for one in got["Partitions"]] == [["2018", "US"]]
    entries = [
        {"PartitionValueList": ["2018", "US"], "PartitionInput": partition("2019", "US")},
        {"PartitionValueList": ["1900", "US"], "PartitionInput": partition("1901", "US")},
    ]
    assert len(sales.batch_update_partition(Entries=entries, **SALES)["Errors"]) == 1
    errors = sales.batch_delete_partition(PartitionsToDelete=[{"Values": ["2019", "US"]}, {"Values": ["1900", "US"]}], **SALES)["Errors"]
    assert [error["PartitionValues"] for error in errors] == [["1900", "US"]]


REFUSALS: dict[str, tuple[str, dict[str, Any]]] = {
    "a column twice": ("InvalidInputException", {"TableInput": table(PartitionKeys=[{"Name": "price", "Type": "int"}])}),
    "no definition": ("InvalidInputException", {}),
    "no name": ("ValidationException", {"TableInput": {"Description": "nameless"}}),
    "indexes": ("NotImplemented", {"TableInput": table(), "PartitionIndexes": [{"Keys": ["year"], "IndexName": "i"}]}),
}


@pytest.mark.parametrize(("code", "members"), REFUSALS.values(), ids=REFUSALS)
def test_a_table_is_refused(glue: Any, refused: Any, code: str, members: dict[str, Any]) -> None:
    with refused(code):
        glue.create_table(DatabaseName="shop", **members)
    assert glue.get_tables(DatabaseName="shop")["TableList"] == []


def test_regions_have_catalogs_of_their_own(glue: Any, aws: Any) -> None:
    assert aws.client("glue", region="eu-central-1").get_databases()["DatabaseList"] == []


def test_column_statistics_say_that_they_are_not_built(glue: Any, refused: Any) -> None:
    with refused("NotImplemented", "GetColumnStatisticsForTable"):
        glue.get_column_statistics_for_table(DatabaseName="shop", TableName="sales", ColumnNames=["price"])
