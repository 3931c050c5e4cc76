"""STS over the wire with boto3. Truth: the STS API reference; sts.json of the recordings for tags."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError

from headwater.kernel.authorization_message import Matched, Refusal, encode_message

TRUST = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": ["sts:AssumeRole", "sts:TagSession"]}]}
)


def policy(*actions: str) -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def sts(aws: Any) -> Any:
    return aws.client("sts", config=Config(parameter_validation=False))  # what is refused must be refused by the server


@pytest.fixture
def role_arn(aws: Any) -> str:
    arn: str = aws.client("iam").create_role(RoleName="worker", Path="/a/", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    return arn


def signed_by(aws: Any, credentials: dict[str, Any], service: str = "sts") -> Any:
    return aws.client(
        service,
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )


def test_the_root_knows_itself(sts: Any, aws: Any) -> None:
    answer = sts.get_caller_identity()
    assert (answer["Account"], answer["Arn"], answer["UserId"]) == (aws.account, f"arn:aws:iam::{aws.account}:root", aws.account)


def test_an_assumed_role_is_who_calls_then(sts: Any, aws: Any, role_arn: str) -> None:
    assumed = sts.assume_role(RoleArn=role_arn, RoleSessionName="me@work")
    session = f"arn:aws:sts::{aws.account}:assumed-role/worker/me@work"
    role_id = aws.client("iam").get_role(RoleName="worker")["Role"]["RoleId"]
    assert assumed["AssumedRoleUser"] == {"AssumedRoleId": f"{role_id}:me@work", "Arn": session}
    assert "PackedPolicySize" not in assumed
    identity = signed_by(aws, assumed["Credentials"]).get_caller_identity()
    assert (identity["Arn"], identity["UserId"]) == (session, f"{role_id}:me@work")


def test_credentials_expire_by_aws_time(sts: Any, aws: Any, role_arn: str, clock: Any, refused: Any) -> None:
    credentials = sts.assume_role(RoleArn=role_arn, RoleSessionName="brief", DurationSeconds=900)["Credentials"]
    assert credentials["AccessKeyId"].startswith("ASIA")
    mine = signed_by(aws, credentials)
    mine.get_caller_identity()
    clock.advance(timedelta(seconds=901))
    with refused("ExpiredToken"):
        mine.get_caller_identity()


REFUSALS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "a role that is not there": ("AccessDenied", "is not authorized to perform: sts:AssumeRole on resource", {"RoleName": "absent"}),
    "longer than the role allows": ("ValidationError", "exceeds the MaxSessionDuration", {"DurationSeconds": 7200}),
    "a session name of one letter": ("ValidationError", "", {"RoleSessionName": "a"}),
    "a session name with a blank": ("ValidationError", "", {"RoleSessionName": "a b"}),
    "a duration of a minute": ("ValidationError", "", {"DurationSeconds": 60}),
    "a transitive tag that is no tag": (
        "InvalidParameterValue",
        "The specified transitive tag key must be included in the requested tags.",
        {"TransitiveTagKeys": ["a"]},
    ),
    "a tag in two spellings": (
        "InvalidParameterValue",
        "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
        {"Tags": [{"Key": "name", "Value": "1"}, {"Key": "Name", "Value": "2"}]},
    ),
    "a session policy that is no JSON": ("MalformedPolicyDocument", "", {"Policy": "no"}),
}


@pytest.mark.parametrize(("code", "words", "members"), REFUSALS.values(), ids=REFUSALS)
def test_assume_role_refuses(sts: Any, aws: Any, role_arn: str, refused: Any, code: str, words: str, members: dict[str, Any]) -> None:
    arn = f"arn:aws:iam::{aws.account}:role/absent" if "RoleName" in members else role_arn
    request = {"RoleArn": arn, "RoleSessionName": "session"} | {k: v for k, v in members.items() if k != "RoleName"}
    with refused(code, words):
        sts.assume_role(**request)


def test_a_chained_session_lasts_an_hour_at_most(sts: Any, aws: Any, role_arn: str, refused: Any) -> None:
    aws.client("iam").update_role(RoleName="worker", MaxSessionDuration=43200)
    first = signed_by(aws, sts.assume_role(RoleArn=role_arn, RoleSessionName="first", DurationSeconds=43200)["Credentials"])
    first.assume_role(RoleArn=role_arn, RoleSessionName="second")
    with refused("ValidationError", "1 hour session limit for roles assumed by role chaining"):
        first.assume_role(RoleArn=role_arn, RoleSessionName="second", DurationSeconds=7200)


def test_a_session_token_is_of_the_caller_and_a_session_gets_none(sts: Any, aws: Any, refused: Any) -> None:
    iam = aws.client("iam")
    iam.create_user(UserName="bob")
    key = iam.create_access_key(UserName="bob")["AccessKey"]
    bob = aws.client("sts", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    credentials = bob.get_session_token()["Credentials"]
    assert credentials["Expiration"] - datetime.now(UTC) > timedelta(hours=11)
    session = signed_by(aws, credentials)
    assert session.get_caller_identity()["Arn"] == f"arn:aws:iam::{aws.account}:user/bob"
    with refused("AccessDenied", "Cannot call GetSessionToken with session credentials"):
        session.get_session_token()


def test_a_federated_user_has_the_name_it_was_given(sts: Any, aws: Any) -> None:
    answer = sts.get_federation_token(Name="guest", Policy=policy("s3:ListAllMyBuckets"))
    arn = f"arn:aws:sts::{aws.account}:federated-user/guest"
    assert answer["FederatedUser"] == {"FederatedUserId": f"{aws.account}:guest", "Arn": arn}
    assert answer["PackedPolicySize"] > 0
    assert signed_by(aws, answer["Credentials"]).get_caller_identity()["Arn"] == arn


def test_a_tampered_token_is_worth_nothing(sts: Any, aws: Any, role_arn: str, refused: Any) -> None:
    credentials = sts.assume_role(RoleArn=role_arn, RoleSessionName="session")["Credentials"]
    middle = len(credentials["SessionToken"]) // 2
    letter = "A" if credentials["SessionToken"][middle] != "A" else "B"
    credentials["SessionToken"] = credentials["SessionToken"][:middle] + letter + credentials["SessionToken"][middle + 1 :]
    with refused("InvalidClientTokenId"):
        signed_by(aws, credentials).get_caller_identity()


UNBUILT: dict[str, dict[str, Any]] = {
    "AssumeRoot": {"TargetPrincipal": "123456789012", "TaskPolicyArn": {"arn": "arn:aws:iam::aws:policy/root-task/S3UnlockBucketPolicy"}},
    "GetWebIdentityToken": {"Audience": ["a"], "SigningAlgorithm": "ES384"},
    "GetDelegatedAccessToken": {"TradeInToken": "t"},
}


@pytest.mark.parametrize(("operation", "request_"), UNBUILT.items(), ids=UNBUILT)
def test_an_unbuilt_operation_says_so(sts: Any, refused: Any, operation: str, request_: dict[str, Any]) -> None:
    with refused("NotImplemented", operation):
        getattr(sts, xform_name(operation))(**request_)


def test_the_account_of_a_key_that_iam_issued(sts: Any, aws: Any, refused: Any) -> None:
    aws.client("iam").create_user(UserName="bob")
    key = aws.client("iam").create_access_key(UserName="bob")["AccessKey"]
    assert sts.get_access_key_info(AccessKeyId=key["AccessKeyId"])["Account"] == aws.account
    with refused("ValidationError"):
        sts.get_access_key_info(AccessKeyId="AKIA" + "A" * 16)


@pytest.mark.parametrize("with_token", [False, True])
def test_a_temporary_key_that_this_home_did_not_make_is_nobodys(aws: Any, refused: Any, with_token: bool) -> None:
    """As on AWS, where an unknown temporary key is no stranger either. The token is of the length and form of AWS's own."""
    token = "FwoGZXIvYXdzEJr//////////wEaDB" if with_token else None
    stranger = aws.client("sts", aws_access_key_id="ASIAIOSFODNN7EXAMPLE", aws_secret_access_key="wJalr", aws_session_token=token)
    with refused("InvalidClientTokenId", "The security token included in the request is invalid."):
        stranger.get_caller_identity()


