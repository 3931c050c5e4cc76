"""S3 and the Data Catalog as a cluster sees them: boto3 calls to the gateway under a role that is associated with the cluster.

Objects are read in place: HeadObject with the header `x-headwater-in-place` makes S3 answer where the object's bytes lie as a plain
file. Where one lies may be remembered; whether the role may read it is asked at every reading: a listing with the same header says
whether all of its page may be read, and where it does not, each object is asked for. Objects that are encrypted under somebody's
key lie nowhere: they are read over HTTP when a statement needs them, into a file that goes with it. Easy to get wrong: a
role that is not associated is refused by Redshift itself, before STS is asked; names that begin with `_` or `.` are no data.
Source: Redshift documentation, "Authorizing COPY … using IAM roles", "Creating data files for queries".
"""

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from headwater.engines.warehouse.sql.lake import ExternalTable, LakeError, LakeFile, Partition, RoleRefused
from headwater.services.redshift import hive
from headwater.services.redshift.charter import Charter, CharterFile

IN_PLACE: Final = "x-headwater-in-place"
RENEW_BEFORE: Final = timedelta(minutes=5)
HEADS_AT_ONCE: Final = 8
BLOCK_BYTES: Final = 1024 * 1024
NOWHERE: Final = Path()
READABLE: Final = "x-headwater-readable"
KNOWN_FILES_MAX: Final = 100_000
CODES_OF_HEADS: Final = {"403": "AccessDenied", "404": "NoSuchKey"}
"""The answer to a HEAD has no body, and so no code but its status."""


class Aws:
    """The cluster's AWS clients, one for each service and role; credentials are renewed before they expire."""

    def __init__(self, charter: CharterFile) -> None:
        self.charter = charter
        self.heads = ThreadPoolExecutor(HEADS_AT_ONCE, thread_name_prefix="head")
        self.known_files: dict[tuple[str, str, str], Path] = {}
        self._clients: dict[tuple[str, str], tuple[Any, datetime | None]] = {}
        self._lock = threading.Lock()
        self._session: Any = None

    def client(self, service: str, role_arn: str | None, user: str) -> Any:
        """`role_arn` may be `default`, a chain of roles parted by commas (the first is the cluster's, each assumes the next),
        or None for the cluster itself."""
        chain = self._chain(role_arn, user) if role_arn is not None else []
        with self._lock:
            client, expires_at = self._clients.get((service, ",".join(chain)), (None, None))
            if client is None or (expires_at is not None and expires_at - RENEW_BEFORE <= self.charter.now()):
                client, expires_at = self._made(service, chain, user)
                self._clients[service, ",".join(chain)] = client, expires_at
        return client

    def close(self) -> None:
        self.heads.shutdown()
        for client, _ in self._clients.values():
            client.close()

    def _chain(self, role_arn: str, user: str) -> list[str]:
        charter = self.charter.current()
        if role_arn.lower() == "default":
            if charter.default_role is None:
                raise LakeError("InvalidParameterValue", "A default IAM role is not associated with the cluster", 400)
            return [charter.default_role]
        chain = [one.strip() for one in role_arn.split(",")]
        if chain[0] not in charter.roles:
            raise not_authorized(charter, user, chain[0])
        return chain

    def _made(self, service: str, chain: list[str], user: str) -> tuple[Any, datetime | None]:
        charter = self.charter.current()
        keys = self._service_keys()
        expires_at = None
        for role in chain:
            try:
                with lake_errors(), contextlib.closing(self._boto("sts", keys)) as sts:
                    answer = sts.assume_role(RoleArn=role, RoleSessionName=f"RedshiftIamRoleSession-{charter.cluster}"[:64])
            except LakeError as refusal:
                if refusal.code != "AccessDenied":
                    raise
                raise not_authorized(charter, user, role) from refusal
            credentials = answer["Credentials"]
            expires_at = credentials["Expiration"]
            keys = {
                "aws_access_key_id": credentials["AccessKeyId"],
                "aws_secret_access_key": credentials["SecretAccessKey"],
                "aws_session_token": credentials["SessionToken"],
            }
        client = self._boto(service, keys)
        if service == "s3":
            client.meta.events.register("before-call.s3.HeadObject", ask_in_place)
            client.meta.events.register("before-call.s3.ListObjectsV2", ask_in_place)
        return client, expires_at

    def _service_keys(self) -> dict[str, str]:
        charter = self.charter.current()
        return {
            "aws_access_key_id": charter.access_key_id,
            "aws_secret_access_key": charter.secret_access_key,
            "aws_session_token": charter.session_token,
        }

    def _boto(self, service: str, keys: dict[str, str]) -> Any:
        import boto3
        import botocore.config

        if self._session is None:
            self._session = boto3.session.Session()
        charter = self.charter.current()
        config = botocore.config.Config(s3={"addressing_style": "path"}, retries={"max_attempts": 2}, max_pool_connections=HEADS_AT_ONCE)
        return self._session.client(service, endpoint_url=charter.endpoint_url, region_name=charter.region, config=config, **keys)


