"""Ways around a policy that once were open, or that an attacker would try first: each must end at the decision.

Truth: what is decided of a resource must be what the operation then touches, and no account reaches into another without its word
("Cross-account policy evaluation logic", "The confused deputy problem" of IAM's user guide).
"""

import io
import json
import zipfile
from typing import Any

import pytest

from users import User, allow


def trust(principal: dict[str, Any], **condition: Any) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement | ({"Condition": condition} if condition else {})]})


def deny(action: str, resource: str) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": resource}


def with_session(account: Any, answer: dict[str, Any], service: str) -> Any:
    keys = answer["Credentials"]
    return account.client(
        service,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )


# -- accounts ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("principal", "condition"),
    [
        ("own", {}),
        ("service", {}),
        ("caller", {"StringEquals": {"sts:ExternalId": "known-to-two"}}),
    ],
)
def test_the_root_of_another_account_needs_a_roles_trust_too(aws: Any, refused: Any, principal: str, condition: Any) -> None:
    owner = aws.other()
    named = {"own": {"AWS": owner.account}, "service": {"Service": "lambda.amazonaws.com"}, "caller": {"AWS": aws.account}}[principal]
    role = owner.client("iam").create_role(RoleName="vault", AssumeRolePolicyDocument=trust(named, **condition))["Role"]["Arn"]
    with refused("AccessDenied", f"arn:aws:iam::{aws.account}:root is not authorized to perform: sts:AssumeRole on resource: {role}"):
        aws.client("sts").assume_role(RoleArn=role, RoleSessionName="thief")


