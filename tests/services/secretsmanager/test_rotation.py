"""Rotation, by functions that really run. Truth: the user guide ("Rotation by Lambda function") and the API reference."""

import io
import json
import time
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

SOURCE = """
import json
import boto3

def handler(event, context):
    secrets = boto3.client("secretsmanager")
    arn, token, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
    described = secrets.describe_secret(SecretId=arn)
    assert described["RotationEnabled"]
    stages = described["VersionIdsToStages"]
    print("STEP", step)
    if "AWSCURRENT" in stages[token]:
        return
    assert "AWSPENDING" in stages[token]
    current = json.loads(secrets.get_secret_value(SecretId=arn, VersionStage="AWSCURRENT")["SecretString"])
    if current.get("fails") == step:
        raise ValueError(f"{step}: Unable to log into database")
    if step == "createSecret":
        try:
            secrets.get_secret_value(SecretId=arn, VersionId=token, VersionStage="AWSPENDING")
        except secrets.exceptions.ResourceNotFoundException:
            current["password"] = secrets.get_random_password(ExcludeCharacters="/@")["RandomPassword"]
            text = json.dumps(current)
            secrets.put_secret_value(SecretId=arn, ClientRequestToken=token, SecretString=text, VersionStages=["AWSPENDING"],
                                     RotationToken=event["RotationToken"])
    if step == "testSecret":
        secrets.get_secret_value(SecretId=arn, VersionId=token, VersionStage="AWSPENDING")
    if step == "finishSecret":
        now = next(version for version in stages if "AWSCURRENT" in stages[version])
        secrets.update_secret_version_stage(
            SecretId=arn, VersionStage="AWSCURRENT", MoveToVersionId=token, RemoveFromVersionId=now
        )
"""
IDLE = "def handler(event, context):\n    return None\n"
TOKEN = "r" * 32


class Rotator:
    """Secrets of one account, and functions that rotate them."""

    def __init__(self, aws: Any, settled: Callable[..., Any]) -> None:
        self.aws = aws
        self.secrets = aws.client("secretsmanager")
        self._settled = settled

    def function(self, source: str = SOURCE, *, name: str = "rotator", permitted: bool = True) -> str:
        iam, functions = self.aws.client("iam"), self.aws.client("lambda")
        allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": trust}))["Role"]
        iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": allow}))
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("index.py", source)
        code = {"ZipFile": buffer.getvalue()}
        arn: str = functions.create_function(
            FunctionName=name, Runtime="python3.11", Role=role["Arn"], Handler="index.handler", Code=code, Timeout=30
        )["FunctionArn"]
        if permitted:
            principal = "secretsmanager.amazonaws.com"
            functions.add_permission(FunctionName=name, StatementId="rotate", Principal=principal, Action="lambda:InvokeFunction")
        return arn

    def secret(self, **content: Any) -> str:
        value = {"password": "first"} | content
        version: str = self.secrets.create_secret(Name="db", SecretString=json.dumps(value))["VersionId"]
        return version

    def stages(self) -> dict[str, list[str]]:
        stages: dict[str, list[str]] = self.secrets.describe_secret(SecretId="db")["VersionIdsToStages"]
        return stages

    def password(self, **version: str) -> str:
        password: str = json.loads(self.secrets.get_secret_value(SecretId="db", **version)["SecretString"])["password"]
        return password

    def has_rotated(self, version: str) -> None:
        """Wait until this version is the current one and the rotation's end is noted."""
        self._settled(lambda: "AWSCURRENT" in self.stages().get(version, ()))
        self._settled(lambda: "LastRotatedDate" in self.secrets.describe_secret(SecretId="db"))

    def steps(self, name: str = "rotator") -> list[str]:
        logs = self.aws.client("logs")
        try:
            events = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}", filterPattern="STEP")["events"]
        except logs.exceptions.ResourceNotFoundException:
            return []  # nothing has been shipped yet
        return [event["message"].split()[1] for event in events]


