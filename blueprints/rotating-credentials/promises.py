"""The post's other promises, each as a short check: least privilege, a second factor, tags, alarms on deletion, audit, other secrets."""

import base64
import hashlib
import hmac
import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import boto3
import credentials
import token_server
from botocore.exceptions import ClientError
from credentials import ACCOUNT, DAYS, REGION, Case, allow, document

OTHER = "Applications/OtherApp/Token"
READ = "secretsmanager:GetSecretValue"
USER = "dba"
SEEN_WITHIN_S = 30
LAMBDA = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
LOGS = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


class Run(Protocol):
    aws: boto3.session.Session

    def check(self, holds: bool, words: str) -> bool: ...


def check_all(run: Run, case: Case) -> None:
    secrets = run.aws.client("secretsmanager")
    credentials.forget_secret(run.aws, OTHER)
    secrets.create_secret(Name=OTHER, SecretString="of somebody else", Tags=[{"Key": "application", "Value": "OtherApp"}])
    chosen_from_a_list(run, case)
    least_privilege(run, case)
    second_factor(run, case)
    tags(run, case)
    oauth(run)
    deletion(run)
    audit(run)


def code(call: Callable[[], Any]) -> str:
    """The error's code, or "" for a success."""
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


@contextmanager
def somebody(run: Run, *statements: dict[str, Any]) -> Iterator[boto3.session.Session]:
    """A user under these statements alone."""
    iam = run.aws.client("iam")
    forget_user(run)
    iam.create_user(UserName=USER)
    iam.put_user_policy(UserName=USER, PolicyName="own", PolicyDocument=document(*statements))
    key = iam.create_access_key(UserName=USER)["AccessKey"]
    yield boto3.session.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=REGION)
    forget_user(run)


def forget_user(run: Run) -> None:
    iam = run.aws.client("iam")
    if code(lambda: iam.get_user(UserName=USER)):
        return
    for device in iam.list_mfa_devices(UserName=USER)["MFADevices"]:
        iam.deactivate_mfa_device(UserName=USER, SerialNumber=device["SerialNumber"])
        iam.delete_virtual_mfa_device(SerialNumber=device["SerialNumber"])
    for key in iam.list_access_keys(UserName=USER)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=USER, AccessKeyId=key["AccessKeyId"])
    for name in iam.list_user_policies(UserName=USER)["PolicyNames"]:
        iam.delete_user_policy(UserName=USER, PolicyName=name)
    iam.delete_user(UserName=USER)


def chosen_from_a_list(run: Run, case: Case) -> None:
    named = credentials.values_of(run.aws, case.secret)["dbInstanceIdentifier"]
    listed = [each["DBInstanceIdentifier"] for each in run.aws.client("rds").describe_db_instances()["DBInstances"]]
    run.check(named in listed, f"the secret's database {named} is one of the account's")


def least_privilege(run: Run, case: Case) -> None:
    """MyAppRole reads its own secret and can do nothing else; as the post prints it, the policy matches no secret at all."""
    keys = credentials.build_role(run.aws, case.secret)
    own = credentials.as_application(keys).client("secretsmanager")
    run.check(code(lambda: own.get_secret_value(SecretId=case.secret)) == "", "MyAppRole reads its own secret")
    answer = code(lambda: own.get_secret_value(SecretId=OTHER))
    run.check(answer == "AccessDeniedException", f"another secret: {answer}")
    answer = code(lambda: own.put_secret_value(SecretId=case.secret, SecretString="{}"))
    run.check(answer == "AccessDeniedException", f"put_secret_value: {answer}")
    printed = credentials.least_privilege(case.secret, as_printed=True)["Statement"]
    with somebody(run, printed) as user:
        answer = code(lambda: user.client("secretsmanager").get_secret_value(SecretId=case.secret))
    run.check(answer == "AccessDeniedException", f"with the policy as the post prints it, without region and account: {answer}")


def totp(seed: bytes, step: int) -> str:
    """What an authenticator shows (RFC 6238)."""
    digest = hmac.new(base64.b32decode(seed), step.to_bytes(8, "big"), hashlib.sha1).digest()
    offset = digest[-1] & 15
    return f"{(int.from_bytes(digest[offset : offset + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06d}"


