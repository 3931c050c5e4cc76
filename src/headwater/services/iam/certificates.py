"""Server certificates of the account and signing certificates of users, read with `cryptography`: what is none is refused.

A server certificate's private key must fit it. It is sealed at rest and never returned.
Source: "Manage server certificates in IAM" of the user guide; one recorded answer.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.identity import new_unique_id
from headwater.kernel.permissions import requires
from headwater.kernel.store import Record, Table

from . import arns
from .model import GLOBAL, calling_user, described_tags, tagged, untagged
from .paging import page, under

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from headwater.kernel.context import Context

SERVER_MAX: Final = 20
SIGNING_MAX: Final = 2
SIGNING_ID_CHARACTERS: Final = 32


class ServerCertificate(Record, frozen=True, kw_only=True):
    account: str
    name: str
    path: str
    unique_id: str
    body: str
    chain: str | None
    sealed_key: bytes
    uploaded_at: datetime
    expires_at: datetime
    tags: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account}:server-certificate{self.path}{self.name}"


class SigningCertificate(Record, frozen=True, kw_only=True):
    account: str
    user_id: str
    certificate_id: str
    body: str
    active: bool
    uploaded_at: datetime


server_certificates: Final = Table("iam", "server_certificates", ServerCertificate, key=lambda one: (one.account, GLOBAL, one.name))
signing_certificates: Final = Table(
    "iam", "signing_certificates", SigningCertificate, key=lambda one: (one.account, GLOBAL, one.user_id, one.certificate_id)
)


def _parsed(pem: str) -> Certificate:
    from cryptography import x509  # not before somebody has a certificate

    try:
        return x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        raise fault("MalformedCertificate", "Unable to parse certificate. Please ensure the certificate is in PEM format.") from None


def _check_pair(certificate: Certificate, key_pem: str) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    try:
        key = load_pem_private_key(key_pem.encode(), password=None)
    except (ValueError, TypeError):
        raise fault("MalformedCertificate", "Unable to parse key; the body, key and chain should be in PEM format.") from None
    shape = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if key.public_key().public_bytes(*shape) != certificate.public_key().public_bytes(*shape):
        raise fault("KeyPairMismatch", "The public key certificate does not match the private key.")


def _server_certificate_arn(ctx: Context, request: dict[str, Any]) -> str:
    name = request["ServerCertificateName"]
    found = ctx.store.get(server_certificates, ctx.account, GLOBAL, name)
    return f"arn:aws:iam::{ctx.account}:server-certificate{'/' if found is None else found.path}{name}"


def _find(ctx: Context, name: str) -> ServerCertificate:
    found = ctx.store.get(server_certificates, ctx.account, GLOBAL, name)
    if found is None:
        raise fault("NoSuchEntity", f"The Server Certificate with name {name} cannot be found.")
    return found


def _name_taken(name: str) -> Fault:
    return fault("EntityAlreadyExists", f"The Server Certificate with name {name} already exists.")


def _metadata(certificate: ServerCertificate) -> dict[str, Any]:
    return {
        "Path": certificate.path,
        "ServerCertificateName": certificate.name,
        "ServerCertificateId": certificate.unique_id,
        "Arn": certificate.arn,
        "UploadDate": certificate.uploaded_at,
        "Expiration": certificate.expires_at,
    }


# -- server certificates -----------------------------------------------------------------------------------------------


@requires("iam:UploadServerCertificate", arns.new("server-certificate", "ServerCertificateName"))
@requires("iam:TagServerCertificate", arns.new("server-certificate", "ServerCertificateName"), when="Tags")
async def upload_server_certificate(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Keep a certificate, its chain and its key."""
    name = request["ServerCertificateName"]
    parsed = _parsed(request["CertificateBody"])
    _check_pair(parsed, request["PrivateKey"])
    if "CertificateChain" in request:
        _parsed(request["CertificateChain"])
    listed = ctx.store.scan(server_certificates, ctx.account, GLOBAL)
    if any(one.name == name for one in listed):
        raise _name_taken(name)
    if len(listed) >= SERVER_MAX:
        raise fault("LimitExceeded", f"Cannot exceed quota for ServerCertificatesPerAccount: {SERVER_MAX}")
    unique_id = new_unique_id("ASCA")
    certificate = ServerCertificate(
        account=ctx.account,
        name=name,
        path=request.get("Path", "/"),
        unique_id=unique_id,
        body=request["CertificateBody"].strip(),
        chain=request.get("CertificateChain"),
        sealed_key=ctx.home.vault.seal(request["PrivateKey"].encode(), unique_id),
        uploaded_at=ctx.clock.now().replace(microsecond=0),
        expires_at=parsed.not_valid_after_utc,
        tags=tagged({}, request.get("Tags", [])),
    )
    async with ctx.store.transaction() as tx:
        tx.put(server_certificates, certificate)
    return {"ServerCertificateMetadata": _metadata(certificate), "Tags": described_tags(certificate.tags) or None}