@pytest.fixture
def rotator(aws: Any, settled: Callable[..., Any]) -> Rotator:
    return Rotator(aws, settled)


@pytest.mark.slow
def test_a_secret_rotates_at_once_and_again_after_sixty_days(rotator: Rotator, refused: Any, clock: Any, settled: Any, events: Any) -> None:
    first = rotator.secret()
    function = rotator.function()
    answer = rotator.secrets.rotate_secret(
        SecretId="db", RotationLambdaARN=function, RotationRules={"AutomaticallyAfterDays": 60}, ClientRequestToken=TOKEN
    )
    assert answer["VersionId"] == TOKEN
    rotator.has_rotated(TOKEN)
    assert rotator.stages()[first] == ["AWSPREVIOUS"]
    assert "AWSCURRENT" in rotator.stages()[TOKEN]
    assert len(rotator.password()) == 32
    assert rotator.password(VersionStage="AWSPREVIOUS") == "first"
    with refused("InvalidParameterException", "RotationToken"):
        rotator.secrets.put_secret_value(SecretId="db", SecretString="x", RotationToken="0" * 36)
    described = rotator.secrets.describe_secret(SecretId="db")
    assert described["RotationEnabled"] is True
    assert described["RotationRules"] == {"AutomaticallyAfterDays": 60}
    last, due = described["LastRotatedDate"].astimezone(UTC), described["NextRotationDate"].astimezone(UTC)
    assert (due.date() - last.date(), due.time().isoformat()) == (timedelta(days=60), "23:59:59")
    settled(lambda: "RotationSucceeded" in events.names)
    assert events.names == ["RotationStarted", "RotationSucceeded"]
    settled(lambda: len(rotator.steps()) == 4)  # Lambda has shipped its log
    clock.advance(timedelta(days=59))
    assert "AWSCURRENT" in rotator.stages()[TOKEN]
    clock.advance(timedelta(days=1))
    settled(lambda: rotator.stages().get(TOKEN) == ["AWSPREVIOUS"])
    settled(lambda: rotator.secrets.describe_secret(SecretId="db")["LastRotatedDate"] > last + timedelta(days=59))
    again = rotator.secrets.describe_secret(SecretId="db")["NextRotationDate"]
    assert again.astimezone(UTC).date() == due.date() + timedelta(days=60)
    settled(lambda: len(rotator.steps()) >= 8)
    assert rotator.steps() == ["createSecret", "setSecret", "testSecret", "finishSecret"] * 2


@pytest.mark.slow
@pytest.mark.parametrize("step", ["createSecret", "setSecret", "testSecret", "finishSecret"])
def test_a_step_that_fails_leaves_the_current_secret_and_says_why(
    rotator: Rotator, refused: Any, settled: Any, events: Any, step: str
) -> None:
    first = rotator.secret(fails=step)
    function = rotator.function()
    rules = {"AutomaticallyAfterDays": 60}
    rotator.secrets.rotate_secret(SecretId="db", RotationLambdaARN=function, RotationRules=rules, ClientRequestToken=TOKEN)
    told = settled(lambda: events.outcomes)
    described = rotator.secrets.describe_secret(SecretId="db")
    assert described["VersionIdsToStages"] == {first: ["AWSCURRENT"], TOKEN: ["AWSPENDING"]}
    assert "LastRotatedDate" not in described
    assert rotator.password() == "first"
    assert told[0] | {"at": None} == {
        "secret": described["ARN"],
        "at": None,
        "outcome": "failed",
        "step": step,
        "error": f"ValueError: {step}: Unable to log into database",
        "attempts": 1,
    }
    assert events.names[:2] == ["RotationStarted", "RotationFailed"]
    with refused("InvalidRequestException", "A previous rotation isn't complete. That rotation will be reattempted."):
        rotator.secrets.rotate_secret(SecretId="db", ClientRequestToken="q" * 32)
    # the cause is mended: the same rotation comes to its end by itself
    rotator.secrets.update_secret_version_stage(SecretId="db", VersionStage="AWSPENDING", RemoveFromVersionId=TOKEN)
    rotator.secrets.put_secret_value(SecretId="db", SecretString=json.dumps({"password": "second"}))
    rotator.secrets.rotate_secret(SecretId="db", ClientRequestToken="q" * 32)
    rotator.has_rotated("q" * 32)
    assert rotator.password(VersionStage="AWSPREVIOUS") == "second"


