"""Certificates, SSH keys and service-specific credentials. Truth: recorded answers where named, the API references, ssh-keygen."""

import subprocess
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from recorded import Recorded


@cache
def pair(name: str = "example.com") -> tuple[str, str]:
    """A certificate and its key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime(2025, 1, 1, tzinfo=UTC)
    built = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key()).serial_number(1)
    certificate = built.not_valid_before(start).not_valid_after(start + timedelta(days=3650)).sign(key, hashes.SHA256())
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), pem.decode()


@cache
def ssh_key(bits: int = 2048) -> tuple[str, str]:
    """A public key as OpenSSH writes it, and as PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits).public_key()
    line = key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
    return line, key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.fixture
def iam(aws: Any) -> Any:
    client = aws.client("iam")
    client.create_user(UserName="u")
    return client


def test_a_server_certificate_lives_and_dies(iam: Any, aws: Any, refused: Any) -> None:
    body, key = pair()
    given = {"ServerCertificateName": "c", "CertificateBody": body, "PrivateKey": key, "CertificateChain": body}
    made = iam.upload_server_certificate(Path="/p/", Tags=[{"Key": "k", "Value": "v"}], **given)["ServerCertificateMetadata"]
    assert made["Arn"] == f"arn:aws:iam::{aws.account}:server-certificate/p/c"
    assert made["ServerCertificateId"].startswith("ASCA")
    assert made["Expiration"] == datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=3650)
    with refused("EntityAlreadyExists", "The Server Certificate with name c already exists."):
        iam.upload_server_certificate(**given)
    assert [one["Arn"] for one in iam.list_server_certificates(PathPrefix="/p/")["ServerCertificateMetadataList"]] == [made["Arn"]]
    iam.tag_server_certificate(ServerCertificateName="c", Tags=[{"Key": "l", "Value": "w"}])
    iam.untag_server_certificate(ServerCertificateName="c", TagKeys=["k"])
    assert iam.list_server_certificate_tags(ServerCertificateName="c")["Tags"] == [{"Key": "l", "Value": "w"}]
    iam.update_server_certificate(ServerCertificateName="c", NewServerCertificateName="d", NewPath="/")
    found = iam.get_server_certificate(ServerCertificateName="d")["ServerCertificate"]
    assert (found["CertificateBody"], found["CertificateChain"]) == (body.strip(), body)
    iam.delete_server_certificate(ServerCertificateName="d")
    with refused("NoSuchEntity"):
        iam.delete_server_certificate(ServerCertificateName="d")


@pytest.mark.http
def test_a_server_certificate_as_it_was_recorded(iam: Any) -> None:
    body, key = pair()
    # the body is the recording's own certificate, and ours cannot be the same
    with Recorded("iam", "test_server_certificate", left_out={"outputs": "CloudFormation's"}, apart=("CertificateBody",)) as case:
        iam.upload_server_certificate(ServerCertificateName="c", CertificateBody=body, PrivateKey=key)
        case.answers("certificate", iam.get_server_certificate, ServerCertificateName="c")
        iam.delete_server_certificate(ServerCertificateName="c")
        case.answers("get_server_certificate_error", iam.get_server_certificate, ServerCertificateName="c")


def test_a_certificate_must_be_one_and_fit_its_key(iam: Any, refused: Any) -> None:
    body, key = pair()
    given = {"ServerCertificateName": "c", "CertificateBody": body, "PrivateKey": key}
    with refused("MalformedCertificate"):
        iam.upload_server_certificate(**given | {"CertificateBody": "nonsense"})
    with refused("MalformedCertificate"):
        iam.upload_server_certificate(**given | {"PrivateKey": "nonsense"})
    with refused("MalformedCertificate"):
        iam.upload_server_certificate(CertificateChain="nonsense", **given)
    with refused("KeyPairMismatch"):
        iam.upload_server_certificate(**given | {"PrivateKey": pair("other.example.com")[1]})