@requires("iam:GetServerCertificate", _server_certificate_arn)
async def get_server_certificate(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Everything but the key."""
    certificate = _find(ctx, request["ServerCertificateName"])
    described = {
        "ServerCertificateMetadata": _metadata(certificate),
        "CertificateBody": certificate.body,
        "CertificateChain": certificate.chain,
        "Tags": described_tags(certificate.tags),
    }
    return {"ServerCertificate": described}


@requires("iam:ListServerCertificates", arns.listed("server-certificate"))
async def list_server_certificates(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """By name, under a path."""
    found = [one for one in ctx.store.scan(server_certificates, ctx.account, GLOBAL) if under(request.get("PathPrefix"), one.path)]
    shown, more = page(found, request, lambda one: one.name)
    return {"ServerCertificateMetadataList": [_metadata(one) for one in shown], **more}


@requires("iam:UpdateServerCertificate", lambda ctx, request: arns.renamed_certificate(_server_certificate_arn(ctx, request), request))
async def update_server_certificate(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Another name or path."""
    certificate = _find(ctx, request["ServerCertificateName"])
    name = request.get("NewServerCertificateName", certificate.name)
    if name != certificate.name and ctx.store.get(server_certificates, ctx.account, GLOBAL, name) is not None:
        raise _name_taken(name)
    changed = msgspec.structs.replace(certificate, name=name, path=request.get("NewPath", certificate.path))
    async with ctx.store.transaction() as tx:
        tx.delete(server_certificates, certificate.account, GLOBAL, certificate.name)
        tx.put(server_certificates, changed)
    return {}


@requires("iam:DeleteServerCertificate", _server_certificate_arn)
async def delete_server_certificate(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Forget it and its key."""
    certificate = _find(ctx, request["ServerCertificateName"])
    async with ctx.store.transaction() as tx:
        tx.delete(server_certificates, certificate.account, GLOBAL, certificate.name)
    return {}


@requires("iam:TagServerCertificate", _server_certificate_arn)
async def tag_server_certificate(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Add tags, or give them new values."""
    certificate = _find(ctx, request["ServerCertificateName"])
    async with ctx.store.transaction() as tx:
        tx.put(server_certificates, msgspec.structs.replace(certificate, tags=tagged(certificate.tags, request["Tags"])))
    return {}


@requires("iam:UntagServerCertificate", _server_certificate_arn)
async def untag_server_certificate(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Take tags off."""
    certificate = _find(ctx, request["ServerCertificateName"])
    async with ctx.store.transaction() as tx:
        tx.put(server_certificates, msgspec.structs.replace(certificate, tags=untagged(certificate.tags, request["TagKeys"])))
    return {}


@requires("iam:ListServerCertificateTags", _server_certificate_arn)
async def list_server_certificate_tags(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """By key."""
    shown, more = page(described_tags(_find(ctx, request["ServerCertificateName"]).tags), request, lambda tag: tag["Key"])
    return {"Tags": shown, **more}


# -- signing certificates ----------------------------------------------------------------------------------------------


def _find_signing(ctx: Context, request: dict[str, Any]) -> SigningCertificate:
    user = calling_user(ctx, request.get("UserName"))
    found = ctx.store.get(signing_certificates, user.account, GLOBAL, user.unique_id, request["CertificateId"])
    if found is None:
        raise fault("NoSuchEntity", f"The Certificate with id {request['CertificateId']} cannot be found.")
    return found


def _described_signing(name: str, certificate: SigningCertificate) -> dict[str, Any]:
    return {
        "UserName": name,
        "CertificateId": certificate.certificate_id,
        "CertificateBody": certificate.body,
        "Status": "Active" if certificate.active else "Inactive",
        "UploadDate": certificate.uploaded_at,
    }


@requires("iam:UploadSigningCertificate", arns.user)
async def upload_signing_certificate(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Give a user a certificate; a user has two at most, and no two users the same."""
    user = calling_user(ctx, request.get("UserName"))
    from cryptography.hazmat.primitives.serialization import Encoding

    digest = hashlib.sha256(_parsed(request["CertificateBody"]).public_bytes(Encoding.DER)).hexdigest()
    certificate_id = digest[:SIGNING_ID_CHARACTERS].upper()
    if any(one.certificate_id == certificate_id for one in ctx.store.scan(signing_certificates, ctx.account, GLOBAL)):
        raise fault("DuplicateCertificate", "The specified certificate is already associated with an IAM user.")
    if len(ctx.store.scan(signing_certificates, ctx.account, GLOBAL, user.unique_id)) >= SIGNING_MAX:
        raise fault("LimitExceeded", f"Cannot exceed quota for CertificatesPerUser: {SIGNING_MAX}")
    certificate = SigningCertificate(
        account=user.account,
        user_id=user.unique_id,
        certificate_id=certificate_id,
        body=request["CertificateBody"].strip(),
        active=True,
        uploaded_at=ctx.clock.now().replace(microsecond=0),
    )
    async with ctx.store.transaction() as tx:
        tx.put(signing_certificates, certificate)
    return {"Certificate": _described_signing(user.name, certificate)}


@requires("iam:ListSigningCertificates", arns.user)
async def list_signing_certificates(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """A user's certificates."""
    user = calling_user(ctx, request.get("UserName"))
    found = ctx.store.scan(signing_certificates, user.account, GLOBAL, user.unique_id)
    shown, more = page(found, request, lambda one: one.certificate_id)
    return {"Certificates": [_described_signing(user.name, one) for one in shown], **more}


@requires("iam:UpdateSigningCertificate", arns.user)
async def update_signing_certificate(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Let it count, or not."""
    certificate = _find_signing(ctx, request)
    async with ctx.store.transaction() as tx:
        tx.put(signing_certificates, msgspec.structs.replace(certificate, active=request["Status"] == "Active"))
    return {}


@requires("iam:DeleteSigningCertificate", arns.user)
async def delete_signing_certificate(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Forget it."""
    found = _find_signing(ctx, request)
    async with ctx.store.transaction() as tx:
        tx.delete(signing_certificates, found.account, GLOBAL, found.user_id, found.certificate_id)
    return {}