@pytest.mark.slow
def test_a_rotation_that_failed_is_tried_again_and_then_left(rotator: Rotator, clock: Any, settled: Any, events: Any) -> None:
    first = rotator.secret(fails="setSecret")
    function = rotator.function()
    rotator.secrets.rotate_secret(
        SecretId="db", RotationLambdaARN=function, RotationRules={"AutomaticallyAfterDays": 30}, ClientRequestToken=TOKEN
    )
    for attempts in range(1, 6):
        settled(lambda wanted=attempts: len(events.outcomes) == wanted)
        clock.advance(timedelta(minutes=10))
    assert [told["attempts"] for told in events.outcomes] == [1, 2, 3, 4, 5]
    clock.advance(timedelta(hours=1))
    assert rotator.stages() == {first: ["AWSCURRENT"], TOKEN: ["AWSPENDING"]}
    # the next window takes the same rotation up again
    clock.advance(timedelta(days=30))
    settled(lambda: len(events.outcomes) == 6)
    assert events.outcomes[-1]["attempts"] == 1
    assert rotator.stages() == {first: ["AWSCURRENT"], TOKEN: ["AWSPENDING"]}
    assert rotator.secrets.cancel_rotate_secret(SecretId="db")["VersionId"] == TOKEN
    described = rotator.secrets.describe_secret(SecretId="db")
    assert described["RotationEnabled"] is False
    assert described["RotationRules"] == {"AutomaticallyAfterDays": 30}
    assert "NextRotationDate" not in described


@pytest.mark.slow
def test_a_function_that_does_nothing_has_not_rotated(rotator: Rotator, settled: Any, events: Any) -> None:
    first = rotator.secret()
    rotator.secrets.rotate_secret(SecretId="db", RotationLambdaARN=rotator.function(IDLE), ClientRequestToken=TOKEN)
    told = settled(lambda: events.outcomes)
    assert (told[0]["step"], told[0]["error"]) == ("finishSecret", f"the function did not move AWSCURRENT to version {TOKEN}")
    assert rotator.stages() == {first: ["AWSCURRENT"], TOKEN: ["AWSPENDING"]}
    listed = rotator.secrets.list_secret_version_ids(SecretId="db")["Versions"]
    assert [version["VersionId"] for version in listed] == [first]


@pytest.mark.slow
def test_windows_that_passed_unseen_are_one_rotation(rotator: Rotator, clock: Any, settled: Any, events: Any) -> None:
    rotator.secret()
    rules = {"ScheduleExpression": "cron(0 8 * * ? *)", "Duration": "2h"}
    rotator.secrets.rotate_secret(SecretId="db", RotationLambdaARN=rotator.function(), RotationRules=rules, ClientRequestToken=TOKEN)
    settled(lambda: events.names.count("RotationSucceeded") == 1)
    clock.advance(timedelta(days=100))
    settled(lambda: events.names.count("RotationSucceeded") == 2)
    described = rotator.secrets.describe_secret(SecretId="db")
    assert timedelta() < described["NextRotationDate"] - described["LastRotatedDate"] < timedelta(hours=26)
    assert described["NextRotationDate"].astimezone(UTC).time().isoformat() == "09:59:59"
    assert described["RotationRules"] == rules | {"AutomaticallyAfterDays": 1}
    time.sleep(0.3)
    assert events.names.count("RotationStarted") == 2


HANGS = SOURCE.replace("def handler(event, context):", "def handler(event, context):\n    import time\n    time.sleep(60)")


