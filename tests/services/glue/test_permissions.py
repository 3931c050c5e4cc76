"""Who may see what of the catalog: a table needs leave on the table, on its database and on the catalog.

Truth: "Specifying AWS Glue resource ARNs" of the developer guide, and the Service Authorization Reference.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.http


@pytest.fixture
def user(aws: Any) -> Callable[..., Any]:
    """A client of a user who may do the action on the resources, written without what all of them begin with."""

    def make(name: str, action: str, *resources: str) -> Any:
        iam = aws.client("iam")
        iam.create_user(UserName=name)
        arns = [f"arn:aws:glue:us-east-1:{aws.account}:{resource}" for resource in resources]
        statement = {"Effect": "Allow", "Action": action, "Resource": arns}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return aws.client("glue", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])

    return make


@pytest.fixture
def catalog(aws: Any) -> Any:
    glue = aws.client("glue")
    glue.create_database(DatabaseInput={"Name": "lake"})
    for name in ("sales", "wages"):
        glue.create_table(DatabaseName="lake", TableInput={"Name": name})
    return glue


@pytest.mark.usefixtures("catalog")
def test_the_whole_way_down_must_be_allowed(user: Any, refused: Any) -> None:
    whole = ("catalog", "database/lake", "table/lake/sales")
    dev = user("dev", "glue:GetTable", *whole)
    assert dev.get_table(DatabaseName="lake", Name="sales")["Table"]["Name"] == "sales"
    dev.get_table(DatabaseName="Lake", Name="SALES")  # names have no case
    with refused("AccessDeniedException", "table/lake/wages"):
        dev.get_table(DatabaseName="lake", Name="wages")
    for number, missing in enumerate(whole):
        lacking = user(f"lacking-{number}", "glue:GetTable", *(set(whole) - {missing}))
        with refused("AccessDeniedException", f":{missing} because no identity-based policy allows the glue:GetTable action"):
            lacking.get_table(DatabaseName="lake", Name="sales")


@pytest.mark.usefixtures("catalog")
def test_all_tables_of_a_database_are_listed_and_deleted_with_leave_for_all(user: Any, refused: Any) -> None:
    dev = user("dev", "glue:*", "catalog", "database/lake", "table/lake/sales")
    with refused("AccessDeniedException", "table/lake/*"):
        dev.get_tables(DatabaseName="lake")
    with refused("AccessDeniedException", "table/lake/wages"):
        dev.batch_delete_table(DatabaseName="lake", TablesToDelete=["sales", "wages"])
    chief = user("chief", "glue:*", "catalog", "database/lake", "table/lake/*", "userDefinedFunction/lake/*")
    assert len(chief.get_tables(DatabaseName="lake")["TableList"]) == 2
    chief.delete_database(Name="lake")


@pytest.mark.usefixtures("catalog")
def test_partitions_are_their_tables(user: Any, refused: Any) -> None:
    dev = user("dev", "glue:GetPartitions", "catalog", "database/lake", "table/lake/sales")
    assert dev.get_partitions(DatabaseName="lake", TableName="sales")["Partitions"] == []
    with refused("AccessDeniedException"):
        dev.get_partitions(DatabaseName="lake", TableName="wages")


def test_another_accounts_catalog_is_out_of_reach(user: Any, refused: Any) -> None:
    dev = user("dev", "glue:GetDatabases", "*")
    with refused("AccessDeniedException"):
        dev.get_databases(CatalogId="999999999999")


def test_tags_of_a_database_decide(aws: Any, refused: Any) -> None:
    glue, iam = aws.client("glue"), aws.client("iam")
    for team in ("blue", "red"):
        glue.create_database(DatabaseInput={"Name": team}, Tags={"team": team})
    iam.create_user(UserName="dev")
    catalog = {"Effect": "Allow", "Action": "glue:GetDatabase", "Resource": f"arn:aws:glue:us-east-1:{aws.account}:catalog"}
    tagged = {
        "Effect": "Allow",
        "Action": "glue:GetDatabase",
        "Resource": f"arn:aws:glue:us-east-1:{aws.account}:database/*",
        "Condition": {"StringEquals": {"aws:ResourceTag/team": "blue"}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [catalog, tagged]})
    iam.put_user_policy(UserName="dev", PolicyName="p", PolicyDocument=policy)
    key = iam.create_access_key(UserName="dev")["AccessKey"]
    dev = aws.client("glue", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    dev.get_database(Name="blue")
    with refused("AccessDeniedException", "database/red"):
        dev.get_database(Name="red")
