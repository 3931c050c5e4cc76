"""Who may run statements, as whom they run, and under which role they read the lake: over a real warehouse process.

Truth: "Authorizing access to the Amazon Redshift Data API" of the management guide (the policies of AmazonRedshiftDataFullAccess);
boto3's issue 2899 for what is told at the submission; Redshift's own sentences as its users report them.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from users import User, allow, role

STATEMENT = {"ClusterIdentifier": "shop", "Database": "dev", "DbUser": "awsuser"}
OWN = {"StringEquals": {"redshift-data:statement-owner-iam-userid": "${aws:userid}"}}
ACCOUNT = "880012345678"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def account(server: Any, account_on: Callable[..., Any]) -> Iterator[Any]:
    """One cluster for all tests here, with one role."""
    account = account_on(server, ACCOUNT)
    redshift = account.client("redshift")
    reading = role(account, "reading", "redshift.amazonaws.com", allow("s3:ListBucket"))
    wanted = {"NodeType": "ra3.large", "MasterUsername": "awsuser", "MasterUserPassword": "Secret99", "IamRoles": [reading]}
    redshift.create_cluster(ClusterIdentifier="shop", **wanted)
    redshift.get_waiter("cluster_available").wait(ClusterIdentifier="shop")
    yield account
    redshift.delete_cluster(ClusterIdentifier="shop", SkipFinalClusterSnapshot=True)
    redshift.get_waiter("cluster_deleted").wait(ClusterIdentifier="shop")


@pytest.fixture
def user(account: Any, request: pytest.FixtureRequest) -> User:
    return User(account, name=f"u{abs(hash(request.node.name))}")


def cluster(account: Any) -> str:
    return f"arn:aws:redshift:us-east-1:{account.account}:cluster:shop"


def outcome(data: Any, sql: str) -> str:
    """The error of a statement, or that it FINISHED."""
    statement = data.execute_statement(Sql=sql, **STATEMENT, WaitTimeSeconds=20)["Id"]
    described = data.describe_statement(Id=statement)
    return str(described.get("Error", described["Status"]))


def test_a_statement_needs_the_cluster_and_the_login(account: Any, user: User, refused: Any) -> None:
    data = user.client("redshift-data")
    with refused("AccessDeniedException", f"redshift-data:ExecuteStatement on resource: {cluster(account)}"):
        data.execute_statement(Sql="SELECT 1", **STATEMENT)
    user.may(allow("redshift-data:*"))
    dbuser = cluster(account).replace(":cluster:shop", ":dbuser:shop/awsuser")
    with refused("AccessDeniedException", f"redshift:GetClusterCredentials on resource: {dbuser}"):
        data.execute_statement(Sql="SELECT 1", **STATEMENT)
    dbname = dbuser.replace("dbuser:shop/awsuser", "dbname:shop/dev")
    user.may(allow("redshift-data:*"), allow("redshift:GetClusterCredentials", [dbuser, dbname]))
    assert outcome(data, "SELECT 1") == "FINISHED"
    with refused("AccessDeniedException", "redshift:GetClusterCredentialsWithIAM"):
        data.list_tables(ClusterIdentifier="shop", Database="dev")


def test_a_permission_that_is_taken_away_counts_for_the_next_statement(user: User, refused: Any) -> None:
    user.may(allow(["redshift-data:*", "redshift:GetClusterCredentials"]))
    data = user.client("redshift-data")
    assert outcome(data, "SELECT 1") == "FINISHED"
    user.may(allow("redshift-data:*"))
    with refused("AccessDeniedException", "redshift:GetClusterCredentials"):
        data.execute_statement(Sql="SELECT 1", **STATEMENT)


def test_everybody_sees_their_own_statements(account: Any, user: User, refused: Any) -> None:
    user.may(
        allow(["redshift-data:ExecuteStatement", "redshift:GetClusterCredentials"]),
        allow(["redshift-data:DescribeStatement", "redshift-data:GetStatementResult", "redshift-data:ListStatements"], "*", **OWN),
    )
    data, root = user.client("redshift-data"), account.client("redshift-data")
    mine = data.execute_statement(Sql="SELECT 7", **STATEMENT, WaitTimeSeconds=20)["Id"]
    theirs = root.execute_statement(Sql="SELECT 8", **STATEMENT, WaitTimeSeconds=20)["Id"]
    assert data.get_statement_result(Id=mine)["Records"] == [[{"longValue": 7}]]
    with refused("AccessDeniedException", "redshift-data:GetStatementResult"):
        data.get_statement_result(Id=theirs)
    assert [one["Id"] for one in data.list_statements()["Statements"]] == [mine]


def test_s3_is_read_under_the_cluster_s_role_whoever_asks(account: Any, user: User) -> None:
    user.may(allow(["redshift-data:*", "redshift:GetClusterCredentials"]))
    data, iam = user.client("redshift-data"), account.client("iam")
    reading = f"arn:aws:iam::{account.account}:role/reading"
    account.client("s3").create_bucket(Bucket=f"lake-{ACCOUNT}")
    account.client("s3").put_object(Bucket=f"lake-{ACCOUNT}", Key="numbers", Body=b"1\n2\n")
    assert outcome(data, "CREATE TABLE numbers (n INT)") == "FINISHED"
    copy = f"COPY numbers FROM 's3://lake-{ACCOUNT}/numbers' IAM_ROLE '{reading}'"
    assert "S3ServiceException:Access Denied,Status 403,Error AccessDenied" in outcome(data, copy)
    lake = allow(["s3:GetObject", "s3:ListBucket"])
    iam.put_role_policy(RoleName="reading", PolicyName="lake", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [lake]}))
    assert outcome(data, copy) == "FINISHED"
    schema = f"CREATE EXTERNAL SCHEMA lake FROM DATA CATALOG DATABASE 'lake' IAM_ROLE '{reading}' CREATE EXTERNAL DATABASE IF NOT EXISTS"
    assert "is not authorized to perform: glue:" in outcome(data, schema)


def test_a_role_that_does_not_let_redshift_in_is_redshift_s_own_refusal(account: Any, user: User) -> None:
    user.may(allow(["redshift-data:*", "redshift:GetClusterCredentials"]))
    stranger = role(account, "stranger", "lambda.amazonaws.com", allow("s3:*"))
    redshift = account.client("redshift")
    redshift.modify_cluster_iam_roles(ClusterIdentifier="shop", AddIamRoles=[stranger])
    said = outcome(user.client("redshift-data"), f"CREATE EXTERNAL SCHEMA s FROM DATA CATALOG DATABASE 'd' IAM_ROLE '{stranger}'")
    dbuser = f"arn:aws:redshift:us-east-1:{account.account}:dbuser:shop/awsuser"
    assert f"User {dbuser} is not authorized to assume IAM Role {stranger}" in said