@pytest.mark.slow
def test_a_function_that_hangs_is_timed_out_and_the_current_secret_is_valid(rotator: Rotator, settled: Any, events: Any) -> None:
    rotator.secret()
    function = rotator.function(HANGS)
    rotator.aws.client("lambda").update_function_configuration(FunctionName="rotator", Timeout=1)
    rotator.secrets.rotate_secret(SecretId="db", RotationLambdaARN=function, ClientRequestToken=TOKEN)
    told = settled(lambda: events.outcomes)
    assert told[0]["step"] == "createSecret"
    assert "timed out" in told[0]["error"]
    assert rotator.password() == "first"
    rotator.secrets.cancel_rotate_secret(SecretId="db")


@pytest.mark.slow
def test_a_version_label_taken_away_stops_the_rotation(rotator: Rotator, settled: Any, events: Any) -> None:
    first = rotator.secret(fails="createSecret")
    rotator.secrets.rotate_secret(SecretId="db", RotationLambdaARN=rotator.function(), ClientRequestToken=TOKEN)
    settled(lambda: "RotationFailed" in events.names)
    rotator.secrets.update_secret_version_stage(SecretId="db", VersionStage="AWSPENDING", RemoveFromVersionId=TOKEN)
    settled(lambda: "RotationAbandoned" in events.names)
    assert rotator.stages() == {first: ["AWSCURRENT"]}
    listed = rotator.secrets.list_secret_version_ids(SecretId="db", IncludeDeprecated=True)["Versions"]
    assert [version["VersionId"] for version in listed] == [first]


@pytest.mark.slow
def test_what_was_due_while_the_secret_was_to_be_deleted_is_due_when_it_comes_back(rotator: Rotator, clock: Any, settled: Any) -> None:
    rotator.secret()
    rules = {"ScheduleExpression": "rate(4 hours)"}
    rotator.secrets.rotate_secret(SecretId="db", RotationLambdaARN=rotator.function(), RotationRules=rules, ClientRequestToken=TOKEN)
    rotator.has_rotated(TOKEN)
    rotator.secrets.delete_secret(SecretId="db")
    clock.advance(timedelta(days=1))
    rotator.secrets.restore_secret(SecretId="db")
    settled(lambda: rotator.stages().get(TOKEN) == ["AWSPREVIOUS"])


@pytest.mark.slow
def test_cloudtrail_has_what_secrets_manager_did_by_itself(rotator: Rotator, aws: Any, settled: Any) -> None:
    """Truth: "Log Secrets Manager events with CloudTrail" of the user guide."""
    rotator.secret()
    rules = {"AutomaticallyAfterDays": 60}
    rotator.secrets.rotate_secret(SecretId="db", RotationLambdaARN=rotator.function(), RotationRules=rules, ClientRequestToken=TOKEN)
    rotator.has_rotated(TOKEN)
    arn = rotator.secrets.describe_secret(SecretId="db")["ARN"]
    trail = aws.client("cloudtrail")

    def recorded(key: str, value: str) -> list[dict[str, Any]]:
        found = trail.lookup_events(LookupAttributes=[{"AttributeKey": key, "AttributeValue": value}])["Events"]
        return [json.loads(each["CloudTrailEvent"]) for each in found]

    (event,) = settled(lambda: recorded("EventName", "RotationSucceeded"))
    assert event["eventType"] == "AwsServiceEvent"
    assert event["userIdentity"] == {"accountId": aws.account, "invokedBy": "secretsmanager.amazonaws.com"}
    assert event["additionalEventData"] == {"SecretId": arn}
    assert (event["requestParameters"], event["sourceIPAddress"]) == (None, "secretsmanager.amazonaws.com")
    assert {"RotationStarted", "RotationSucceeded"} <= {each["eventName"] for each in recorded("ResourceName", arn)}


