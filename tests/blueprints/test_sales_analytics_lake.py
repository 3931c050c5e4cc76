"""What Redshift shows of the lake, whatever lies in it; and what it refuses.

Truth: "Failure cases" of scenario S11 (post 11); "CREATE EXTERNAL TABLE" and "Data handling options" in the Redshift Database Developer
Guide: files whose names begin with an underscore or a period are ignored, and a value that does not fit its column is NULL. That a
fraction is none of a whole number is our reading.
"""

import gzip
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from users import allow

COLUMNS = (
    "ItemID int, Category varchar, Price DOUBLE PRECISION, Quantity int, OrderDate TIMESTAMP, DestinationState varchar, "
    "ShippingType varchar, Referral varchar"
)
GARDEN = "1,Garden,10.00,2,2016-01-05 00:00:00,WA,Free,Other\n"


class Warehouse:
    """The blueprint's Redshift cluster, its role and a bucket."""

    def __init__(self, aws: Any) -> None:
        import architecture

        self.architecture = architecture
        self.endpoint = architecture.build_warehouse(aws)
        self.role = architecture.warehouse_role(aws)
        self.s3 = aws.client("s3")
        self.bucket = "sales-lake"
        self.s3.create_bucket(Bucket=self.bucket)
        lake = architecture.document([allow("s3:ListBucket"), allow("s3:GetObject", f"arn:aws:s3:::{self.bucket}/*")])
        aws.client("iam").put_role_policy(RoleName="spectrum", PolicyName="lake-of-the-tests", PolicyDocument=lake)
        self.sql(self.schema("spectrum_schema", self.role))

    def schema(self, name: str, role: str) -> str:
        return (
            f"create external schema if not exists {name} from data catalog database 'spectrum_db' region 'us-east-1' "
            f"IAM_ROLE '{role}' create external database if not exists"
        )

    def connect(self, **options: Any) -> Any:
        host, port = self.endpoint
        login = {"user": self.architecture.USER, "password": self.architecture.PASSWORD, "dbname": "shop", "autocommit": True}
        return psycopg.connect(host=host, port=port, sslmode="require", **(login | options))

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        with self.connect() as connection:
            cursor = connection.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

    def table(self, name: str, place: str, columns: str = COLUMNS, tail: str = "") -> str:
        """The post's external table, elsewhere."""
        return (
            f"CREATE EXTERNAL TABLE IF NOT EXISTS spectrum_schema.{name}({columns}) "
            f"ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' LINES TERMINATED BY '\\n' {tail} LOCATION '{place}'"
        )

    def put(self, key: str, text: str) -> None:
        body = gzip.compress(text.encode()) if key.endswith(".gz") else text.encode()
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)


@pytest.fixture(scope="session")
def aws_of_post(server: Any, account_on: Callable[..., Any]) -> Any:
    """The blueprint's account."""
    import architecture

    return account_on(server, architecture.ACCOUNT)


@pytest.fixture(scope="session")
def warehouse(aws_of_post: Any) -> Warehouse:
    return Warehouse(aws_of_post)


@pytest.fixture
def shown(warehouse: Warehouse, word: str) -> Callable[..., list[tuple[Any, ...]]]:
    """`shown({"a.csv": "..."}, select="*")`: what an external table over these files shows."""

    def show(files: dict[str, str], select: str = "*", columns: str = COLUMNS, tail: str = "") -> list[tuple[Any, ...]]:
        for name, text in files.items():
            warehouse.put(f"{word}/{name}", text)
        warehouse.sql(warehouse.table(f"t{word}", f"s3://{warehouse.bucket}/{word}/", columns, tail))
        return warehouse.sql(f"select {select} from spectrum_schema.t{word} order by 1")

    return show


@pytest.fixture
def fails(warehouse: Warehouse) -> Callable[..., str]:
    """The error of a statement."""

    def run(statement: str, **options: Any) -> str:
        with pytest.raises(psycopg.Error) as failure, warehouse.connect(**options) as connection:
            cursor = connection.execute(statement)
            cursor.fetchall()
        return f"{failure.value.sqlstate} {failure.value}"

    return run