def second_factor(run: Run, case: Case) -> None:
    """A production credential only for who has shown a second factor."""
    with_factor = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    with somebody(run, allow(READ, "*", Condition=with_factor)) as user:
        answer = code(lambda: user.client("secretsmanager").get_secret_value(SecretId=case.secret))
        run.check(answer == "AccessDeniedException", f"aws:MultiFactorAuthPresent, without a second factor: {answer}")
        iam = run.aws.client("iam")
        device = iam.create_virtual_mfa_device(VirtualMFADeviceName=f"phone-{time.time_ns()}")["VirtualMFADevice"]
        seed, now = device["Base32StringSeed"], int(time.time()) // 30
        iam.enable_mfa_device(
            UserName=USER,
            SerialNumber=device["SerialNumber"],
            AuthenticationCode1=totp(seed, now - 2),
            AuthenticationCode2=totp(seed, now - 1),
        )
        sts = user.client("sts")
        given = sts.get_session_token(SerialNumber=device["SerialNumber"], TokenCode=totp(seed, now))["Credentials"]
        keys = (given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
        with_code = boto3.session.Session(*keys, region_name=REGION).client("secretsmanager")
        answer = code(lambda: with_code.get_secret_value(SecretId=case.secret))
        run.check(answer == "", "with a session from the code of a TOTP device it may be read")


def tags(run: Run, case: Case) -> None:
    tagged = {"StringEquals": {"secretsmanager:ResourceTag/application": "MyApp"}}
    with somebody(run, allow(READ, "*", Condition=tagged)) as user:
        secrets = user.client("secretsmanager")
        answers = [code(lambda name=name: secrets.get_secret_value(SecretId=name)) for name in (case.secret, OTHER)]
    run.check(
        answers == ["", "AccessDeniedException"], f"secretsmanager:ResourceTag/application: MyApp's is read, OtherApp's is {answers[1]}"
    )
    filters = [{"Key": "tag-key", "Values": ["application"]}, {"Key": "tag-value", "Values": ["MyApp"]}]
    found = [each["Name"] for each in run.aws.client("secretsmanager").list_secrets(Filters=filters)["SecretList"]]
    run.check(case.secret in found and OTHER not in found, f"listed by tag: {', '.join(found)}")


def oauth(run: Run) -> None:
    """A custom function, in four calls of boto3, rotates tokens of a server that is no database."""
    secrets = run.aws.client("secretsmanager")
    name = "Applications/MyApp/OAuth-Token"
    credentials.forget_secret(run.aws, name)
    with token_server.serving() as server:
        values = token_server.CLIENT | {"server": server.url, "access_token": server.new_token()}
        arn = secrets.create_secret(Name=name, SecretString=json.dumps(values))["ARN"]
        actions = [
            f"secretsmanager:{action}" for action in ("DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage")
        ]
        function = make_function(run, "oauth_token", allow(actions, arn))
        run.aws.client("lambda").add_permission(
            FunctionName=function,
            StatementId="SecretsManager",
            Action="lambda:InvokeFunction",
            Principal="secretsmanager.amazonaws.com",
            SourceAccount=ACCOUNT,
        )
        held = [values["access_token"]]
        for rules in ({"RotationLambdaARN": function, "RotationRules": {"AutomaticallyAfterDays": DAYS}}, {}):
            before = credentials.current_version(secrets.describe_secret(SecretId=name))
            secrets.rotate_secret(SecretId=name, **rules)
            credentials.moved(run.aws, name, before)
            held.append(credentials.values_of(run.aws, name)["access_token"])
        taken = [server.takes(token) for token in held]
    run.check(
        taken == [False, True, True],
        "a function of one's own rotates an OAuth token: new and previous are taken, the one before is revoked",
    )
    credentials.forget_secret(run.aws, name)


def make_function(run: Run, module: str, *statements: dict[str, Any]) -> str:
    """A function from functions/, made anew, under a role that may do this and write its log; its ARN."""
    iam, functions = run.aws.client("iam"), run.aws.client("lambda")
    name = f"MyApp-{module.replace('_', '-')}"
    credentials.forget_function(run.aws, name)
    role = iam.create_role(RoleName=f"{name}-role", AssumeRolePolicyDocument=document(LAMBDA))["Role"]["Arn"]
    if statements:
        iam.put_role_policy(RoleName=f"{name}-role", PolicyName="own", PolicyDocument=document(*statements))
    iam.attach_role_policy(RoleName=f"{name}-role", PolicyArn=LOGS)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.write(credentials.HERE / "functions" / f"{module}.py", f"{module}.py")
    made = functions.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role=role,
        Handler=f"{module}.lambda_handler",
        Code={"ZipFile": content.getvalue()},
        Timeout=30,
    )
    functions.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    return str(made["FunctionArn"])