def test_a_pending_version_put_by_hand_can_be_the_first_rotation(rotator: Rotator, refused: Any) -> None:
    """Our reading of ClientRequestToken: a rotation of that very version."""
    rotator.secret()
    value = json.dumps({"password": "by hand"})
    rotator.secrets.put_secret_value(SecretId="db", SecretString=value, ClientRequestToken=TOKEN, VersionStages=["AWSPENDING"])
    settings = {"RotationLambdaARN": rotator.function(), "RotationRules": {"AutomaticallyAfterDays": 60}}
    with refused("InvalidRequestException", "A previous rotation isn't complete"):
        rotator.secrets.rotate_secret(SecretId="db", **settings)
    assert "RotationEnabled" not in rotator.secrets.describe_secret(SecretId="db")
    rotator.secrets.rotate_secret(SecretId="db", ClientRequestToken=TOKEN, **settings)
    rotator.has_rotated(TOKEN)
    assert rotator.password() == "by hand"
    assert rotator.secrets.describe_secret(SecretId="db")["RotationRules"] == {"AutomaticallyAfterDays": 60}


def test_a_value_put_by_hand_puts_off_a_rotation_that_counts_days(rotator: Rotator, clock: Any) -> None:
    rotator.secret()
    function = rotator.function()
    rotator.secrets.rotate_secret(
        SecretId="db", RotationLambdaARN=function, RotationRules={"AutomaticallyAfterDays": 10}, ClientRequestToken=TOKEN
    )
    rotator.has_rotated(TOKEN)
    due = rotator.secrets.describe_secret(SecretId="db")["NextRotationDate"]
    clock.advance(timedelta(days=5))
    rotator.secrets.put_secret_value(SecretId="db", SecretString='{"password": "mine"}')
    assert rotator.secrets.describe_secret(SecretId="db")["NextRotationDate"] == due + timedelta(days=5)


@pytest.mark.slow
def test_a_value_put_by_hand_abandons_the_rotation(rotator: Rotator, settled: Any, events: Any) -> None:
    rotator.secret(fails="setSecret")
    rotator.secrets.rotate_secret(SecretId="db", RotationLambdaARN=rotator.function(), ClientRequestToken=TOKEN)
    settled(lambda: "RotationFailed" in events.names)
    put = rotator.secrets.put_secret_value(SecretId="db", SecretString='{"password": "mine"}')["VersionId"]
    stages = rotator.stages()
    assert stages[put] == ["AWSCURRENT"]
    assert not any("AWSPENDING" in several for several in stages.values())
    settled(lambda: "RotationAbandoned" in events.names)


@pytest.mark.slow
def test_rotation_for_later_tests_the_function_and_changes_nothing(rotator: Rotator, settled: Any, events: Any) -> None:
    first = rotator.secret()
    rotator.secrets.rotate_secret(
        SecretId="db",
        RotationLambdaARN=rotator.function(),
        RotationRules={"ScheduleExpression": "cron(0 16 1,15 * ? *)", "Duration": "2h"},
        RotateImmediately=False,
    )
    settled(lambda: "TestRotationSucceeded" in events.names)
    settled(rotator.steps)
    assert rotator.steps() == ["testSecret"]
    assert rotator.stages() == {first: ["AWSCURRENT"]}
    assert rotator.password() == "first"
    described = rotator.secrets.describe_secret(SecretId="db")
    due = described["NextRotationDate"].astimezone(UTC)
    assert due.day in {1, 15}
    assert due.time().isoformat() == "17:59:59"
    assert described["RotationRules"] == {"ScheduleExpression": "cron(0 16 1,15 * ? *)", "Duration": "2h"}


@pytest.mark.slow
def test_a_function_that_lets_nobody_in_is_refused_at_once(rotator: Rotator, refused: Any) -> None:
    rotator.secret()
    closed = rotator.function(IDLE, permitted=False)
    rules = {"AutomaticallyAfterDays": 1}
    for function in (closed, closed.replace("rotator", "nobody")):
        with refused("AccessDeniedException", "Secrets Manager cannot invoke the specified Lambda function."):
            rotator.secrets.rotate_secret(SecretId="db", RotationLambdaARN=function, RotationRules=rules)
    request = {"StatementId": "s", "Principal": "secretsmanager.amazonaws.com", "Action": "lambda:InvokeFunction"}
    arn = rotator.secrets.describe_secret(SecretId="db")["ARN"]
    functions = rotator.aws.client("lambda")
    functions.add_permission(FunctionName="rotator", SourceArn=arn[:-6] + "zzzzzz", **request)
    with refused("AccessDeniedException", "Secrets Manager cannot invoke"):
        rotator.secrets.rotate_secret(SecretId="db", RotationLambdaARN=closed, RotationRules=rules)
    with refused("InvalidRequestException", "No Lambda rotation function ARN is associated with this secret."):
        rotator.secrets.rotate_secret(SecretId="db")
    assert "RotationEnabled" not in rotator.secrets.describe_secret(SecretId="db")


