"""AssumeRoleWithWebIdentity with tokens of an issuer that really runs: what is let in, and what is not.

Truth: the API reference; "OIDC federation" and "Available keys for AWS OIDC federation" of IAM's user guide; the sentences are those that
users of AWS quote (guardian/cdk #1944, awslabs/aws-sdk-rust #827, awslabs/aws-orbit-workbench #707).
"""

import base64
import json
import time
from datetime import timedelta
from typing import Any

import boto3
import botocore
import botocore.config
import botocore.exceptions
import jwt
import pytest

pytestmark = pytest.mark.http  # nobody signs

INVALID = "InvalidIdentityToken"


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def register(aws: Any, issuing: Any) -> str:
    made = aws.client("iam").create_open_id_connect_provider(
        Url=f"https://{issuing.host}", ClientIDList=["app", "other"], ThumbprintList=[issuing.thumbprint or "0" * 40]
    )
    return str(made["OpenIDConnectProviderArn"])


class Federation:
    """A role that trusts an issuer, and those who come with its tokens."""

    def __init__(self, aws: Any, issuing: Any, refused: Any) -> None:
        self.issuing = issuing
        self.provider = register(aws, issuing)
        self._aws = aws
        self._iam = aws.client("iam")
        self.role = self._iam.create_role(RoleName="web", AssumeRolePolicyDocument=self.trusting())["Role"]["Arn"]
        self._iam.put_role_policy(
            RoleName="web", PolicyName="p", PolicyDocument=document({"Effect": "Allow", "Action": "iam:List*", "Resource": "*"})
        )
        self._sts = aws.client("sts", config=botocore.config.Config(signature_version=botocore.UNSIGNED, parameter_validation=False))

    def trusting(self, *actions: str, **condition: dict[str, Any]) -> str:
        allow = ["sts:AssumeRoleWithWebIdentity", *actions]
        return document(
            {"Effect": "Allow", "Principal": {"Federated": self.provider}, "Action": allow}
            | ({"Condition": condition} if condition else {})
        )

    def trust(self, *actions: str, **condition: dict[str, Any]) -> None:
        self._iam.update_assume_role_policy(RoleName="web", PolicyDocument=self.trusting(*actions, **condition))

    def allow(self, **condition: dict[str, Any]) -> None:
        rule = {"Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*", "Condition": condition}
        self._iam.put_role_policy(RoleName="web", PolicyName="p", PolicyDocument=document(rule))

    def come(self, token: str, **more: Any) -> dict[str, Any]:
        request = {"RoleArn": self.role, "RoleSessionName": "visitor", "WebIdentityToken": token} | more
        answer: dict[str, Any] = self._sts.assume_role_with_web_identity(**request)
        return answer

    def signed_by(self, answer: dict[str, Any], service: str) -> Any:
        made = answer["Credentials"]
        return self._aws.client(
            service,
            aws_access_key_id=made["AccessKeyId"],
            aws_secret_access_key=made["SecretAccessKey"],
            aws_session_token=made["SessionToken"],
        )


@pytest.fixture
def federation(aws: Any, issuing: Any, refused: Any) -> Federation:
    return Federation(aws, issuing, refused)


def test_a_token_makes_a_session(federation: Federation, aws: Any) -> None:
    answer = federation.come(federation.issuing.token())
    session = f"arn:aws:sts::{aws.account}:assumed-role/web/visitor"
    assert answer["AssumedRoleUser"]["Arn"] == session
    assert answer["SubjectFromWebIdentityToken"] == "user-1234"
    assert (answer["Audience"], answer["Provider"]) == ("app", federation.provider)
    assert federation.signed_by(answer, "sts").get_caller_identity()["Arn"] == session
    federation.signed_by(answer, "iam").list_users()


