"""The four calls with which Secrets Manager rotates a database's credential, each safe to be made twice.

A call that failed, or whose answer was lost, comes again with the same token. So each step asks first whether its work is done:
createSecret whether the pending version has a value, setSecret whether the database takes it, finishSecret where AWSCURRENT is.
What the credential is (one user, or two in turn) and how the database is spoken to stand in modules of their own.
No password is ever logged. Source: "Rotation function" in the user guide of Secrets Manager.
"""

import functools
import json
import logging
import os
from collections.abc import Callable
from typing import Any, Protocol

import boto3

CURRENT = "AWSCURRENT"
PENDING = "AWSPENDING"
PREVIOUS = "AWSPREVIOUS"
NEEDED = ("engine", "host", "username", "password")
log = logging.getLogger(__name__)  # not the root, under which boto3 would tell its own story
log.setLevel(logging.INFO)

Values = dict[str, Any]
"""The JSON in a secret: engine, host, port, username, password, dbname, and for users in turn masterarn."""


class Database(Protocol):
    """What mysql.py and postgresql.py do. A connection's type is the driver's."""

    ENGINES: tuple[str, ...]
    EXCLUDED: str
    NAME_MAX: int

    def log_in(self, values: Values) -> Any:
        """A connection; None where the database refuses this user or password. Out of reach is an error."""

    def answers(self, connection: Any) -> None: ...
    def set_own_password(self, connection: Any, user: str, password: str) -> None: ...
    def give_login(self, connection: Any, user: str, password: str, like: str) -> None:
        """`user` exists with this password, and may do what `like` may."""


class Secret:
    """One version of one secret on its way from AWSPENDING to AWSCURRENT."""

    def __init__(self, service: Any, arn: str, token: str, database: Database) -> None:
        self._service = service
        self.arn = arn
        self.token = token
        self._database = database

    def is_current(self) -> bool:
        """Whether this version is AWSCURRENT already; an error where it cannot become so."""
        found = self._service.describe_secret(SecretId=self.arn)
        if not found.get("RotationEnabled", True):
            raise ValueError(f"Secret {self.arn} is not enabled for rotation")
        stages = found["VersionIdsToStages"].get(self.token)
        if stages is None:
            raise ValueError(f"Secret version {self.token} has no stage for rotation of secret {self.arn}")
        if CURRENT in stages:
            return True
        if PENDING not in stages:
            raise ValueError(f"Secret version {self.token} is not {PENDING} of secret {self.arn}")
        return False

    def current(self) -> Values:
        return self._values(self.arn, VersionStage=CURRENT)

    def pending(self) -> Values | None:
        """None where createSecret has not put it yet."""
        try:
            return self._values(self.arn, VersionId=self.token, VersionStage=PENDING)
        except self._service.exceptions.ResourceNotFoundException:
            return None

    def previous(self) -> Values | None:
        try:
            return self._values(self.arn, VersionStage=PREVIOUS)
        except (self._service.exceptions.ResourceNotFoundException, KeyError):
            return None  # there never was one, or it was no credential of a database

    def superuser(self, arn: str) -> Values:
        return self._values(arn, VersionStage=CURRENT)

    def put_pending(self, values: Values) -> None:
        self._service.put_secret_value(
            SecretId=self.arn, ClientRequestToken=self.token, SecretString=json.dumps(values), VersionStages=[PENDING]
        )

    def new_password(self) -> str:
        """As the function's environment wants it; the variables' names are those of AWS's own functions."""

        def is_on(name: str, otherwise: str) -> bool:
            return os.environ.get(name, otherwise).lower() in ("true", "1", "y", "yes")

        answer = self._service.get_random_password(
            PasswordLength=int(os.environ.get("PASSWORD_LENGTH", "32")),
            ExcludeCharacters=os.environ.get("EXCLUDE_CHARACTERS", self._database.EXCLUDED),
            ExcludeNumbers=is_on("EXCLUDE_NUMBERS", "false"),
            ExcludePunctuation=is_on("EXCLUDE_PUNCTUATION", "false"),
            ExcludeUppercase=is_on("EXCLUDE_UPPERCASE", "false"),
            ExcludeLowercase=is_on("EXCLUDE_LOWERCASE", "false"),
            RequireEachIncludedType=is_on("REQUIRE_EACH_INCLUDED_TYPE", "true"),
        )
        return str(answer["RandomPassword"])

    def make_current(self) -> None:
        """Secrets Manager itself labels the version before AWSPREVIOUS."""
        stages = self._service.describe_secret(SecretId=self.arn)["VersionIdsToStages"]
        before = next((version for version, labels in stages.items() if CURRENT in labels), None)
        if before == self.token:
            return
        move = {"MoveToVersionId": self.token} | ({"RemoveFromVersionId": before} if before else {})
        self._service.update_secret_version_stage(SecretId=self.arn, VersionStage=CURRENT, **move)

    def _values(self, arn: str, **version: str) -> Values:
        values: Values = json.loads(self._service.get_secret_value(SecretId=arn, **version)["SecretString"])
        for name in NEEDED:
            if name not in values:
                raise KeyError(f"{name} key is missing from secret JSON")
        if values["engine"] not in self._database.ENGINES:
            raise KeyError(f"Database engine must be one of {', '.join(self._database.ENGINES)}; the secret has {values['engine']}")
        return values