def test_a_root_that_says_the_external_id_is_let_in(aws: Any) -> None:
    owner = aws.other()
    document = trust({"AWS": aws.account}, StringEquals={"sts:ExternalId": "known-to-two"})
    role = owner.client("iam").create_role(RoleName="vault", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    assert aws.client("sts").assume_role(RoleArn=role, RoleSessionName="guest", ExternalId="known-to-two")["Credentials"]


def test_a_root_hands_no_service_another_accounts_role(aws: Any, refused: Any) -> None:
    role = f"arn:aws:iam::{aws.other().account}:role/trusts-rds"
    with refused("AccessDenied", "iam:PassRole", role):
        aws.client("rds").add_role_to_db_cluster(DBClusterIdentifier="shop", RoleArn=role)
    with refused("AccessDenied", "iam:PassRole", role):
        aws.client("redshift").modify_cluster_iam_roles(ClusterIdentifier="shop", AddIamRoles=[role])


def test_a_root_reads_no_other_accounts_catalog(aws: Any, refused: Any) -> None:
    with refused("AccessDeniedException", "glue:GetDatabases"):
        aws.client("glue").get_databases(CatalogId=aws.other().account)


def test_nobody_makes_a_role_that_no_organization_binds(aws: Any, refused: Any) -> None:
    """The sentence is AWS's, quoted in tilfin/aws-iam-policy-tool pull request 9."""
    with refused("InvalidInput", "Path prefix '/aws-service-role/' can only be used for AWS Service linked Roles"):
        aws.client("iam").create_role(
            RoleName="free", Path="/aws-service-role/own.amazonaws.com/", AssumeRolePolicyDocument=trust({"AWS": aws.account})
        )


# -- names -------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def groups(aws: Any) -> Any:
    """Two parameter groups: of dev the users below may do anything, of prod nothing."""
    rds = aws.client("rds")
    for name in ("dev", "prod"):
        rds.create_db_parameter_group(DBParameterGroupName=name, DBParameterGroupFamily="mysql8.0", Description="of a test")
    return rds


@pytest.mark.parametrize("spelled", ["PROD", "{arn}:pg:prod", "{arn}:pg:PROD", "{arn}:pg:dev:prod", "x:prod", "{elsewhere}:pg:prod"])
def test_a_database_resource_is_itself_however_it_is_spelled(aws: Any, groups: Any, spelled: str) -> None:
    arn, elsewhere = (f"arn:aws:rds:{region}:{aws.account}" for region in ("us-east-1", "eu-west-1"))
    name = spelled.format(arn=arn, elsewhere=elsewhere)
    for number, statements in enumerate([[allow("rds:*", f"{arn}:pg:dev*")], [allow("rds:*"), deny("rds:*", f"{arn}:pg:prod")]]):
        rds = User(aws, *statements, name=f"user{number}").client("rds")
        with pytest.raises(rds.exceptions.ClientError):
            rds.describe_db_parameters(DBParameterGroupName=name)
        with pytest.raises(rds.exceptions.ClientError):
            rds.delete_db_parameter_group(DBParameterGroupName=name)
        with pytest.raises(rds.exceptions.ClientError):
            rds.add_tags_to_resource(ResourceName=name, Tags=[{"Key": "a", "Value": "b"}])
    assert len(groups.describe_db_parameter_groups(DBParameterGroupName="prod")["DBParameterGroups"]) == 1
    assert groups.list_tags_for_resource(ResourceName=f"{arn}:pg:prod")["TagList"] == []


def test_an_arn_still_names_a_database_resource(aws: Any, groups: Any) -> None:
    arn = f"arn:aws:rds:us-east-1:{aws.account}:pg:dev"
    rds = User(aws, allow("rds:*", arn)).client("rds")
    for spelled in ("dev", "DEV", arn, arn.replace("dev", "Dev")):
        assert rds.describe_db_parameter_groups(DBParameterGroupName=spelled)["DBParameterGroups"][0]["DBParameterGroupName"] == "dev"


def test_a_user_is_asked_about_under_its_own_arn_alone(aws: Any, refused: Any) -> None:
    aws.client("iam").create_user(UserName="chief")
    asked = f"arn:aws:iam::{aws.account}:user/another/chief"
    iam = User(aws, allow("iam:*"), deny("iam:*", f"arn:aws:iam::{aws.account}:user/chief")).client("iam")
    with refused("NoSuchEntity"):
        iam.simulate_principal_policy(PolicySourceArn=asked, ActionNames=["s3:GetObject"])
    with refused("NoSuchEntity"):
        iam.get_context_keys_for_principal_policy(PolicySourceArn=asked)
    with refused("NoSuchEntity"):
        iam.generate_service_last_accessed_details(Arn=asked)
    with refused("NoSuchEntity"):
        iam.list_policies_granting_service_access(Arn=asked, ServiceNamespaces=["s3"])


@pytest.mark.parametrize(("partition", "region"), [("aws", "us-east-1"), ("aws", "eu-west-1"), ("aws-cn", "us-east-1")])
def test_a_layer_is_itself_however_it_is_spelled(aws: Any, partition: str, region: str) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("python/secret.py", "SECRET = 1")
    aws.client("lambda").publish_layer_version(LayerName="secret", Content={"ZipFile": packed.getvalue()})
    layer = f"arn:{partition}:lambda:{region}:{aws.account}:layer:secret"
    lambda_ = User(aws, allow("lambda:*"), deny("lambda:*", f"arn:aws:lambda:us-east-1:{aws.account}:layer:secret*")).client("lambda")
    with pytest.raises(lambda_.exceptions.ClientError):
        lambda_.get_layer_version_by_arn(Arn=f"{layer}:1")
    with pytest.raises(lambda_.exceptions.ClientError):
        lambda_.get_layer_version(LayerName=layer, VersionNumber=1)
    with pytest.raises(lambda_.exceptions.ClientError):
        lambda_.delete_layer_version(LayerName=layer, VersionNumber=1)
    assert aws.client("lambda").get_layer_version(LayerName="secret", VersionNumber=1)["Version"] == 1


@pytest.mark.parametrize("partition", ["aws-cn", "aws-us-gov"])
def test_another_partition_is_no_way_around_a_deny(aws: Any, refused: Any, partition: str) -> None:
    aws.client("ssm").put_parameter(Name="/prod/word", Value="v", Type="String")
    arn = f"arn:aws:ssm:us-east-1:{aws.account}:parameter/prod/word"
    ssm = User(aws, allow("ssm:*"), deny("ssm:*", arn)).client("ssm")
    with refused("AccessDeniedException", "explicit deny"):
        ssm.get_parameter(Name=arn.replace("arn:aws:", f"arn:{partition}:"))


# -- who is no more ------------------------------------------------------------------------------------------------------------


def test_a_federated_users_session_ends_with_who_vouched_for_it_though_another_gets_the_name(aws: Any, refused: Any) -> None:
    user = User(aws, allow("*"))
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow("s3:*")]})
    buckets = with_session(aws, user.client("sts").get_federation_token(Name="guest", Policy=policy), "s3")
    buckets.list_buckets()
    iam = aws.client("iam")
    iam.delete_access_key(UserName="dev", AccessKeyId=iam.list_access_keys(UserName="dev")["AccessKeyMetadata"][0]["AccessKeyId"])
    iam.delete_user_policy(UserName="dev", PolicyName="test")
    iam.delete_user(UserName="dev")
    User(aws, allow("*"))
    with refused("AccessDenied"):
        buckets.list_buckets()


# -- tags ----------------------------------------------------------------------------------------------------------------------


def test_a_new_streams_tags_need_the_permission_to_tag(aws: Any, refused: Any) -> None:
    """The API reference of CreateDeliveryStream, at Tags: an additional authorization on firehose:TagDeliveryStream."""
    firehose = User(aws, allow(["firehose:CreateDeliveryStream", "iam:PassRole"])).client("firehose")
    target = {"RoleARN": f"arn:aws:iam::{aws.account}:role/none", "BucketARN": "arn:aws:s3:::none"}
    with refused("AccessDeniedException", "firehose:TagDeliveryStream"):
        firehose.create_delivery_stream(
            DeliveryStreamName="s", ExtendedS3DestinationConfiguration=target, Tags=[{"Key": "a", "Value": "b"}]
        )