def test_the_posts_line_is_a_row(shown: Callable[..., Any]) -> None:
    [row] = shown({"AuroraChangesToS3-1-2016.gz": GARDEN})
    assert row[:4] == (1, "Garden", 10.0, 2)
    assert f"{row[4]:%Y-%m-%d %H:%M:%S}" == "2016-01-05 00:00:00"
    assert row[5:] == ("WA", "Free", "Other")


@pytest.mark.parametrize("tail", ["", "STORED AS TEXTFILE"])
def test_a_prefix_under_which_nothing_lies_has_no_rows(shown: Callable[..., Any], tail: str) -> None:
    assert shown({}, tail=tail) == []
    assert shown({}, select="count(*)") == [(0,)]


def test_a_prefix_with_empty_files_has_no_rows(shown: Callable[..., Any]) -> None:
    assert shown({"empty.csv": "", "empty.gz": "", "folder/": ""}) == []


def test_files_that_come_later_are_seen(shown: Callable[..., Any]) -> None:
    assert shown({}, select="count(*)") == [(0,)]
    assert shown({"later.gz": GARDEN, "2016/01/05/00/deeper.csv": GARDEN}, select="count(*)") == [(2,)]


def test_files_whose_names_begin_with_an_underscore_or_a_period_are_ignored(shown: Callable[..., Any]) -> None:
    files = {"_SUCCESS": GARDEN, ".part.crc": GARDEN, "a.csv": GARDEN, "deeper/_temporary.csv": GARDEN, "deeper/.hidden": GARDEN}
    assert shown(files, select="count(*)") == [(1,)]


def test_a_bucket_that_is_not_there_is_s3s_own_error(warehouse: Warehouse, word: str, fails: Callable[..., str]) -> None:
    warehouse.sql(warehouse.table(f"t{word}", f"s3://nowhere-{word}/CDC/"))
    assert "NoSuchBucket" in fails(f"select * from spectrum_schema.t{word}")


MISFITS = {
    "a word for a number": ("one,Garden,cheap,two,2016-01-05 00:00:00,WA,Free,Other\n", (None, "Garden", None, None)),
    "a number that is too large": ("99999999999,Garden,1,2,2016-01-05 00:00:00,WA,Free,Other\n", (None, "Garden", 1.0, 2)),
    "a fraction for a whole number": ("1,Garden,1,2.5,2016-01-05 00:00:00,WA,Free,Other\n", (1, "Garden", 1.0, None)),
    "a comma in a value": ("1,Garden, large,10.00,2,2016-01-05 00:00:00,WA,Free,Other\n", (1, "Garden", None, None)),
    "fields that are missing": ("1,Garden\n", (1, "Garden", None, None)),
    "an empty field": ("1,Garden,,2,2016-01-05 00:00:00,WA,Free,Other\n", (1, "Garden", None, 2)),
    "a header": ("ItemID,Category,Price,Quantity,OrderDate,State,Shipping,Referral\n", (None, "Category", None, None)),
}


@pytest.mark.parametrize(("line", "expected"), MISFITS.values(), ids=MISFITS)
def test_what_does_not_fit_its_column_is_null_and_the_line_stays(shown: Callable[..., Any], line: str, expected: tuple[Any, ...]) -> None:
    rows = shown({"a.csv": line + GARDEN.replace("1,", "2,", 1)}, select="itemid, category, price, quantity")
    assert rows == sorted([expected, (2, "Garden", 10.0, 2)], key=lambda row: row[0] or 9)


@pytest.mark.parametrize("moment", ["soon", "2016-13-45", "5 January 2016 at noon"])
def test_a_moment_that_is_none_is_null(shown: Callable[..., Any], moment: str) -> None:
    assert shown({"a.csv": f"1,Garden,1,2,{moment},WA,Free,Other\n"}, select="itemid, orderdate, referral") == [(1, None, "Other")]