class Scheme(Protocol):
    """Who gets the new password: single_user.py, alternating_users.py."""

    def next_values(self, current: Values, database: Database) -> Values:
        """The current values with the user who is next; the password is set by the caller."""

    def set_secret(self, secret: Secret, pending: Values, database: Database) -> None:
        """Make the database take the pending credential, which it does not yet."""


Handler = Callable[[Values, Any], None]


def handler(scheme: Scheme, database: Database) -> Handler:
    """What Lambda calls."""

    def lambda_handler(event: Values, context: Any) -> None:
        step = STEPS.get(event["Step"])
        secret = Secret(_service(), event["SecretId"], event["ClientRequestToken"], database)
        if secret.is_current():
            log.info("%s: version %s of %s is %s already", event["Step"], secret.token, secret.arn, CURRENT)
            return
        if step is None:
            raise ValueError(f"Invalid step parameter {event['Step']} for secret {secret.arn}")
        step(secret, scheme, database)

    return lambda_handler


@functools.cache
def _service() -> Any:
    """One client for the life of the worker: to make one takes longer than a step."""
    return boto3.client("secretsmanager", endpoint_url=os.environ.get("SECRETS_MANAGER_ENDPOINT"))


def create_secret(secret: Secret, scheme: Scheme, database: Database) -> None:
    current = secret.current()
    if secret.pending() is not None:
        log.info("createSecret: version %s of %s has its value already", secret.token, secret.arn)
        return
    secret.put_pending(scheme.next_values(current, database) | {"password": secret.new_password()})
    log.info("createSecret: version %s of %s has its value", secret.token, secret.arn)


def set_secret(secret: Secret, scheme: Scheme, database: Database) -> None:
    pending = _put(secret)
    connection = database.log_in(pending)
    if connection is not None:
        connection.close()
        log.info("setSecret: the database takes the pending credential of %s already", secret.arn)
        return
    scheme.set_secret(secret, pending, database)
    log.info("setSecret: %s has the pending password of %s", pending["username"], secret.arn)


def test_secret(secret: Secret, scheme: Scheme, database: Database) -> None:
    connection = database.log_in(_put(secret))
    if connection is None:
        raise ValueError(f"testSecret: Unable to log into database with the pending version of secret {secret.arn}")
    try:
        database.answers(connection)
    finally:
        connection.close()
    log.info("testSecret: the database takes the pending credential of %s", secret.arn)


def finish_secret(secret: Secret, scheme: Scheme, database: Database) -> None:
    secret.make_current()
    log.info("finishSecret: version %s of %s is %s", secret.token, secret.arn, CURRENT)


def _put(secret: Secret) -> Values:
    pending = secret.pending()
    if pending is None:
        raise ValueError(f"Version {secret.token} of secret {secret.arn} has no value yet: createSecret comes first")
    return pending


def same(name: str, pending: Values, other: Values, whose: str) -> None:
    """The pending version must not lead elsewhere: whoever may write it could turn the function against another user or host."""
    if pending[name] != other[name]:
        raise ValueError(f"setSecret: the pending {name} {pending[name]} is not the {whose} {name} {other[name]}")


STEPS = {"createSecret": create_secret, "setSecret": set_secret, "testSecret": test_secret, "finishSecret": finish_secret}