class AwsLake:
    """The lake of one session: calls are made for its user, those to the data catalog under the external schema's role."""

    def __init__(self, aws: Aws, user: str, catalog_role: str | None = None) -> None:
        self._aws = aws
        self._user = user
        self._catalog_role = catalog_role

    def under(self, role_arn: str) -> "AwsLake":
        return AwsLake(self._aws, self._user, role_arn)

    def _glue(self) -> Any:
        return self._aws.client("glue", self._catalog_role, self._user)

    def database(self, name: str) -> bool:
        with lake_errors():
            return found(lambda: self._glue().get_database(Name=name)) is not None

    def create_database(self, name: str) -> None:
        with lake_errors():
            self._glue().create_database(DatabaseInput={"Name": name})

    def table(self, database: str, name: str) -> ExternalTable | None:
        with lake_errors():
            answer = found(lambda: self._glue().get_table(DatabaseName=database, Name=name))
        return None if answer is None else hive.external_table(answer["Table"])

    def create_table(self, database: str, table: ExternalTable) -> None:
        with lake_errors():
            self._glue().create_table(DatabaseName=database, TableInput=hive.table_input(table))

    def drop_table(self, database: str, name: str) -> None:
        with lake_errors():
            self._glue().delete_table(DatabaseName=database, Name=name)

    def tables(self, database: str) -> Sequence[ExternalTable]:
        with lake_errors():
            pages = self._glue().get_paginator("get_tables").paginate(DatabaseName=database)
            return [hive.external_table(one) for page in pages for one in page["TableList"]]

    def add_partition(self, database: str, table: str, partition: Partition) -> None:
        owner = self.table(database, table)
        if owner is None:
            raise LakeError("EntityNotFoundException", f"Entity Not Found: {table}")
        with lake_errors():
            self._glue().create_partition(DatabaseName=database, TableName=table, PartitionInput=hive.partition_input(owner, partition))

    def drop_partition(self, database: str, table: str, values: Sequence[str]) -> None:
        with lake_errors():
            self._glue().delete_partition(DatabaseName=database, TableName=table, PartitionValues=list(values))

    def partitions(self, database: str, table: str) -> Sequence[Partition]:
        with lake_errors():
            pages = self._glue().get_paginator("get_partitions").paginate(DatabaseName=database, TableName=table)
            return [hive.partition(one) for page in pages for one in page["Partitions"]]

    def files(self, bucket: str, prefix: str, role_arn: str) -> Sequence[LakeFile]:
        client = self._aws.client("s3", role_arn, self._user)
        with lake_errors():
            pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            return [file for page in pages for file in self._files_of(client, bucket, page)]

    def _files_of(self, client: Any, bucket: str, page: dict[str, Any]) -> Iterator[LakeFile]:
        """What of a page of the listing is data, and where it lies."""
        listed = [one for one in page.get("Contents", []) if is_data(one["Key"], one["Size"])]
        may_remember = READABLE in page["ResponseMetadata"]["HTTPHeaders"]
        paths = self._aws.heads.map(lambda one: self._path(client, bucket, one, may_remember=may_remember), listed)
        for one, path in zip(listed, paths, strict=True):
            fetch = None if path is not None else partial(fetched, client, bucket, one["Key"])
            yield LakeFile(path=path or NOWHERE, key=one["Key"], size=one["Size"], fetch=fetch)

    def _path(self, client: Any, bucket: str, listed: dict[str, Any], *, may_remember: bool) -> Path | None:
        """The same object lies where it lay, as long as the file is there."""
        known_files = self._aws.known_files
        name = (bucket, listed["Key"], f"{listed['ETag']} {listed['LastModified']}")
        path = known_files.get(name) if may_remember else None
        if path is None or not path.exists():
            path = where_it_lies(client, bucket, listed["Key"])
            if path is None:
                return None
            if len(known_files) >= KNOWN_FILES_MAX:
                known_files.clear()
            known_files[name] = path
        return path

    def write(self, bucket: str, key: str, path: Path, role_arn: str) -> None:
        client = self._aws.client("s3", role_arn, self._user)
        with lake_errors(), path.open("rb") as body:
            client.put_object(Bucket=bucket, Key=key, Body=body)


def is_data(key: str, size: int) -> bool:
    """Spectrum and COPY pass over hidden files and the empty objects that stand for folders."""
    return not (key.rsplit("/", 1)[-1].startswith(("_", ".")) or (key.endswith("/") and size == 0))


def where_it_lies(client: Any, bucket: str, key: str) -> Path | None:
    """None of what is encrypted."""
    answer = client.head_object(Bucket=bucket, Key=key)
    path = answer["ResponseMetadata"]["HTTPHeaders"].get("x-headwater-file")
    return None if path is None else Path(path)


def fetched(client: Any, bucket: str, key: str, path: Path) -> None:
    """The object, read over HTTP."""
    with lake_errors(), path.open("wb") as target:
        for block in client.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(BLOCK_BYTES):
            target.write(block)


def ask_in_place(params: dict[str, Any], **_: Any) -> None:
    params["headers"][IN_PLACE] = "1"


def not_authorized(charter: Charter, user: str, role_arn: str) -> LakeError:
    who = f"arn:aws:redshift:{charter.region}:{charter.account}:dbuser:{charter.cluster}/{user}"
    return RoleRefused(f"User {who} is not authorized to assume IAM Role {role_arn}")


@contextlib.contextmanager
def lake_errors() -> Iterator[None]:
    """What AWS refuses, in its own words; an endpoint that does not answer is a refusal as well."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as refusal:
        answer = refusal.response
        metadata = answer.get("ResponseMetadata", {})
        error = answer["Error"]
        raise LakeError(
            CODES_OF_HEADS.get(error["Code"], error["Code"]),
            error.get("Message", ""),
            metadata.get("HTTPStatusCode", 400),
            metadata.get("RequestId", ""),
        ) from refusal
    except BotoCoreError as failure:
        raise LakeError("ServiceUnavailable", str(failure), 503) from failure


def found(ask: Callable[[], dict[str, Any]]) -> dict[str, Any] | None:
    from botocore.exceptions import ClientError

    try:
        return ask()
    except ClientError as refusal:
        if refusal.response["Error"]["Code"] == "EntityNotFoundException":
            return None
        raise
