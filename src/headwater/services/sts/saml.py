"""AssumeRoleWithSAML: an organization's own identity provider vouches, with a signed document in the place of a signature.

The document is checked before the decision, as an identity token is. Only what the signature covers is ever looked at: the library
hands out the signed element, read anew, and everything else of the document is forgotten (signatures that are wrapped around
something else have fooled many). The signature is checked with the certificates in the metadata that the account registered, whatever
the document itself brings. Times are the machine's, the provider lives in that time; the credentials end by the Clock.
Source: "Configure SAML assertions for the authentication response", "Available keys for SAML-based AWS STS federation" and
"Troubleshoot SAML federation with IAM" of IAM's user guide, the latter for the sentences.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.identity import Principal, Session
from headwater.kernel.permissions import requires

from . import SERVICE
from .condition_keys import has_source_identity, has_tags
from .directory import Directory, account_of
from .operations import ASSUMED_S, assumed, check_duration
from .sessions import chained_tags, session_of

if TYPE_CHECKING:
    from headwater.kernel.context import Context

AUDIENCES: Final = frozenset({"https://signin.aws.amazon.com/saml", "urn:amazon:webservices"})
RECIPIENT: Final = re.compile(r"https://([a-z0-9-]+\.)?signin\.aws\.amazon\.com/saml(/acs/\w+)?")
SESSION_NAME: Final = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
REDEEMED_WITHIN: Final = timedelta(minutes=5)
SKEW: Final = timedelta(minutes=5)
ATTRIBUTES: Final = "https://aws.amazon.com/SAML/Attributes/"
FORMATS: Final = "urn:oasis:names:tc:SAML:2.0:nameid-format:"
_A: Final = "{urn:oasis:names:tc:SAML:2.0:assertion}"
_P: Final = "{urn:oasis:names:tc:SAML:2.0:protocol}"
_M: Final = "{urn:oasis:names:tc:SAML:2.0:metadata}"
_D: Final = "{http://www.w3.org/2000/09/xmldsig#}"
_NO_RESPONSE: Final = "Your request included an invalid SAML response."

Element = Any


class Assertion(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider says of somebody, believed."""

    issuer: str
    subject: str
    subject_format: str
    recipient: str
    audiences: frozenset[str]
    issued_at: datetime
    not_before: datetime | None
    not_after: datetime | None
    session_ends_at: datetime | None
    attributes: dict[str, tuple[str, ...]]

    def one(self, name: str) -> str:
        values = self.attributes.get(ATTRIBUTES + name, ())
        return values[0] if len(values) == 1 else ""

    @property
    def subject_type(self) -> str:
        return self.subject_format.removeprefix(FORMATS)