def deletion(run: Run) -> None:
    """An administrator deletes a secret: it can be brought back, and a rule tells of it."""
    secrets = run.aws.client("secretsmanager")
    with rule_on_deletion(run) as told:
        secrets.delete_secret(SecretId=OTHER, RecoveryWindowInDays=7)
        answer = code(lambda: secrets.get_secret_value(SecretId=OTHER))
        run.check(answer == "InvalidRequestException", f"a secret that is to be deleted in 7 days cannot be read: {answer}")
        secrets.restore_secret(SecretId=OTHER)
        run.check(secrets.get_secret_value(SecretId=OTHER)["SecretString"] == "of somebody else", "restore_secret brings it back")
        told()
    secrets.delete_secret(SecretId=OTHER, ForceDeleteWithoutRecovery=True)
    answer = code(lambda: secrets.get_secret_value(SecretId=OTHER))
    run.check(answer == "ResourceNotFoundException", f"and without recovery it is gone: {answer}")


@contextmanager
def rule_on_deletion(run: Run) -> Iterator[Callable[[], None]]:
    """The rule; what is given waits for its alert."""
    events = run.aws.client("events")
    pattern = {
        "source": ["aws.secretsmanager"],
        "detail-type": ["AWS API Call via CloudTrail"],
        "detail": {"eventName": ["DeleteSecret"]},
    }
    function = make_function(run, "deletion_alert")
    rule = events.put_rule(Name="secret-deleted", EventPattern=json.dumps(pattern))["RuleArn"]
    run.aws.client("lambda").add_permission(
        FunctionName=function,
        StatementId="EventBridge",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule,
    )
    events.put_targets(Rule="secret-deleted", Targets=[{"Id": "alert", "Arn": function}])

    def told() -> None:
        words = until(lambda: logged(run, function, OTHER))
        run.check(bool(words), f"an EventBridge rule on DeleteSecret tells of it: {words}")

    yield told
    events.remove_targets(Rule="secret-deleted", Ids=["alert"])
    events.delete_rule(Name="secret-deleted")


def logged(run: Run, function: str, word: str) -> str:
    """A line of the function's log that has the word."""
    group = f"/aws/lambda/{function.rpartition(':')[2]}"
    logs = run.aws.client("logs")
    found: list[str] = []
    code(lambda: found.extend(event["message"].strip() for event in logs.filter_log_events(logGroupName=group)["events"]))
    return next((line for line in found if word in line), "")


def until(look: Callable[[], Any]) -> Any:
    """What is found as soon as there is something."""
    end = time.monotonic() + SEEN_WITHIN_S
    while not (found := look()) and time.monotonic() < end:
        time.sleep(0.1)
    return found


def audit(run: Run) -> None:
    """CloudTrail has what was called, and what Secrets Manager did by itself."""
    trail = run.aws.client("cloudtrail")

    def recorded(name: str) -> Any:
        attribute = {"AttributeKey": "EventName", "AttributeValue": name}
        return trail.lookup_events(LookupAttributes=[attribute])["Events"]

    names = ("CreateSecret", "GetSecretValue", "RotateSecret", "DeleteSecret", "RotationStarted", "RotationSucceeded")
    missing = [name for name in names if not until(lambda name=name: recorded(name))]
    run.check(not missing, f"CloudTrail has {', '.join(names)}" + (f", but not {', '.join(missing)}" if missing else ""))
