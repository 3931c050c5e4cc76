"""AssumeRoleWithSAML with responses of a provider that signs: what is let in, and what is not.

Truth: "Configure SAML assertions for the authentication response", "Available keys for SAML-based AWS STS federation" and "Troubleshoot
SAML federation with IAM" of IAM's user guide. The signatures are made with signxml's signer, which shares a house with the verifier.
"""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import botocore
import botocore.config
import pytest
from lxml import etree
from signxml import XMLSigner

from headwater.aws.faults import Fault
from headwater.services.sts.saml import believed

pytestmark = pytest.mark.http  # nobody signs the requests
ISSUER = "https://idp.example.com/metadata"
ASSERTION = "{urn:oasis:names:tc:SAML:2.0:assertion}"
NAMES = 'xmlns="urn:oasis:names:tc:SAML:2.0:assertion" xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol"'


def at(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


class Idp:
    """An identity provider: a key, its metadata, and responses."""

    def __init__(self, pem: bytes) -> None:
        key, _, rest = pem.partition(b"-----BEGIN CERTIFICATE-----")
        self._key, self._certificate = key, b"-----BEGIN CERTIFICATE-----" + rest
        inside = rest.partition(b"-----END")[0].decode().strip()
        descriptor = f'<KeyDescriptor use="signing"><d:KeyInfo><d:X509Data><d:X509Certificate>{inside}</d:X509Certificate></d:X509Data>'
        self.metadata = (
            '<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:d="http://www.w3.org/2000/09/xmldsig#" '
            f'entityID="{ISSUER}">'
            f'<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">{descriptor}</d:KeyInfo></KeyDescriptor>'
            '<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example.com/sso"/>'
            f"</IDPSSODescriptor></EntityDescriptor>{' ' * 600}"
        )

    def response(self, roles: str, *, signed: str = "assertion", attributes: dict[str, str] | None = None, **said: str) -> str:
        """Base64, as the browser posts it."""
        root = etree.fromstring(response(roles, attributes or {}, **said))
        signer = XMLSigner(c14n_algorithm="http://www.w3.org/2001/10/xml-exc-c14n#")
        if signed == "assertion":
            assertion = root.find(f"{ASSERTION}Assertion")
            put = signer.sign(assertion, key=self._key, cert=self._certificate, reference_uri="#_assertion", id_attribute="ID")
            root.replace(assertion, put)
        elif signed == "response":
            root = signer.sign(root, key=self._key, cert=self._certificate, reference_uri="#_response", id_attribute="ID")
        return base64.b64encode(etree.tostring(root)).decode()


def response(roles: str, attributes: dict[str, str], **said: str) -> bytes:
    known = {
        "issuer": ISSUER,
        "subject": "ana",
        "audience": "urn:amazon:webservices",
        "recipient": "https://signin.aws.amazon.com/saml",
        "issued": at(-1),
        "begins": at(-60),
        "ends": at(240),
        "session": at(3600),
    } | said
    stated = {"Role": roles, "RoleSessionName": "ana@example.com"} | attributes
    listed = "".join(
        f'<Attribute Name="https://aws.amazon.com/SAML/Attributes/{name}"><AttributeValue>{value}</AttributeValue></Attribute>'
        for name, value in stated.items()
        if value
    )
    return (
        f'<p:Response {NAMES} ID="_response" Version="2.0" IssueInstant="{known["issued"]}"><Issuer>{known["issuer"]}</Issuer>'
        f'<Assertion ID="_assertion" Version="2.0" IssueInstant="{known["issued"]}"><Issuer>{known["issuer"]}</Issuer>'
        f'<Subject><NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">{known["subject"]}</NameID>'
        '<SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">'
        f'<SubjectConfirmationData NotOnOrAfter="{known["ends"]}" Recipient="{known["recipient"]}"/></SubjectConfirmation></Subject>'
        f'<Conditions NotBefore="{known["begins"]}" NotOnOrAfter="{known["ends"]}"><AudienceRestriction>'
        f"<Audience>{known['audience']}</Audience></AudienceRestriction></Conditions>"
        f'<AuthnStatement AuthnInstant="{known["issued"]}" SessionNotOnOrAfter="{known["session"]}"/>'
        f"<AttributeStatement>{listed}</AttributeStatement></Assertion></p:Response>"
    ).encode()


@pytest.fixture
def make_idp(tmp_path: Path, new_certificate: Callable[[Path], bytes]) -> Callable[[], Idp]:
    return lambda: Idp(new_certificate(tmp_path))


class Federation:
    def __init__(self, aws: Any, idp: Idp) -> None:
        self.idp = idp
        self.iam = aws.client("iam")
        self.provider = self.iam.create_saml_provider(SAMLMetadataDocument=idp.metadata, Name="idp")["SAMLProviderArn"]
        self.role = f"arn:aws:iam::{aws.account}:role/sso"
        self.iam.create_role(RoleName="sso", AssumeRolePolicyDocument=self.trusting({"StringEquals": {"saml:aud": AUD}}))
        self.pair = f"{self.role},{self.provider}"
        self._sts = aws.client("sts", config=botocore.config.Config(signature_version=botocore.UNSIGNED))

    def trusting(self, condition: dict[str, Any], *actions: str) -> str:
        allow = ["sts:AssumeRoleWithSAML", *actions]
        return document({"Effect": "Allow", "Principal": {"Federated": self.provider}, "Action": allow, "Condition": condition})

    def come(self, assertion: str, **more: Any) -> dict[str, Any]:
        request = {"RoleArn": self.role, "PrincipalArn": self.provider, "SAMLAssertion": assertion} | more
        answer: dict[str, Any] = self._sts.assume_role_with_saml(**request)
        return answer


AUD = "https://signin.aws.amazon.com/saml"


@pytest.fixture
def federation(aws: Any, make_idp: Callable[[], Idp]) -> Federation:
    return Federation(aws, make_idp())


@pytest.mark.parametrize("signed", ["assertion", "response"])
def test_a_signed_response_makes_a_session(federation: Federation, aws: Any, signed: str) -> None:
    answer = federation.come(federation.idp.response(federation.pair, signed=signed))
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{aws.account}:assumed-role/sso/ana@example.com"
    assert (answer["Subject"], answer["SubjectType"], answer["Issuer"], answer["Audience"]) == ("ana", "persistent", ISSUER, AUD)
    assert answer["NameQualifier"]
    made = answer["Credentials"]
    mine = aws.client(
        "sts",
        aws_access_key_id=made["AccessKeyId"],
        aws_secret_access_key=made["SecretAccessKey"],
        aws_session_token=made["SessionToken"],
    )
    assert mine.get_caller_identity()["Arn"] == answer["AssumedRoleUser"]["Arn"]


REFUSED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "old": ("ExpiredTokenException", "Token must be redeemed within 5 minutes of issuance", {"issued": at(-400)}),
    "ended": ("ExpiredTokenException", "", {"ends": at(-1)}),
    "of tomorrow": ("InvalidIdentityToken", "", {"issued": at(86400), "ends": at(90000)}),
    "of another issuer": ("InvalidIdentityToken", "Issuer not present in specified provider", {"issuer": "https://elsewhere"}),
    "for another audience": ("InvalidIdentityToken", "required audience", {"audience": "https://elsewhere"}),
    "for another recipient": ("InvalidIdentityToken", "", {"recipient": "https://signin.aws.amazon.com.evil/saml"}),
    "for another role": ("AccessDenied", "Not authorized to perform sts:AssumeRoleWithSAML", {"attributes": {"Role": "a,b"}}),
    "of nobody": ("InvalidIdentityToken", "RoleSessionName is required", {"attributes": {"RoleSessionName": ""}}),
    "of a bad name": ("InvalidIdentityToken", "RoleSessionName in AuthnResponse must match", {"attributes": {"RoleSessionName": "a b"}}),
    "with tags that are not trusted": ("AccessDenied", "", {"attributes": {"PrincipalTag:team": "blue"}}),
    "at a moment that is none": ("InvalidIdentityToken", "", {"issued": "yesterday"}),
    "unsigned": ("InvalidIdentityToken", "Response signature invalid", {"signed": "nothing"}),
}