def test_a_users_signing_certificates(iam: Any, refused: Any) -> None:
    body, _ = pair()
    made = iam.upload_signing_certificate(UserName="u", CertificateBody=body)["Certificate"]
    assert (made["Status"], made["CertificateBody"]) == ("Active", body.strip())
    with refused("DuplicateCertificate"):
        iam.upload_signing_certificate(UserName="u", CertificateBody=body)
    with refused("MalformedCertificate"):
        iam.upload_signing_certificate(UserName="u", CertificateBody="nonsense")
    iam.upload_signing_certificate(UserName="u", CertificateBody=pair("b.example.com")[0])
    with refused("LimitExceeded", "CertificatesPerUser: 2"):
        iam.upload_signing_certificate(UserName="u", CertificateBody=pair("c.example.com")[0])
    iam.update_signing_certificate(UserName="u", CertificateId=made["CertificateId"], Status="Inactive")
    listed = {one["CertificateId"]: one["Status"] for one in iam.list_signing_certificates(UserName="u")["Certificates"]}
    assert sorted(listed.values()) == ["Active", "Inactive"]
    with refused("DeleteConflict", "signing certificates"):
        iam.delete_user(UserName="u")
    for certificate_id in listed:
        iam.delete_signing_certificate(UserName="u", CertificateId=certificate_id)
    with refused("NoSuchEntity"):
        iam.delete_signing_certificate(UserName="u", CertificateId=made["CertificateId"])
    iam.delete_user(UserName="u")


def test_a_users_ssh_keys(iam: Any, refused: Any, tmp_path: Any) -> None:
    line, pem = ssh_key()
    made = iam.upload_ssh_public_key(UserName="u", SSHPublicKeyBody=f"{line} me@example.com")["SSHPublicKey"]
    assert (made["Status"], made["SSHPublicKeyBody"]) == ("Active", f"{line} me@example.com")
    key_id = {"UserName": "u", "SSHPublicKeyId": made["SSHPublicKeyId"]}
    assert iam.get_ssh_public_key(Encoding="SSH", **key_id)["SSHPublicKey"]["SSHPublicKeyBody"] == line
    assert iam.get_ssh_public_key(Encoding="PEM", **key_id)["SSHPublicKey"]["SSHPublicKeyBody"] == pem
    with refused("ValidationError", "enum value set"):
        iam.get_ssh_public_key(Encoding="DER", **key_id)
    with refused("DuplicateSSHPublicKey"):
        iam.upload_ssh_public_key(UserName="u", SSHPublicKeyBody=pem)
    iam.update_ssh_public_key(Status="Inactive", **key_id)
    (listed,) = iam.list_ssh_public_keys(UserName="u")["SSHPublicKeys"]
    assert (listed["SSHPublicKeyId"], listed["Status"]) == (made["SSHPublicKeyId"], "Inactive")
    with refused("DeleteConflict", "SSH public keys"):
        iam.delete_user(UserName="u")
    (tmp_path / "key.pub").write_text(line)
    try:
        told = subprocess.run(["ssh-keygen", "-l", "-E", "md5", "-f", tmp_path / "key.pub"], capture_output=True, text=True, check=True)
    except FileNotFoundError:
        pass
    else:
        assert told.stdout.split()[1] == f"MD5:{made['Fingerprint']}"
    iam.delete_ssh_public_key(**key_id)
    with refused("NoSuchEntity", f"The Public Key with id {made['SSHPublicKeyId']} cannot be found."):
        iam.delete_ssh_public_key(**key_id)


def test_an_ssh_key_must_be_rsa_and_long_enough(iam: Any, refused: Any) -> None:
    for body in ("nonsense", "-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----", ssh_key(1024)[0]):
        with refused("InvalidPublicKey"):
            iam.upload_ssh_public_key(UserName="u", SSHPublicKeyBody=body)