def test_a_processors_role_that_is_no_role_is_refused(aws: Any, refused: Any) -> None:
    parameters = [{"ParameterName": "LambdaArn", "ParameterValue": "x"}, {"ParameterName": "RoleArn", "ParameterValue": "x"}]
    target = {
        "RoleARN": f"arn:aws:iam::{aws.account}:role/none",
        "BucketARN": "arn:aws:s3:::none",
        "ProcessingConfiguration": {"Enabled": True, "Processors": [{"Type": "Lambda", "Parameters": parameters}]},
    }
    for caller in (aws, User(aws, allow("*"))):
        with pytest.raises(caller.client("firehose").exceptions.ClientError) as caught:
            caller.client("firehose").create_delivery_stream(DeliveryStreamName="s", ExtendedS3DestinationConfiguration=target)
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


@pytest.mark.parametrize(
    ("operation", "request_", "action"),
    [
        ("create_saml_provider", {"Name": "corp", "SAMLMetadataDocument": "x" * 1000}, "iam:TagSAMLProvider"),
        ("create_open_id_connect_provider", {"Url": "https://example.com"}, "iam:TagOpenIDConnectProvider"),
        ("create_virtual_mfa_device", {"VirtualMFADeviceName": "phone"}, "iam:TagMFADevice"),
        (
            "upload_server_certificate",
            {"ServerCertificateName": "own", "CertificateBody": "x", "PrivateKey": "x"},
            "iam:TagServerCertificate",
        ),
    ],
)
def test_tags_at_a_creation_in_iam_need_the_permission_to_tag(
    aws: Any, refused: Any, operation: str, request_: dict[str, Any], action: str
) -> None:
    iam = User(aws, allow(["iam:Create*", "iam:Upload*"])).client("iam")
    with refused("AccessDenied", action):
        getattr(iam, operation)(**request_, Tags=[{"Key": "a", "Value": "b"}])


# -- what is known of a role that is passed ------------------------------------------------------------------------------------


def test_a_roles_own_tags_decide_whoever_is_given_it(aws: Any, refused: Any) -> None:
    """A Deny that names iam:ResourceTag must see the role's tags also where Lambda is asked to take it."""
    trusted = trust({"Service": "lambda.amazonaws.com"})
    role = aws.client("iam").create_role(RoleName="chief", AssumeRolePolicyDocument=trusted, Tags=[{"Key": "Kept", "Value": "yes"}])[
        "Role"
    ]["Arn"]
    kept = deny("iam:PassRole", "*") | {"Condition": {"StringEquals": {"iam:ResourceTag/kept": "yes"}}}
    lambda_ = User(aws, allow(["lambda:*", "iam:PassRole"]), kept).client("lambda")
    with refused("AccessDeniedException", "iam:PassRole", "explicit deny"):
        lambda_.create_function(FunctionName="f", Runtime="python3.12", Handler="a.b", Role=role, Code={"ZipFile": b"x"})


def test_a_role_may_be_passed_for_one_resource_alone(aws: Any, refused: Any) -> None:
    function = f"arn:aws:lambda:us-east-1:{aws.account}:function:daily"
    passing = allow("iam:PassRole", "*", ArnLike={"iam:AssociatedResourceArn": function})
    lambda_ = User(aws, allow("lambda:*"), passing).client("lambda")
    made = {"Runtime": "python3.12", "Handler": "a.b", "Role": f"arn:aws:iam::{aws.account}:role/r", "Code": {"ZipFile": b"x"}}
    with refused("AccessDeniedException", "iam:PassRole"):
        lambda_.create_function(FunctionName="nightly", **made)
    with refused("InvalidParameterValueException"):
        lambda_.create_function(FunctionName="daily", **made)


def test_a_new_buckets_tags_are_the_requests(aws: Any, refused: Any) -> None:
    tagged = allow("s3:TagResource", "*", StringEquals={"aws:RequestTag/team": "a"})
    s3 = User(aws, allow("s3:CreateBucket"), tagged).client("s3")
    name = f"team-{aws.account}"
    with refused("AccessDenied", "s3:TagResource"):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"Tags": [{"Key": "team", "Value": "b"}]})
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"Tags": [{"Key": "team", "Value": "a"}]})


def test_a_bucket_is_given_only_to_who_is_there(aws: Any, refused: Any) -> None:
    """S3's answer where a policy names a user that does not exist, as users quote it ("Invalid principal in policy")."""
    s3, bucket = aws.client("s3"), f"given-{aws.account}"
    s3.create_bucket(Bucket=bucket)

    def give(name: str, account: str) -> None:
        statement = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:user/{name}"}, "Action": "s3:GetObject"}
        document = {"Version": "2012-10-17", "Statement": [statement | {"Resource": f"arn:aws:s3:::{bucket}/*"}]}
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(document))

    with refused("MalformedPolicy", "Invalid principal in policy"):
        give("dev", aws.account)
    User(aws, name="dev")
    give("dev", aws.account)
    give("stranger", "210987654321")