def test_the_sdk_does_it_by_itself(federation: Federation, aws: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a pod of EKS: two variables and a file."""
    (tmp_path / "token").write_text(federation.issuing.token())
    for name, value in {
        "AWS_ROLE_ARN": federation.role,
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"),
        "AWS_ENDPOINT_URL": aws.endpoint_url,
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    client = boto3.session.Session().client("sts")
    assert ":assumed-role/web/botocore-session-" in client.get_caller_identity()["Arn"]
    client.close()


def test_elliptic_curves_sign_too(federation: Federation) -> None:
    federation.come(federation.issuing.token(key=federation.issuing.ec_key, kid="ec", alg="ES256"))


def test_a_token_without_a_keys_name_is_tried_with_all(federation: Federation) -> None:
    federation.come(federation.issuing.token(kid=None))


def test_an_issuer_over_tls_is_known_by_its_thumbprint(aws: Any, secure: Any, refused: Any) -> None:
    federation = Federation(aws, secure, refused)
    federation.come(secure.token())


def test_a_wrong_thumbprint_is_refused(aws: Any, secure: Any, refused: Any) -> None:
    secure.thumbprint = "1" * 40
    with refused(INVALID, "OpenIDConnect provider's HTTPS certificate doesn't match configured thumbprint"):
        Federation(aws, secure, refused).come(secure.token())


def times(**seconds: int) -> dict[str, Any]:
    return {name: int(time.time()) + offset for name, offset in seconds.items()}


BAD_CLAIMS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "an end that has passed": ("ExpiredTokenException", "must be before the expiration date/time", times(exp=-10)),
    "a begin to come": (INVALID, "not valid yet", times(nbf=36_000)),
    "issued in the future": (INVALID, "not valid yet", times(iat=36_000)),
    "another audience": (INVALID, "Incorrect token audience", {"aud": "stranger"}),
    "no fitting audience": (INVALID, "Incorrect token audience", {"aud": ["stranger", "another"]}),
    "another authorized party": (INVALID, "Incorrect token audience", {"azp": "stranger"}),
    "an empty audience": (INVALID, "", {"aud": []}),
    "an audience of numbers": (INVALID, "", {"aud": [1, 2]}),
    "no audience": (INVALID, "Missing a required claim: aud", {"aud": None}),
    "no subject": (INVALID, "Missing a required claim: sub", {"sub": None}),
    "an empty subject": (INVALID, "", {"sub": ""}),
    "no end": (INVALID, "Missing a required claim: exp", {"exp": None}),
    "no issue": (INVALID, "Missing a required claim: iat", {"iat": None}),
    "an end that is a word": (INVALID, "", {"exp": "never"}),
    "an end that is true": (INVALID, "", {"exp": True}),
    "an endless end": (INVALID, "", {"exp": 10**400}),
    "an issuer that nobody registered": (INVALID, "No OpenIDConnect provider found in your account for https://e", {"iss": "https://e"}),
    "an issuer that is no address": (INVALID, "", {"iss": "http://["}),
    "an issuer over plain HTTP elsewhere": (INVALID, "", {"iss": "http://example.com"}),
    "tags that are no tags": ("IDPRejectedClaim", "", {"https://aws.amazon.com/tags": "blue"}),
    "a tag of two values": ("IDPRejectedClaim", "", {"https://aws.amazon.com/tags": {"principal_tags": {"team": ["blue", "red"]}}}),
    "a source identity that is no text": ("IDPRejectedClaim", "", {"https://aws.amazon.com/source_identity": 7}),
}


@pytest.mark.parametrize(("code", "words", "claims"), BAD_CLAIMS.values(), ids=BAD_CLAIMS)
def test_claims_are_refused(federation: Federation, refused: Any, code: str, words: str, claims: dict[str, Any]) -> None:
    federation.trust("sts:TagSession", "sts:SetSourceIdentity")
    token = federation.issuing.token(**{name: value for name, value in claims.items() if name != "iss"})
    if "iss" in claims or not isinstance(claims.get("sub", ""), str):
        token = jwt.encode(federation.issuing.claims(**claims), federation.issuing.rsa_key, algorithm="RS256", headers={"kid": "rsa"})
    with refused(code, words):
        federation.come(token)


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(value if isinstance(value, bytes) else json.dumps(value).encode()).rstrip(b"=").decode()


def test_what_is_no_token_of_the_issuer_is_refused(federation: Federation, refused: Any) -> None:
    issuing = federation.issuing
    claims = part(issuing.claims())
    public = issuing.rsa_key.public_key().public_numbers().n.to_bytes(256, "big")
    shared = jwt.encode(issuing.claims(), public, algorithm="HS256", headers={"kid": "rsa"})
    head, _, signature = issuing.token().split(".")
    forged = {
        "another key": issuing.token(key=issuing.other_rsa_key),
        "a key that is not there": issuing.token(kid="gone"),
        "the key of another kind": issuing.token(kid="ec"),
        "no signature": f"{part({'alg': 'none'})}.{claims}.",
        "the public key as a secret": shared,
        "claims that were changed": f"{head}.{part(issuing.claims(sub='administrator'))}.{signature}",
        "a signature that was cut": f"{head}.{claims}.{signature[:-8]}",
        "a key of its own": jwt.encode(issuing.claims(), issuing.other_rsa_key, algorithm="RS256", headers={"jwk": issuing.keys[0]}),
        "an algorithm that nobody has": f"{part({'alg': 'XS256', 'kid': 'rsa'})}.{claims}.{signature}",
        "a header that is a list": f"{part([])}.{claims}.{signature}",
        "claims that are a list": f"{head}.{part([1])}.{signature}",
        "nothing but brackets": f"{head}.{part(b'[' * 14_000)}.{signature}",
        "four dots": "....",
        "words": "not a token",
        "a key's name that is a number": f"{part({'alg': 'RS256', 'kid': 7})}.{claims}.{signature}",
        "letters beyond": "\u00e9\u00e9\u00e9\u00e9.\u00e9.\u00e9",
    }
    answers = {}
    for what, token in forged.items():
        try:
            federation.come(token)
        except botocore.exceptions.ClientError as refusal:
            answers[what] = refusal.response["Error"]["Code"]
    assert answers == dict.fromkeys(forged, INVALID)


def test_an_issuer_that_is_away_is_said_so(federation: Federation, refused: Any) -> None:
    federation.issuing.close()
    with refused("IDPCommunicationError"):
        federation.come(federation.issuing.token())


def test_an_issuer_without_keys_is_said_so(federation: Federation, refused: Any) -> None:
    federation.issuing.pages.clear()
    with refused(INVALID, "Couldn't retrieve verification key from your identity provider"):
        federation.come(federation.issuing.token())


def test_the_trust_policy_decides_on_the_claims(federation: Federation, refused: Any) -> None:
    issuing, host = federation.issuing, federation.issuing.host
    conditions = {
        "sub": {"StringLike": {f"{host}:sub": "user-*"}},
        "aud": {"StringEquals": {f"{host}:aud": "app"}},
        "amr": {"ForAnyValue:StringEquals": {f"{host}:amr": "mfa"}},
    }
    good = issuing.token(amr=["pwd", "mfa"])
    bad = {"sub": issuing.token(sub="robot-1"), "aud": issuing.token(aud="other"), "amr": issuing.token(amr=["pwd"])}
    for key, condition in conditions.items():
        federation.trust(**condition)
        federation.come(good)
        with refused("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"):
            federation.come(bad[key])


def test_a_role_that_does_not_trust_the_issuer_is_not_had(federation: Federation, aws: Any, refused: Any) -> None:
    others = document({"Effect": "Allow", "Principal": {"AWS": aws.account}, "Action": ["sts:AssumeRole", "sts:AssumeRoleWithWebIdentity"]})
    aws.client("iam").create_role(RoleName="others", AssumeRolePolicyDocument=others)
    for name in ("others", "absent"):
        with refused("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"):
            federation.come(federation.issuing.token(), RoleArn=f"arn:aws:iam::{aws.account}:role/{name}")


def test_claims_stay_with_the_session(federation: Federation, refused: Any) -> None:
    federation.allow(StringEquals={f"{federation.issuing.host}:sub": "user-1234", "aws:FederatedProvider": federation.provider})
    federation.signed_by(federation.come(federation.issuing.token()), "iam").list_users()
    with refused("AccessDenied"):
        federation.signed_by(federation.come(federation.issuing.token(sub="user-5678")), "iam").list_users()


@pytest.mark.parametrize("form", ["nested", "flat"])
def test_tags_in_a_token_are_the_sessions(federation: Federation, refused: Any, form: str) -> None:
    nested = {"https://aws.amazon.com/tags": {"principal_tags": {"team": ["blue"]}, "transitive_tag_keys": ["team"]}}
    flat = {"https://aws.amazon.com/tags/principal_tags/team": "blue"}
    token = federation.issuing.token(**(nested if form == "nested" else flat))
    with refused("AccessDenied"):
        federation.come(token)  # nobody may tag the session
    federation.trust("sts:TagSession", StringEquals={"aws:RequestTag/team": "blue"})
    federation.allow(StringEquals={"aws:PrincipalTag/team": "blue"})
    federation.signed_by(federation.come(token), "iam").list_users()
    with refused("AccessDenied"):
        federation.come(federation.issuing.token())


def test_a_source_identity_in_a_token_is_the_sessions(federation: Federation, refused: Any) -> None:
    token = federation.issuing.token(**{"https://aws.amazon.com/source_identity": "ana"})
    with refused("AccessDenied"):
        federation.come(token)
    federation.trust("sts:SetSourceIdentity")
    assert federation.come(token)["SourceIdentity"] == "ana"


def test_session_policies_and_durations_hold_here_too(federation: Federation, refused: Any) -> None:
    token = federation.issuing.token()
    narrow = document({"Effect": "Allow", "Action": "iam:ListRoles", "Resource": "*"})
    answer = federation.come(token, Policy=narrow, DurationSeconds=900)
    assert answer["PackedPolicySize"] > 0
    with refused("AccessDenied", "no session policy allows"):
        federation.signed_by(answer, "iam").list_users()
    with refused("ValidationError", "exceeds the MaxSessionDuration"):
        federation.come(token, DurationSeconds=7200)


def test_a_token_ends_by_the_machines_time_and_its_credentials_by_the_clock(federation: Federation, clock: Any, refused: Any) -> None:
    token = federation.issuing.token()
    mine = federation.signed_by(federation.come(token), "sts")
    clock.advance(timedelta(hours=2))
    with refused("ExpiredToken"):
        mine.get_caller_identity()
    federation.come(token)


def test_access_tokens_of_companies_are_not_checked_here(federation: Federation, refused: Any) -> None:
    with refused("NotImplemented", "www.amazon.com"):
        federation.come("Atza|opaque", ProviderId="www.amazon.com")
    with refused("InvalidParameterValue"):
        federation.come(federation.issuing.token(), ProviderId=federation.issuing.host)