@pytest.mark.http
def test_a_service_specific_credential_as_it_was_recorded(aws: Any) -> None:
    iam = aws.client("iam")
    name = "TestIAMServiceSpecificCredentials::test_service_specific_credential_lifecycle[cassandra.amazonaws.com]"
    with Recorded("iam", name) as case:
        case.answers("create-user-response", iam.create_user, UserName="u")
        given = {"UserName": "u", "ServiceName": "cassandra.amazonaws.com"}
        made = case.answers("create-service-specific-credential-response", iam.create_service_specific_credential, **given)
        one = {"UserName": "u", "ServiceSpecificCredentialId": made["ServiceSpecificCredential"]["ServiceSpecificCredentialId"]}
        case.answers("list-service-specific-credentials-response-before-update", iam.list_service_specific_credentials, **given)
        update = iam.update_service_specific_credential
        case.answers("update-service-specific-credential-response", update, Status="Inactive", **one)
        case.answers("list-service-specific-credentials-response-after-update", iam.list_service_specific_credentials, **given)
        case.answers("reset-service-specific-credential-response", iam.reset_service_specific_credential, **one)
        case.answers("delete-service-specific-credentials-response", iam.delete_service_specific_credential, **one)


@pytest.mark.http
def test_service_specific_credentials_refused_as_recorded(aws: Any) -> None:
    iam = aws.client("iam")
    cases = "TestIAMServiceSpecificCredentials::test_"
    create = iam.create_service_specific_credential
    with Recorded("iam", f"{cases}create_service_specific_credential_invalid_user") as case:
        case.answers("invalid-user-name-exception", create, UserName="non-existent-user", ServiceName="codecommit.amazonaws.com")
        case.answers("invalid-user-and-service-exception", create, UserName="non-existent-user", ServiceName="nothing.amazonaws.com")
    with Recorded("iam", f"{cases}invalid_update_parameters") as case:
        case.answers("create-user-response", iam.create_user, UserName="u")
        given = {"UserName": "u", "ServiceName": "codecommit.amazonaws.com"}
        made = case.answers("create-service-specific-credential-response", create, **given)["ServiceSpecificCredential"]
        one = {"UserName": "u", "ServiceSpecificCredentialId": made["ServiceSpecificCredentialId"]}
        case.answers("update-invalid-status", iam.update_service_specific_credential, Status="Invalid", **one)
    with Recorded("iam", f"{cases}user_match_id_mismatch[totally-wrong-credential-id-with-hyphens]") as case:
        case.answers("create-user-response", iam.create_user, UserName="v")
        case.answers("create-service-specific-credential-response", create, **given | {"UserName": "v"})
        wrong = {"UserName": "v", "ServiceSpecificCredentialId": "totally-wrong-credential-id-with-hyphens"}
        case.answers("update-wrong-id", iam.update_service_specific_credential, Status="Inactive", **wrong)
        case.answers("reset-wrong-id", iam.reset_service_specific_credential, **wrong)
        case.answers("delete-wrong-id", iam.delete_service_specific_credential, **wrong)


def test_a_key_for_bedrock_has_an_alias_and_an_end(iam: Any, refused: Any) -> None:
    made = iam.create_service_specific_credential(UserName="u", ServiceName="bedrock.amazonaws.com", CredentialAgeDays=1)
    credential = made["ServiceSpecificCredential"]
    assert credential["ServiceCredentialSecret"]
    assert "ServicePassword" not in credential
    assert credential["ExpirationDate"] - credential["CreateDate"] == timedelta(days=1)
    assert len(iam.list_service_specific_credentials(AllUsers=True)["ServiceSpecificCredentials"]) == 1
    iam.create_service_specific_credential(UserName="u", ServiceName="bedrock.amazonaws.com")
    with refused("LimitExceeded", "ServiceSpecificCredentialsPerUser: 2"):
        iam.create_service_specific_credential(UserName="u", ServiceName="bedrock.amazonaws.com")
    with refused("NoSuchEntity", "No such service nothing.amazonaws.com is supported"):
        iam.create_service_specific_credential(UserName="u", ServiceName="nothing.amazonaws.com")
