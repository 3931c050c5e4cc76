"""`headwater secrets rotate`: what the console does, in one command. Truth: "Set up automatic rotation" of its guide; our own words."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from headwater.cli.app import app
from rotations import Database, logs_in

Command = Callable[..., Result]
VALUES = {"engine": "mysql", "host": "127.0.0.1", "port": 3306, "username": "u", "password": "p", "dbname": "d"}


@pytest.fixture
def rotate(aws: Any) -> Command:
    """The command, as the account's root; all that it said is in `.output`."""

    def run(*words: str) -> Result:
        keys = {"AWS_ENDPOINT_URL": aws.endpoint_url, "AWS_ACCESS_KEY_ID": aws.account, "AWS_SECRET_ACCESS_KEY": "test", "COLUMNS": "200"}
        return CliRunner(env=keys).invoke(app, ["secrets", "rotate", *words])

    return run


@pytest.fixture
def store(aws: Any) -> Callable[..., str]:
    """Make a secret of these values; its ARN."""

    def make(name: str, values: dict[str, Any] | str, **options: Any) -> str:
        text = values if isinstance(values, str) else json.dumps(values)
        return str(aws.client("secretsmanager").create_secret(Name=name, SecretString=text, **options)["ARN"])

    return make


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["mysql", "postgres"])
def test_one_command_rotates_at_once_and_by_itself_every_so_many_days(
    request: pytest.FixtureRequest, engine: str, aws: Any, clock: Any, rotate: Command, store: Callable[..., str]
) -> None:
    database: Database = request.getfixturevalue(engine)
    own = database.user()
    arn = store("app/db", own)
    done = rotate("app/db", "--every", "60d")
    assert done.exit_code == 0, done.output
    secrets = aws.client("secretsmanager")
    described = secrets.describe_secret(SecretId="app/db")
    version = next(version for version, stages in described["VersionIdsToStages"].items() if "AWSCURRENT" in stages)
    function = described["RotationLambdaARN"]
    for words in (
        f"made function: {function}",
        "made role: arn:aws:iam::",
        "made permission",
        f"AWSCURRENT is version {version}",
        "60 days",
    ):
        assert words in done.output
    assert (described["RotationEnabled"], described["RotationRules"]) == (True, {"AutomaticallyAfterDays": 60})
    after = json.loads(secrets.get_secret_value(SecretId="app/db")["SecretString"])
    assert (logs_in(after), logs_in(own), after["username"]) == (True, False, own["username"])
    the_role_may_do_no_more_than_it_must(aws, function.rpartition(":")[2], arn)
    clock.advance(timedelta(days=60))
    again = rotate("app/db", "--every", "30d")  # whether or not the one that was due is done
    assert again.exit_code == 0, again.output
    assert "made" not in again.output
    assert secrets.describe_secret(SecretId="app/db")["RotationRules"] == {"AutomaticallyAfterDays": 30}
    assert len(aws.client("lambda").list_functions()["Functions"]) == 1


def the_role_may_do_no_more_than_it_must(aws: Any, function: str, arn: str) -> None:
    policy = aws.client("iam").get_role_policy(RoleName=f"{function}-role", PolicyName="rotation")["PolicyDocument"]
    for statement in policy["Statement"]:
        if any(action.startswith("secretsmanager:") and action != "secretsmanager:GetRandomPassword" for action in statement["Action"]):
            assert statement["Resource"] == arn
            assert list(statement["Condition"]["StringEquals"]) == ["secretsmanager:resource/AllowRotationLambdaArn"]
    assert aws.client("iam").list_attached_role_policies(RoleName=f"{function}-role")["AttachedPolicies"] == []


@pytest.mark.slow
def test_with_a_superusers_secret_two_users_take_turns(mysql: Database, rotate: Command, store: Callable[..., str], aws: Any) -> None:
    own = mysql.user()
    superuser = store("super", mysql.master)
    store("app", own)
    for user in (f"{own['username']}_clone", own["username"]):
        before = json.loads(aws.client("secretsmanager").get_secret_value(SecretId="app")["SecretString"])
        done = rotate("app", "--every", "60d", "--using", "super")
        assert done.exit_code == 0, done.output
        after = json.loads(aws.client("secretsmanager").get_secret_value(SecretId="app")["SecretString"])
        assert (after["username"], after["masterarn"]) == (user, superuser)
        assert logs_in(before)
        assert logs_in(after)


@pytest.mark.slow
def test_why_a_rotation_failed_is_told(mysql: Database, rotate: Command, store: Callable[..., str]) -> None:
    store("app", mysql.user() | {"password": "mistyped"})
    done = rotate("app", "--every", "60d")
    assert done.exit_code == 1
    assert "setSecret: Unable to log into database" in done.output
    assert "AWSCURRENT is where it was" in done.output


def test_a_unfit_secret_is_told(rotate: Command, store: Callable[..., str]) -> None:
    store("text", "hello")
    store("empty", {})
    store("oracle", VALUES | {"engine": "oracle"})
    store("app", VALUES)
    store("elsewhere", VALUES | {"host": "127.0.0.2", "username": "admin"})
    for words, says in (
        (["text"], "text is no JSON object"),
        (["empty"], "empty has no engine, host, username, password"),
        (["oracle"], "there are functions for mysql, mariadb, aurora-mysql, postgres, aurora-postgresql"),
        (["nothing"], "ResourceNotFoundException"),
        (["app", "--using", "elsewhere"], "elsewhere is for the host 127.0.0.2, the secret for 127.0.0.1"),
        (["app", "--using", "app"], "alternating users need a superuser beside them"),
    ):
        done = rotate(*words, "--every", "60d")
        assert (done.exit_code, says in done.output) == (1, True), done.output


@pytest.mark.parametrize("every", ["0d", "1001d", "60", "2h", "soon", "-1d"])
def test_what_is_no_number_of_days_is_told(rotate: Command, every: str) -> None:
    done = rotate("app", f"--every={every}")
    assert (done.exit_code, "is no number of days from 1d to 1000d" in done.output) == (2, True), done.output
