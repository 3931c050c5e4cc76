"""AssumeRoleWithWebIdentity: an identity token in the place of a signature.

The token is the caller's proof, so it is checked before the decision, which then finds a federated principal with the claims that
the role's trust policy asks about. Checked are the provider (registered in the role's account), the audience, the signature with
the issuer's own keys, and the token's times. Those are judged by the machine's time, like a signature's freshness: the issuer
lives in that time, and moving the Clock must neither kill a fresh token nor revive an old one. The credentials that come of it
end by the Clock.
Source: the API reference; "Create an OpenID Connect identity provider" and "Available keys for AWS OIDC federation" of IAM's
user guide; the sentences are AWS's own, as its users quote them in public issue trackers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from headwater.aws.faults import Fault, fault
from headwater.kernel.identity import Principal, Session
from headwater.kernel.permissions import requires

from . import SERVICE
from .condition_keys import has_source_identity, has_tags
from .directory import Directory, Provider, account_of
from .openid import Issuer, Issuers, NoKeys, UnknownCertificate, Unreachable, is_loopback
from .operations import ASSUMED_S, assumed, check_duration
from .sessions import chained_tags, session_of

if TYPE_CHECKING:
    from headwater.kernel.context import Context
    from headwater.kernel.home import Home

Claims = dict[str, Any]

ALGORITHMS: Final = frozenset({"RS256", "RS384", "RS512", "ES256", "ES384", "ES512"})
"""Those that AWS takes. None is symmetric: a key that everybody can fetch must not sign."""
SKEW_S: Final = 300
FARTHEST_S: Final = 1e12
BUILT_IN: Final = frozenset({"accounts.google.com"})
"""Issuers that trust policies name without registering them. AWS knows two more, which give out no identity tokens."""
OPAQUE: Final = frozenset({"www.amazon.com", "graph.facebook.com"})
KEYS: Final = ("sub", "amr", "email")
_AWS: Final = "https://aws.amazon.com/"
_NO_JWT: Final = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
_NO_KEY: Final = (
    "Couldn't retrieve verification key from your identity provider,  "
    "please reference AssumeRoleWithWebIdentity documentation for requirements"
)


@requires("sts:AssumeRoleWithWebIdentity", "{RoleArn}")
@requires("sts:TagSession", "{RoleArn}", when=has_tags)
@requires("sts:SetSourceIdentity", "{RoleArn}", when=has_source_identity)
async def assume_role_with_web_identity(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Become a session of a role that trusts the token's issuer."""
    arn = request["RoleArn"]
    proven = ctx.principal.session
    assert proven is not None
    directory = Directory(ctx, account_of(arn))
    role = await directory.role(arn)
    if role is None:
        raise fault("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
    duration_s = request.get("DurationSeconds", ASSUMED_S)
    check_duration(role, duration_s)
    asked = session_of(ctx, request)
    await directory.check_policies(asked.policy_arns)
    session = Session(
        issued_at=asked.issued_at,
        policies=asked.policies,
        policy_arns=asked.policy_arns,
        tags=proven.tags,
        transitive_tag_keys=proven.transitive_tag_keys,
        source_identity=proven.source_identity,
        provider=proven.provider,
        claims=proven.claims,
    )
    prefix = _key_prefix(proven.provider)
    return {
        **assumed(ctx, request, role, session, duration_s),
        "SubjectFromWebIdentityToken": proven.claims[f"{prefix}:sub"][0],
        "Provider": proven.provider,
        "Audience": proven.claims[f"{prefix}:aud"][0],
    }


@SERVICE.proof("AssumeRoleWithWebIdentity")
async def _prove_identity(ctx: Context, request: dict[str, Any]) -> None:
    """Put the one whom the token is of into the context, in the account of the role."""
    if "ProviderId" in request:
        _refuse_opaque(request["ProviderId"])
    account = account_of(request["RoleArn"])
    header, claims = read_unverified(request["WebIdentityToken"])
    provider, issuer = await _provider(ctx, account, claims["iss"])
    audiences = audiences_of(claims)
    if provider.clients is not None and not set(audiences) & set(provider.clients):
        raise _invalid("Incorrect token audience")
    try:
        keys = await live(ctx.home).keys(issuer, header.get("kid"))
    except Unreachable:
        raise fault("IDPCommunicationError", "The identity provider that was asked for its keys could not be reached.") from None
    except UnknownCertificate:
        raise _invalid("OpenIDConnect provider's HTTPS certificate doesn't match configured thumbprint") from None
    except NoKeys:
        raise _invalid(_NO_KEY) from None
    check_signature(request["WebIdentityToken"], header, keys)
    check_times(claims, ctx.clock.machine().timestamp())
    ctx.principal = principal_of(account, provider, claims, audiences)
    ctx.account = account


@SERVICE.stops
async def _close(home: Home) -> None:
    issuers: Issuers | None = home.rooms.pop("sts", None)
    if issuers is not None:
        issuers.close()


def live(home: Home) -> Issuers:
    issuers: Issuers = home.rooms.get("sts") or home.rooms.setdefault("sts", Issuers())
    return issuers


async def _provider(ctx: Context, account: str, issuer: str) -> tuple[Provider, Issuer]:
    """Who is registered under the token's issuer, and whom to ask. An issuer on loopback may do without TLS."""
    try:
        parts = urlsplit(issuer)
    except ValueError:
        raise _invalid("Issuer must be a valid URL") from None
    bare = issuer.removeprefix(f"{parts.scheme}://")
    if not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))):
        raise _invalid("Issuer must be a valid URL")
    if bare in BUILT_IN:
        return Provider(bare, bare, None), Issuer(issuer)
    provider = await Directory(ctx, account).provider(bare.rstrip("/"))
    if provider is None:
        raise _invalid(f"No OpenIDConnect provider found in your account for {issuer}")
    return provider, Issuer(issuer, provider.thumbprints)