def test_a_key_with_another_keys_token_is_worth_nothing(sts: Any, aws: Any, role_arn: str, refused: Any) -> None:
    mine = sts.assume_role(RoleArn=role_arn, RoleSessionName="mine")["Credentials"]
    other = sts.assume_role(RoleArn=role_arn, RoleSessionName="other")["Credentials"]
    with refused("InvalidClientTokenId"):
        signed_by(aws, mine | {"SessionToken": other["SessionToken"]}).get_caller_identity()
    with refused("InvalidClientTokenId"):
        aws.client("sts", aws_access_key_id=mine["AccessKeyId"], aws_secret_access_key=mine["SecretAccessKey"]).get_caller_identity()


def test_iam_is_closed_to_sessions_without_a_second_factor(sts: Any, aws: Any, refused: Any) -> None:
    """Truth: "Compare AWS STS credentials" of IAM's user guide."""
    for credentials in (sts.get_session_token()["Credentials"], sts.get_federation_token(Name="guest", Policy=policy("*"))["Credentials"]):
        with refused("InvalidClientTokenId"):
            signed_by(aws, credentials, "iam").list_users()


def test_a_session_token_can_be_made_as_long_as_it_may_get(sts: Any, role_arn: str) -> None:
    """For those who test what carries it. Truth: the SDKs' documentation of the three members."""
    short = sts.assume_role(RoleArn=role_arn, RoleSessionName="short")
    assert short["SessionTokenSize"] == len(short["Credentials"]["SessionToken"]) < 600
    long = sts.assume_role(RoleArn=role_arn, RoleSessionName="long", MinimumSessionTokenSize=4096)
    assert 4096 <= long["SessionTokenSize"] == len(long["Credentials"]["SessionToken"]) < 4120
    assert long["SessionTokenUtilization"] >= 100 > short["SessionTokenUtilization"]


