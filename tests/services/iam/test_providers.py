"""OpenID Connect and SAML providers. Truth: their API references; "Create an OpenID Connect (OIDC) identity provider in IAM"."""

from datetime import UTC, datetime
from typing import Any

import pytest

URL = "https://token.actions.example.com/path"
THUMBPRINT = "9e99a48a9960b14926bb7f3b02e22da2b0ab7280"
METADATA = """<?xml version="1.0"?>
<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.example.com"{until}>
  <IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example.com/sso"/>
  </IDPSSODescriptor>
</EntityDescriptor>
"""


def metadata(until: str = "", length: int = 1000) -> str:
    return METADATA.format(until=f' validUntil="{until}"' if until else "").ljust(length)


@pytest.fixture
def iam(aws: Any) -> Any:
    return aws.client("iam")


def test_an_openid_provider_lives_and_dies(iam: Any, aws: Any, refused: Any) -> None:
    made = iam.create_open_id_connect_provider(
        Url=URL, ClientIDList=["a", "a"], ThumbprintList=[THUMBPRINT], Tags=[{"Key": "k", "Value": "v"}]
    )
    arn = made["OpenIDConnectProviderArn"]
    assert arn == f"arn:aws:iam::{aws.account}:oidc-provider/token.actions.example.com/path"
    assert made["Tags"] == [{"Key": "k", "Value": "v"}]
    with refused("EntityAlreadyExists", f"Provider with url {URL} already exists."):
        iam.create_open_id_connect_provider(Url=URL)
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="b")
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="b")
    iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="a")
    other = "a" * 40
    iam.update_open_id_connect_provider_thumbprint(OpenIDConnectProviderArn=arn, ThumbprintList=[other])
    found = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert (found["Url"], found["ClientIDList"], found["ThumbprintList"]) == ("token.actions.example.com/path", ["b"], [other])
    assert iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == [{"Arn": arn}]
    iam.tag_open_id_connect_provider(OpenIDConnectProviderArn=arn, Tags=[{"Key": "l", "Value": "w"}])
    iam.untag_open_id_connect_provider(OpenIDConnectProviderArn=arn, TagKeys=["k"])
    assert iam.list_open_id_connect_provider_tags(OpenIDConnectProviderArn=arn)["Tags"] == [{"Key": "l", "Value": "w"}]
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    with refused("NoSuchEntity", f"OpenIDConnect Provider not found for arn {arn}"):
        iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)


def test_an_openid_provider_is_refused(iam: Any, refused: Any) -> None:
    with refused("ValidationError", "Invalid Open ID Connect Provider URL"):
        iam.create_open_id_connect_provider(Url="http://insecure.example.com")
    with refused("ValidationError", "Invalid Open ID Connect Provider URL"):
        iam.create_open_id_connect_provider(Url="https://a.example.com/?q=1")
    with refused("InvalidInput", "thumbprint"):
        iam.create_open_id_connect_provider(Url=URL, ThumbprintList=["x" * 40])
    with refused("InvalidInput", "Thumbprint list must contain fewer than 6 entries."):
        iam.create_open_id_connect_provider(Url=URL, ThumbprintList=[THUMBPRINT] * 6)
    with refused("LimitExceeded"):
        iam.create_open_id_connect_provider(Url=URL, ClientIDList=[str(number) for number in range(101)])


def test_a_saml_provider_lives_and_dies(iam: Any, aws: Any, refused: Any) -> None:
    tags = [{"Key": "k", "Value": "v"}]
    made = iam.create_saml_provider(Name="idp", SAMLMetadataDocument=metadata("2040-01-01T00:00:00Z"), Tags=tags, AddPrivateKey="a key")
    arn = made["SAMLProviderArn"]
    assert arn == f"arn:aws:iam::{aws.account}:saml-provider/idp"
    found = iam.get_saml_provider(SAMLProviderArn=arn)
    assert found["ValidUntil"] == datetime(2040, 1, 1, tzinfo=UTC)
    assert found["SAMLMetadataDocument"] == metadata("2040-01-01T00:00:00Z")
    (key,) = found["PrivateKeyList"]
    iam.update_saml_provider(
        SAMLProviderArn=arn, SAMLMetadataDocument=metadata(), RemovePrivateKey=key["KeyId"], AssertionEncryptionMode="Allowed"
    )
    found = iam.get_saml_provider(SAMLProviderArn=arn)
    assert "PrivateKeyList" not in found
    assert (found["AssertionEncryptionMode"], found["ValidUntil"].year > 2100) == ("Allowed", True)
    with refused("NoSuchEntity"):
        iam.update_saml_provider(SAMLProviderArn=arn, RemovePrivateKey=key["KeyId"])
    assert [one["Arn"] for one in iam.list_saml_providers()["SAMLProviderList"]] == [arn]
    iam.tag_saml_provider(SAMLProviderArn=arn, Tags=[{"Key": "l", "Value": "w"}])
    iam.untag_saml_provider(SAMLProviderArn=arn, TagKeys=["k"])
    assert iam.list_saml_provider_tags(SAMLProviderArn=arn)["Tags"] == [{"Key": "l", "Value": "w"}]
    with refused("EntityAlreadyExists"):
        iam.create_saml_provider(Name="idp", SAMLMetadataDocument=metadata())
    iam.delete_saml_provider(SAMLProviderArn=arn)
    with refused("NoSuchEntity"):
        iam.delete_saml_provider(SAMLProviderArn=arn)


BAD_METADATA = {
    "no XML": "x" * 1000,
    "another document": "<a/>".ljust(1000),
    "nobody who signs in": '<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="e"/>'.ljust(1000),
    "an entity": '<!DOCTYPE a [<!ENTITY e "e">]>'.ljust(1000) + metadata().partition("?>")[2],
    "a date that is none": metadata("tomorrow"),
    "an end too early": metadata()[:200].ljust(1000),
}


@pytest.mark.parametrize("document", BAD_METADATA.values(), ids=BAD_METADATA)
def test_metadata_that_describes_no_provider_is_refused(iam: Any, refused: Any, document: str) -> None:
    with refused("InvalidInput", "Could not parse metadata"):
        iam.create_saml_provider(Name="idp", SAMLMetadataDocument=document)