BAD_RULES = {
    "both": {"AutomaticallyAfterDays": 1, "ScheduleExpression": "rate(1 day)"},
    "neither": {"Duration": "2h"},
    "no schedule": {"ScheduleExpression": "now"},
    "too often": {"ScheduleExpression": "rate(3 hours)"},
    "in minutes": {"ScheduleExpression": "rate(250 minutes)"},
    "five fields": {"ScheduleExpression": "cron(0 8 * * ?)"},
    "not on the hour": {"ScheduleExpression": "cron(30 8 * * ? *)"},
    "both days": {"ScheduleExpression": "cron(0 8 1 * MON *)"},
    "in one year": {"ScheduleExpression": "cron(0 8 1 * ? 2030)"},
    "every hour": {"ScheduleExpression": "cron(0 * * * ? *)"},
    "once": {"ScheduleExpression": "at(2030-01-01T00:00:00)"},
    "into the next day": {"ScheduleExpression": "cron(0 20 * * ? *)", "Duration": "5h"},
    "into the next window": {"ScheduleExpression": "rate(4 hours)", "Duration": "5h"},
    "too long": {"AutomaticallyAfterDays": 1, "Duration": "25h"},
}


@pytest.mark.parametrize("rules", BAD_RULES.values(), ids=BAD_RULES)
def test_rules_that_cannot_be_kept(aws: Any, secretsmanager: Any, refused: Any, rules: dict[str, Any]) -> None:
    secretsmanager.create_secret(Name="db", SecretString="a")
    code = "ValidationException" if rules.get("ScheduleExpression", "").startswith("at(") else "InvalidParameterException"
    with refused(code):
        secretsmanager.rotate_secret(
            SecretId="db", RotationLambdaARN=f"arn:aws:lambda:us-east-1:{aws.account}:function:f", RotationRules=rules
        )


def test_the_clock_says_when_a_window_opens_and_closes() -> None:
    from headwater.services.secretsmanager.model import Rules
    from headwater.services.secretsmanager.rules import window

    since = datetime(2024, 2, 27, 9, 30, tzinfo=UTC)

    def next_of(**rules: Any) -> tuple[str, str]:
        found = window(Rules(**rules), since)
        assert found is not None
        return found[0].strftime("%m-%d %H:%M"), found[1].strftime("%m-%d %H:%M:%S")

    assert next_of(days=2) == ("02-29 00:00", "02-29 23:59:59")
    assert next_of(days=2, duration="3h") == ("02-29 00:00", "02-29 02:59:59")
    assert next_of(expression="rate(10 days)") == ("03-08 00:00", "03-08 23:59:59")
    assert next_of(expression="rate(4 hours)") == ("02-27 12:00", "02-27 12:59:59")
    assert next_of(expression="rate(12 hours)", duration="2h") == ("02-27 12:00", "02-27 13:59:59")
    assert next_of(expression="cron(0 8 * * ? *)") == ("02-28 08:00", "02-28 23:59:59")
    assert next_of(expression="cron(0 8,16 * * ? *)") == ("02-27 16:00", "02-27 16:59:59")
    assert next_of(expression="cron(0 0 L * ? *)", duration="4h") == ("02-29 00:00", "02-29 03:59:59")
    assert next_of(expression="cron(0 1 ? * SUN#1 *)") == ("03-03 01:00", "03-03 23:59:59")
    assert window(Rules(), since) is None