def test_garbage_is_no_authorization_message(sts: Any, refused: Any) -> None:
    for garbage in ("x", "AAAA", "\u00e9\u00e9", "a" * 10_240, "-_-_" * 40, "a\nb"):
        with refused("InvalidAuthorizationMessageException", "Message is not valid"):
            sts.decode_authorization_message(EncodedMessage=garbage)


def test_an_authorization_message_is_read_in_its_own_account(sts: Any, aws: Any, server: Any, refused: Any) -> None:
    """Truth of the form: the example of DecodeAuthorizationMessage in IAM's user guide."""
    refusal = Refusal(
        account=aws.account,
        principal_id="AROA123:Ana",
        principal_arn=f"arn:aws:sts::{aws.account}:assumed-role/Developer/Ana",
        action="ec2:RunInstances",
        resource="*",
        explicit_deny=True,
        matched=(Matched(sid="VisualEditor0", effect="Deny", principals=("AROA123",), actions=("ec2:RunInstances",), resources=("*",)),),
        conditions={"aws:Region": ("us-east-1",)},
    )
    message = encode_message(server.home.vault, refusal)
    decoded = json.loads(sts.decode_authorization_message(EncodedMessage=message)["DecodedMessage"])
    assert (decoded["allowed"], decoded["explicitDeny"], decoded["failures"]) == (False, True, {"items": []})
    assert decoded["matchedStatements"]["items"][0] == {
        "statementId": "VisualEditor0",
        "effect": "DENY",
        "principals": {"items": [{"value": "AROA123"}]},
        "principalGroups": {"items": []},
        "actions": {"items": [{"value": "ec2:RunInstances"}]},
        "resources": {"items": [{"value": "*"}]},
        "conditions": {"items": []},
    }
    assert decoded["context"]["principal"] == {"id": "AROA123:Ana", "arn": refusal.principal_arn}
    assert decoded["context"]["conditions"] == {"items": [{"key": "aws:Region", "values": {"items": [{"value": "us-east-1"}]}}]}
    with refused("InvalidAuthorizationMessageException"):
        aws.other().client("sts").decode_authorization_message(EncodedMessage=message)


def test_a_refusal_of_ec2_can_be_decoded(sts: Any, aws: Any) -> None:
    iam = aws.client("iam")
    iam.create_user(UserName="bob")
    rule = {"Sid": "Never", "Effect": "Deny", "Action": "ec2:RunInstances", "Resource": "*"}
    iam.put_user_policy(UserName="bob", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [rule]}))
    key = iam.create_access_key(UserName="bob")["AccessKey"]
    bob = aws.client("ec2", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    with pytest.raises(ClientError) as caught:
        bob.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)
    message = caught.value.response["Error"]["Message"].rpartition("Encoded authorization failure message: ")[2]
    decoded = json.loads(sts.decode_authorization_message(EncodedMessage=message)["DecodedMessage"])
    assert (decoded["allowed"], decoded["explicitDeny"], decoded["context"]["action"]) == (False, True, "ec2:RunInstances")
    assert decoded["context"]["principal"]["arn"] == f"arn:aws:iam::{aws.account}:user/bob"
    assert [statement["statementId"] for statement in decoded["matchedStatements"]["items"]] == ["Never"]