def read_unverified(token: str) -> tuple[dict[str, Any], Claims]:
    """The token's header and claims, of the right types, believed by nobody yet."""
    import jwt

    try:
        whole = jwt.decode_complete(token, options={"verify_signature": False})
    except (jwt.InvalidTokenError, ValueError, RecursionError):
        raise _invalid(_NO_JWT) from None
    header, claims = whole["header"], whole["payload"]
    if header.get("alg") not in ALGORITHMS:
        raise _invalid(_NO_JWT)
    for name in ("iss", "sub", "aud", "exp", "iat"):
        if name not in claims:
            raise _invalid(f"Missing a required claim: {name}")
    if not all(isinstance(claims[name], str) and claims[name] for name in ("iss", "sub")) or not audiences_of(claims):
        raise _invalid(_NO_JWT)
    return header, claims


def audiences_of(claims: Claims) -> tuple[str, ...]:
    """Whom the token is for: AWS takes the authorized party (`azp`) for it where there is one."""
    party = claims.get("azp")
    return (party,) if isinstance(party, str) and party else _texts(claims["aud"])


def check_signature(token: str, header: dict[str, Any], keys: list[dict[str, Any]]) -> None:
    """One of the issuer's keys must have signed, with the algorithm that the token names and the key allows."""
    import jwt

    algorithm = header["alg"]
    usable = [key for key in keys if key.get("alg", algorithm) == algorithm]
    if not usable:
        raise _invalid(_NO_KEY)
    for key in usable:
        try:
            jwt.decode(token, jwt.PyJWK(key, algorithm), algorithms=[algorithm], options=_SIGNATURE_ALONE)
        except (jwt.PyJWTError, ValueError, TypeError):
            continue
        return
    raise _invalid("The web identity token's signature is not valid.")


_SIGNATURE_ALONE: Final[Any] = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}


def check_times(claims: Claims, now: float) -> None:
    """By the machine's time. The issuer's clock may be ahead of ours by a little."""
    ends, issued_at, begins = (_moment(claims, name) for name in ("exp", "iat", "nbf"))
    if ends is None or issued_at is None:
        raise _invalid(_NO_JWT)
    if now >= ends:
        raise fault(
            "ExpiredTokenException",
            f"Token expired: current date/time {int(now)} must be before the expiration date/time {int(ends)}",
        )
    if max(issued_at, begins or issued_at) > now + SKEW_S:
        raise _invalid("The web identity token is not valid yet.")


def principal_of(account: str, provider: Provider, claims: Claims, audiences: tuple[str, ...]) -> Principal:
    """The federated principal that the trust policy is asked about: it names the provider, and conditions name the claims."""
    prefix = provider.url.lower()
    keys = {f"{prefix}:{name}": _texts(claims[name]) for name in KEYS if _texts(claims.get(name))}
    keys[f"{prefix}:aud"] = audiences
    if "azp" in claims:
        keys[f"{prefix}:oaud"] = _texts(claims["aud"])
    tags, transitive = tags_of(claims)
    source_identity = claims.get(f"{_AWS}source_identity", "")
    if not isinstance(source_identity, str):
        raise _rejected("source_identity")
    return Principal(
        arn=provider.name,
        account=account,
        kind="federated",
        user_id=f"{provider.name}:{audiences[0]}:{claims['sub']}",
        session=Session(provider=provider.name, claims=keys, tags=tags, transitive_tag_keys=transitive, source_identity=source_identity),
    )


def tags_of(claims: Claims) -> tuple[dict[str, str], tuple[str, ...]]:
    """The session tags in a token: nested under one claim, or a claim for each."""
    nested = claims.get(f"{_AWS}tags", {})
    if not isinstance(nested, dict):
        raise _rejected("tags")
    given = nested.get("principal_tags", {})
    if not isinstance(given, dict):
        raise _rejected("tags")
    flat = f"{_AWS}tags/principal_tags/"
    given = given | {name.removeprefix(flat): value for name, value in claims.items() if name.startswith(flat)}
    transitive = nested.get("transitive_tag_keys", claims.get(f"{_AWS}tags/transitive_tag_keys", []))
    tags = []
    for key, values in given.items():
        texts = _texts(values)
        if len(texts) != 1 or not 1 <= len(key) <= 128 or len(texts[0]) > 256:
            raise _rejected("tags")
        tags.append({"Key": key, "Value": texts[0]})
    return chained_tags(tags, list(_texts(transitive)))


def _texts(value: Any) -> tuple[str, ...]:
    """A claim's values: one text or several. Of anything else, and of a mixture, none."""
    if isinstance(value, str):
        return (value,) if value else ()
    if isinstance(value, bool):
        return ("true" if value else "false",)
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return tuple(value)
    return ()


def _moment(claims: Claims, name: str) -> float | None:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < FARTHEST_S else None  # neither what is no number nor what no float can hold


def _key_prefix(provider: str) -> str:
    return provider.split(":oidc-provider/", 1)[-1].lower()


def _refuse_opaque(provider_id: str) -> None:
    if provider_id in OPAQUE:
        raise fault("NotImplemented", f"Headwater has not built the access tokens of {provider_id}, which only that company can check.")
    raise fault("InvalidParameterValue", "ProviderId is for the access tokens of www.amazon.com and graph.facebook.com alone.")


def _invalid(sentence: str) -> Fault:
    return fault("InvalidIdentityToken", sentence)


def _rejected(claim: str) -> Fault:
    return fault("IDPRejectedClaim", f"The claim {_AWS}{claim} is not of the form that AWS takes.")