def test_a_row_with_a_comma_shows_shifted_after_the_whole_way(warehouse: Warehouse, post: Any, word: str) -> None:
    """From MariaDB through Lambda and Firehose: the post's line is not escaped, and Redshift takes the ninth field for none."""
    post.insert((1, f"Garden, {word}", 10, 2, "2016-01-05", "WA", "Free", f"Other{word}"))
    post.arrived(word, 1)
    warehouse.sql(warehouse.table("ecommerce_sales", f"s3://{post.architecture.BUCKET}/CDC/"))
    sold = warehouse.sql(
        "select itemid, category, price, quantity, orderdate, destinationstate, shippingtype, referral from spectrum_schema.ecommerce_sales"
    )
    [row] = [row for row in sold if row[5] == "2016-01-05 00:00:00" and row[1] == "Garden"][:1]
    assert row == (1, "Garden", None, None, None, "2016-01-05 00:00:00", "WA", "Free")


def test_create_external_table_inside_a_transaction_is_refused(warehouse: Warehouse, word: str, fails: Callable[..., str]) -> None:
    statement = warehouse.table(f"t{word}", f"s3://{warehouse.bucket}/{word}/")
    said = fails(statement, autocommit=False)
    assert said.startswith("25001 CREATE EXTERNAL TABLE cannot run inside a transaction block")
    assert "does not exist" in fails(f"select * from spectrum_schema.t{word}")


def test_a_role_that_is_not_associated_is_refused(warehouse: Warehouse, word: str, fails: Callable[..., str]) -> None:
    """Truth: Redshift's sentence, as users meet it: "User arn:aws:redshift:… is not authorized to assume IAM Role arn:aws:iam::…"."""
    stranger = "arn:aws:iam::123456789012:role/stranger"
    user = "arn:aws:redshift:us-east-1:123456789012:dbuser:sales-warehouse/admin"
    sentence = f"User {user} is not authorized to assume IAM Role {stranger}"
    assert sentence in fails(warehouse.schema(f"s{word}", stranger))
    warehouse.sql(f"create table t{word} (n int)")
    assert sentence in fails(f"copy t{word} from 's3://{warehouse.bucket}/numbers' iam_role '{stranger}'")
    assert warehouse.sql(f"select count(*) from svv_external_schemas where schemaname = 's{word}'") == [(0,)]


def test_a_role_that_was_taken_from_the_cluster_is_refused_for_what_it_read(
    warehouse: Warehouse, word: str, aws_of_post: Any, fails: Callable[..., str]
) -> None:
    role = warehouse.architecture.role(aws_of_post, f"brief-{word}", "redshift.amazonaws.com", allow(["s3:*", "glue:*"]))
    redshift = aws_of_post.client("redshift")
    redshift.modify_cluster_iam_roles(ClusterIdentifier="sales-warehouse", AddIamRoles=[role])
    warehouse.sql(warehouse.schema(f"s{word}", role))
    warehouse.put(f"{word}/a.csv", GARDEN)
    place = f"s3://{warehouse.bucket}/{word}/"
    warehouse.sql(warehouse.table(f"t{word}", place).replace("spectrum_schema", f"s{word}"))
    assert warehouse.sql(f"select count(*) from s{word}.t{word}") == [(1,)]
    redshift.modify_cluster_iam_roles(ClusterIdentifier="sales-warehouse", RemoveIamRoles=[role])
    assert f"is not authorized to assume IAM Role {role}" in fails(f"select count(*) from s{word}.t{word}")
    warehouse.sql(f"drop schema s{word}")


def test_a_wrong_password_is_refused(warehouse: Warehouse, fails: Callable[..., str]) -> None:
    assert 'password authentication failed for user "admin"' in fails("select 1", password="Guessed-and-Wrong-1")


def test_an_unknown_database_is_refused(fails: Callable[..., str]) -> None:
    assert 'database "nowhere" does not exist' in fails("select 1", dbname="nowhere")
