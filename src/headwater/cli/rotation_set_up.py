"""What the Secrets Manager console does when rotation is switched on, in plain boto3: a role, a function, its permission, RotateSecret.

Each part is looked for first, so that a second run changes nothing but what has changed, and rotates again.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from headwater.cli.rotation_archive import KINDS, archive, handler

NAME_MAX: Final = 50
"""Of 64 for a function and for a role, with room for `SecretsManager` before and `-role` behind."""
TIMEOUT_S: Final = 30
RUNTIME: Final = "python3.12"
PATIENCE: Final = timedelta(seconds=60)
POLL_S: Final = 0.1
READY_S: Final = 15
STATEMENT: Final = "SecretsManager"
VERSION_ACTIONS: Final = ("DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage")
TRUST: Final = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


class CannotRotate(Exception):
    """In words, what has to be changed first."""


class Rotated(NamedTuple):
    """What a rotation came to."""

    version: str
    next_date: datetime | None


class SetUp:
    """One secret, and what makes it rotate. `client` gives a boto3 client by the service's name."""

    def __init__(self, client: Callable[[str], Any], name: str, *, using: str | None = None) -> None:
        self._secrets = client("secretsmanager")
        self._iam = client("iam")
        self._functions = client("lambda")
        self._logs = client("logs")
        found = self._secrets.describe_secret(SecretId=name)
        self.arn: str = found["ARN"]
        self._key: str | None = found.get("KmsKeyId")
        self._name: str = found["Name"]
        self.values = self._json(name)
        self._superuser = None if using is None else self._secrets.describe_secret(SecretId=using)
        engine = self.values.get("engine")
        if engine not in KINDS:
            raise CannotRotate(f"{name} has the engine {engine}: there are functions for {', '.join(KINDS)}.")
        self.kind = KINDS[engine]
        self._alternating = using is not None
        self._errors_before: set[str] = set()
        self._days_later: int | None = None
        """The days that could not be said yet, because an earlier rotation had to end first."""
        if using is not None:
            self._check_superuser(using)

    @property
    def function_name(self) -> str:
        """As the secret is called, with the six characters of its ARN: one function for each secret."""
        last = re.sub(r"[^A-Za-z0-9_-]+", "-", self._name.rsplit("/", 1)[-1])
        return f"SecretsManager{last[: NAME_MAX - 7 - len('SecretsManager')]}-{self.arn[-6:]}"

    @property
    def function_arn(self) -> str:
        _, _, _, region, account, *_ = self.arn.split(":")
        return f"arn:aws:lambda:{region}:{account}:function:{self.function_name}"

    @property
    def role_name(self) -> str:
        return f"{self.function_name}-role"

    def policy(self) -> dict[str, Any]:
        """What the function needs of AWS, and nothing else: this secret, and only while it is the one that rotates it."""
        _, _, _, region, account, *_ = self.arn.split(":")
        own = {"StringEquals": {"secretsmanager:resource/AllowRotationLambdaArn": self.function_arn}}
        group = f"arn:aws:logs:{region}:{account}:log-group:/aws/lambda/{self.function_name}"
        statements: list[dict[str, Any]] = [
            _allow([f"secretsmanager:{action}" for action in VERSION_ACTIONS], self.arn) | {"Condition": own},
            _allow(["secretsmanager:GetRandomPassword"], "*"),
            _allow(["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], [group, f"{group}:*"]),
        ]
        keys = {self._key}
        if self._superuser is not None:
            statements.append(_allow(["secretsmanager:GetSecretValue"], self._superuser["ARN"]))
            keys.add(self._superuser.get("KmsKeyId"))
        named = sorted(self._key_arn(key, region, account) for key in keys if key and not key.endswith("alias/aws/secretsmanager"))
        if named:
            through = {"StringEquals": {"kms:ViaService": f"secretsmanager.{region}.amazonaws.com"}}
            statements.append(_allow(["kms:Decrypt", "kms:GenerateDataKey"], named) | {"Condition": through})
        return {"Version": "2012-10-17", "Statement": statements}

    def role(self) -> tuple[str, bool]:
        """Its ARN, and whether it is new."""
        made = True
        try:
            arn = self._iam.create_role(
                RoleName=self.role_name,
                AssumeRolePolicyDocument=json.dumps(TRUST),
                Description=f"For the rotation of {self._name}",
            )["Role"]["Arn"]
        except self._iam.exceptions.EntityAlreadyExistsException:
            arn, made = self._iam.get_role(RoleName=self.role_name)["Role"]["Arn"], False
        self._iam.put_role_policy(RoleName=self.role_name, PolicyName="rotation", PolicyDocument=json.dumps(self.policy()))
        return str(arn), made

    def function(self, role_arn: str) -> bool:
        """Make the function, or bring one that is there to what it has to be; whether it is new."""
        code = archive(self.kind, alternating=self._alternating)
        asked = {"Handler": handler(self.kind, alternating=self._alternating), "Role": role_arn, "Timeout": TIMEOUT_S, "Runtime": RUNTIME}
        try:
            found = self._functions.get_function_configuration(FunctionName=self.function_name)
        except self._functions.exceptions.ResourceNotFoundException:
            self._create(code, asked)
            return True
        if found["CodeSha256"] != base64.b64encode(hashlib.sha256(code).digest()).decode():
            self._functions.update_function_code(FunctionName=self.function_name, ZipFile=code)
            self._ready("function_updated_v2")
        if any(found.get(name) != value for name, value in asked.items()):
            self._functions.update_function_configuration(FunctionName=self.function_name, **asked)
            self._ready("function_updated_v2")
        return False

    def permission(self) -> bool:
        """Secrets Manager may invoke the function, for this account; whether that is new."""
        try:
            self._functions.add_permission(
                FunctionName=self.function_name,
                StatementId=STATEMENT,
                Action="lambda:InvokeFunction",
                Principal="secretsmanager.amazonaws.com",
                SourceAccount=self.arn.split(":")[4],
            )
        except self._functions.exceptions.ResourceConflictException:
            return False
        return True

    def name_superuser(self) -> bool:
        """The JSON says with whose secret the second user is made; whether it had to be written there."""
        if self._superuser is None or self.values.get("masterarn") == self._superuser["ARN"]:
            return False
        self.values["masterarn"] = self._superuser["ARN"]
        self._secrets.put_secret_value(SecretId=self.arn, SecretString=json.dumps(self.values))
        return True

    def rotate(self, days: int) -> str:
        """Switch it on, and begin the first rotation, or take up again one that broke off; the version that is to be."""
        self._errors_before = {event["eventId"] for event in self._errors()}
        try:
            answer = self._rotate_secret(days, at_once=True)
        except self._secrets.exceptions.InvalidRequestException as error:
            if "previous rotation" not in str(error):
                raise
            self._days_later = days
            stages = self._secrets.describe_secret(SecretId=self.arn)["VersionIdsToStages"]
            return next(str(version) for version, labels in stages.items() if "AWSPENDING" in labels)
        return str(answer["VersionId"])

    def finished(self, version: str) -> Rotated:
        """Wait until AWSCURRENT has moved; raises with the function's own words once it has failed, though it will be tried again."""
        end = time.monotonic() + PATIENCE.total_seconds()
        while time.monotonic() < end:
            found = self._secrets.describe_secret(SecretId=self.arn)
            if "AWSCURRENT" in found["VersionIdsToStages"].get(version, []) and "LastRotatedDate" in found:
                if self._days_later is not None:
                    self._rotate_secret(self._days_later, at_once=False)
                    found = self._secrets.describe_secret(SecretId=self.arn)
                return Rotated(version, found.get("NextRotationDate"))
            new = [event["message"] for event in self._errors() if event["eventId"] not in self._errors_before]
            if new:
                words = new[0].splitlines()[0].strip()
                raise CannotRotate(f"{words}\nAWSCURRENT is where it was; Secrets Manager will try again.")
            time.sleep(POLL_S)  # noqa: TID251 - a client waits in its own time
        raise CannotRotate(f"AWSCURRENT has not moved within {PATIENCE.seconds} s; the log of {self.function_name} may say why.")

    def _rotate_secret(self, days: int, *, at_once: bool) -> dict[str, Any]:
        rules = {"AutomaticallyAfterDays": days}
        answer: dict[str, Any] = self._secrets.rotate_secret(
            SecretId=self.arn, RotationLambdaARN=self.function_arn, RotationRules=rules, RotateImmediately=at_once
        )
        return answer

    def _errors(self) -> list[dict[str, Any]]:
        """What the function logged of its failures."""
        pages = self._logs.get_paginator("filter_log_events")
        group, pattern = f"/aws/lambda/{self.function_name}", '?"[ERROR]" ?"Task timed out"'
        try:
            return [event for page in pages.paginate(logGroupName=group, filterPattern=pattern) for event in page["events"]]
        except self._logs.exceptions.ResourceNotFoundException:
            return []  # it has not run yet

    def _create(self, code: bytes, asked: dict[str, Any]) -> None:
        """A role that is seconds old is not usable everywhere yet on AWS."""
        end = time.monotonic() + READY_S
        while True:
            try:
                self._functions.create_function(
                    FunctionName=self.function_name, Code={"ZipFile": code}, Description=f"Rotates {self._name}", **asked
                )
                break
            except self._functions.exceptions.InvalidParameterValueException as error:
                if "cannot be assumed" not in str(error) or time.monotonic() > end:
                    raise
                time.sleep(1)  # noqa: TID251 - a client waits in its own time
        self._ready("function_active_v2")

    def _ready(self, waiter: str) -> None:
        self._functions.get_waiter(waiter).wait(FunctionName=self.function_name, WaiterConfig={"Delay": 1})

    def _json(self, name: str) -> dict[str, Any]:
        answer = self._secrets.get_secret_value(SecretId=name)
        try:
            values = json.loads(answer["SecretString"])
        except (KeyError, ValueError):
            values = None
        if not isinstance(values, dict):
            raise CannotRotate(f"{name} is no JSON object with engine, host, username and password.")
        missing = [each for each in ("engine", "host", "username", "password") if each not in values]
        if missing:
            raise CannotRotate(f"{name} has no {', '.join(missing)} in its JSON.")
        return values

    def _check_superuser(self, using: str) -> None:
        superuser = self._json(using)
        if superuser["host"] != self.values["host"]:
            raise CannotRotate(f"{using} is for the host {superuser['host']}, the secret for {self.values['host']}.")
        if superuser["username"] == self.values["username"]:
            raise CannotRotate(f"{using} is the same user, {superuser['username']}: alternating users need a superuser beside them.")

    def _key_arn(self, key: str, region: str, account: str) -> str:
        return key if key.startswith("arn:") else f"arn:aws:kms:{region}:{account}:key/{key}"


def _allow(actions: list[str], resource: str | list[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource}