@pytest.mark.parametrize(("code", "words", "said"), REFUSED.values(), ids=REFUSED)
def test_a_response_is_refused(federation: Federation, refused: Any, code: str, words: str, said: dict[str, Any]) -> None:
    with refused(code, words):
        federation.come(federation.idp.response(federation.pair, **said))


def test_a_provider_that_is_not_there(federation: Federation, aws: Any, refused: Any) -> None:
    with refused("InvalidIdentityToken", "Specified provider doesn't exist"):
        federation.come(federation.idp.response(federation.pair), PrincipalArn=f"arn:aws:iam::{aws.account}:saml-provider/nobody")


def test_the_trust_policy_decides_on_what_is_said(federation: Federation, refused: Any) -> None:
    condition = {"StringEquals": {"saml:sub": "ana", "aws:RequestTag/team": "blue"}}
    trusted = federation.trusting(condition, "sts:TagSession", "sts:SetSourceIdentity")
    federation.iam.update_assume_role_policy(RoleName="sso", PolicyDocument=trusted)
    tags = {"PrincipalTag:team": "blue", "SourceIdentity": "ana"}
    assert federation.come(federation.idp.response(federation.pair, attributes=tags))["SourceIdentity"] == "ana"
    with refused("AccessDenied", "Not authorized to perform sts:AssumeRoleWithSAML"):
        federation.come(federation.idp.response(federation.pair, attributes=tags, subject="bob"))


def test_only_what_is_signed_is_believed(make_idp: Callable[[], Idp]) -> None:
    """Signature wrapping, in its best-known forms; a certificate that the response brings itself; entities."""
    idp, stranger = make_idp(), make_idp()
    pair = "arn:aws:iam::123456789012:role/a,arn:aws:iam::123456789012:saml-provider/idp"
    assert believed(idp.response(pair), idp.metadata).subject == "ana"
    root = etree.fromstring(base64.b64decode(idp.response(pair)))
    evil = etree.fromstring(response(pair, {}, subject="administrator")).find(f"{ASSERTION}Assertion")
    good = root.find(f"{ASSERTION}Assertion")
    forms = {"before": [evil, good], "after": [good, evil]}
    for order in forms.values():
        wrapped = etree.fromstring(etree.tostring(root))
        wrapped.remove(wrapped.find(f"{ASSERTION}Assertion"))
        wrapped.extend([etree.fromstring(etree.tostring(each)) for each in order])
        try:
            assert believed(base64.b64encode(etree.tostring(wrapped)).decode(), idp.metadata).subject == "ana"
        except Fault as refusal:
            assert refusal.code == "InvalidIdentityToken"  # noqa: PT017 - either is right, a stranger's word is not
    changed = base64.b64decode(idp.response(pair)).replace(b">ana<", b">eve<")
    bomb = b'<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + base64.b64decode(idp.response(pair))
    for raw in (changed, bomb, base64.b64decode(stranger.response(pair)), b"", b"<", b"<r/>", b"\xff" * 50):
        with pytest.raises(Fault, match="InvalidIdentityToken"):
            believed(base64.b64encode(raw).decode(), idp.metadata)