@requires("sts:AssumeRoleWithSAML", "{RoleArn}")
@requires("sts:TagSession", "{RoleArn}", when=has_tags)
@requires("sts:SetSourceIdentity", "{RoleArn}", when=has_source_identity)
async def assume_role_with_saml(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Become a session of a role that trusts the document's provider."""
    proven = ctx.principal.session
    assert proven is not None
    directory = Directory(ctx, account_of(request["RoleArn"]))
    role = await directory.role(request["RoleArn"])
    if role is None:
        raise fault("AccessDenied", "Not authorized to perform sts:AssumeRoleWithSAML")
    duration_s = request.get("DurationSeconds", ASSUMED_S)
    check_duration(role, duration_s)
    asked = session_of(ctx, request)
    await directory.check_policies(asked.policy_arns)
    session = msgspec.structs.replace(proven, issued_at=asked.issued_at, policies=asked.policies, policy_arns=asked.policy_arns)
    return {
        **assumed(ctx, request, role, session, duration_s),
        "Subject": proven.claims["saml:sub"][0],
        "SubjectType": proven.claims["saml:sub_type"][0],
        "Issuer": proven.claims["saml:iss"][0],
        "Audience": proven.claims["saml:aud"][0],
        "NameQualifier": proven.claims["saml:namequalifier"][0],
    }


@SERVICE.proof("AssumeRoleWithSAML")
async def _prove_assertion(ctx: Context, request: dict[str, Any]) -> None:
    """Put the one whom the document is of into the context, and what it asks for into the request: its session's name and length."""
    account, provider = account_of(request["RoleArn"]), request["PrincipalArn"]
    metadata = await Directory(ctx, account).metadata(provider)
    if metadata is None:
        raise _invalid("Specified provider doesn't exist")
    read = asyncio.get_running_loop().run_in_executor(ctx.home.pools.compression, believed, request["SAMLAssertion"], metadata)
    assertion = await read
    now = ctx.clock.machine()
    check_times(assertion, now)
    if not assertion.audiences & AUDIENCES or RECIPIENT.fullmatch(assertion.recipient) is None:
        raise _invalid("Response does not contain the required audience.")
    pairs = {frozenset(pair.replace(" ", "").split(",")) for pair in assertion.attributes.get(f"{ATTRIBUTES}Role", ())}
    if frozenset((request["RoleArn"], provider)) not in pairs:
        raise fault("AccessDenied", "Not authorized to perform sts:AssumeRoleWithSAML")
    request["RoleSessionName"] = session_name(assertion)
    if assertion.session_ends_at is not None:
        left_s = int((assertion.session_ends_at - now).total_seconds())
        request["DurationSeconds"] = max(1, min(request.get("DurationSeconds", ASSUMED_S), left_s))
    ctx.principal = principal_of(account, provider, assertion)
    ctx.account = account


def believed(text: str, metadata: str) -> Assertion:
    """The assertion that the provider signed. Blocking: it parses and computes."""
    from lxml import etree

    try:
        document = base64.b64decode(text, validate=False)
    except (ValueError, binascii.Error):
        raise _invalid("Invalid base64 SAMLResponse") from None
    try:
        response, about = _parsed(document), _parsed(metadata.encode())
    except (etree.XMLSyntaxError, ValueError):
        raise _invalid(_NO_RESPONSE) from None
    if response.tag != f"{_P}Response":
        raise _invalid(_NO_RESPONSE)
    assertion = read(_signed(response, _certificates(about)))
    if assertion.issuer != about.get("entityID"):
        raise _invalid("Issuer not present in specified provider")
    return assertion


def _parsed(document: bytes) -> Element:
    """XML without entities, and without anything that is fetched from elsewhere."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True)
    root = etree.fromstring(document, parser)
    if root.getroottree().docinfo.doctype:
        raise ValueError("a document type")
    return root


def _certificates(metadata: Element) -> list[str]:
    """Those that the provider signs with, as text without whitespace."""
    found = []
    for descriptor in metadata.iterfind(f"{_M}IDPSSODescriptor/{_M}KeyDescriptor"):
        if descriptor.get("use", "signing") == "signing":
            found += ["".join((each.text or "").split()) for each in descriptor.iter(f"{_D}X509Certificate")]
    return found


def _signed(response: Element, certificates: list[str]) -> Element:
    """The one assertion under a signature of the whole response or of its own."""
    from signxml.exceptions import SignXMLException
    from signxml.verifier import SignatureConfiguration, XMLVerifier

    for location in ("./", f"./{_A}Assertion/"):
        for certificate in certificates:
            pem = f"-----BEGIN CERTIFICATE-----\n{certificate}\n-----END CERTIFICATE-----"
            try:
                result = XMLVerifier().verify(response, x509_cert=pem, expect_config=SignatureConfiguration(location=location))
            except (SignXMLException, ValueError, TypeError):
                continue
            signed = result[0].signed_xml if isinstance(result, list) else result.signed_xml
            assertions = [signed] if signed is not None and signed.tag == f"{_A}Assertion" else _children(signed)
            if len(assertions) == 1:
                return assertions[0]
    raise _invalid("Response signature invalid")


def _children(signed: Element) -> list[Element]:
    return list(signed.iterfind(f"{_A}Assertion")) if signed is not None and signed.tag == f"{_P}Response" else []


def read(assertion: Element) -> Assertion:
    """What stands in it, where it stands according to the schema."""
    confirmation = assertion.find(f"{_A}Subject/{_A}SubjectConfirmation/{_A}SubjectConfirmationData")
    subject = assertion.find(f"{_A}Subject/{_A}NameID")
    conditions = assertion.find(f"{_A}Conditions")
    statement = assertion.find(f"{_A}AuthnStatement")
    issued_at = _moment(assertion.get("IssueInstant"))
    if confirmation is None or subject is None or not subject.text or conditions is None or statement is None or issued_at is None:
        raise _invalid(_NO_RESPONSE)
    ends = [_moment(each.get("NotOnOrAfter")) for each in (conditions, confirmation)]
    return Assertion(
        issuer=(assertion.findtext(f"{_A}Issuer") or "").strip(),
        subject=subject.text.strip(),
        subject_format=subject.get("Format", f"{FORMATS}unspecified"),
        recipient=confirmation.get("Recipient", ""),
        audiences=frozenset((each.text or "").strip() for each in conditions.iterfind(f"{_A}AudienceRestriction/{_A}Audience")),
        issued_at=issued_at,
        not_before=_moment(conditions.get("NotBefore")),
        not_after=min((end for end in ends if end is not None), default=None),
        session_ends_at=_moment(statement.get("SessionNotOnOrAfter")),
        attributes={
            str(each.get("Name")): tuple((value.text or "").strip() for value in each.iterfind(f"{_A}AttributeValue"))
            for each in assertion.iterfind(f"{_A}AttributeStatement/{_A}Attribute")
        },
    )


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _invalid(_NO_RESPONSE) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def check_times(assertion: Assertion, now: datetime) -> None:
    if now - assertion.issued_at > REDEEMED_WITHIN:
        raise fault("ExpiredTokenException", "Token must be redeemed within 5 minutes of issuance")
    if any(end is not None and now >= end for end in (assertion.not_after, assertion.session_ends_at)):
        raise fault("ExpiredTokenException", "The SAML response is expired.")
    if max(assertion.issued_at, assertion.not_before or assertion.issued_at) > now + SKEW:
        raise _invalid(_NO_RESPONSE)


def session_name(assertion: Assertion) -> str:
    name = assertion.one("RoleSessionName")
    if not name:
        raise _invalid("RoleSessionName is required in AuthnResponse")
    if SESSION_NAME.fullmatch(name) is None:
        raise _invalid("RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}")
    return name


def principal_of(account: str, provider: str, assertion: Assertion) -> Principal:
    """The federated principal that the trust policy is asked about."""
    name = provider.partition(":saml-provider/")[2]
    qualifier = hashlib.sha1(f"{assertion.issuer}{account}/{name}".encode(), usedforsecurity=False).digest()
    claims = {
        "saml:aud": assertion.recipient,
        "saml:iss": assertion.issuer,
        "saml:sub": assertion.subject,
        "saml:sub_type": assertion.subject_type,
        "saml:namequalifier": base64.b64encode(qualifier).decode(),
        "saml:doc": f"{account}/{name}",
    }
    tags = [
        {"Key": key.removeprefix(f"{ATTRIBUTES}PrincipalTag:"), "Value": values[0]}
        for key, values in assertion.attributes.items()
        if key.startswith(f"{ATTRIBUTES}PrincipalTag:") and values
    ]
    own, transitive = chained_tags(tags, list(assertion.attributes.get(f"{ATTRIBUTES}TransitiveTagKeys", ())))
    source_identity = assertion.one("SourceIdentity")
    if source_identity and (SESSION_NAME.fullmatch(source_identity) is None or source_identity.startswith("aws:")):
        raise _invalid('Source Identity must match [a-zA-Z_0-9+=,.@-]{2,64} and not begin with "aws:"')
    return Principal(
        arn=provider,
        account=account,
        kind="federated",
        user_id=f"{claims['saml:namequalifier']}:{assertion.subject}",
        session=Session(
            provider=provider,
            claims={key: (value,) for key, value in claims.items()},
            tags=own,
            transitive_tag_keys=transitive,
            source_identity=source_identity,
        ),
    )


def _invalid(sentence: str) -> Fault:
    return fault("InvalidIdentityToken", sentence)
