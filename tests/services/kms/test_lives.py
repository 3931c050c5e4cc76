"""A key's life: rotation, deletion, imported material, other regions. Time is moved, not waited for.

Truth: "Rotate AWS KMS keys", "Delete an AWS KMS key", "Importing key material", "Multi-Region keys" of the developer guide and the
API reference; recorded cases are replayed in tests/recordings/test_kms.py.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.keywrap import aes_key_wrap_with_padding
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_public_key

FOR_EVER = {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}


def eventually(happens: Callable[[], bool]) -> None:
    """What the Clock sets off runs beside the test."""
    for _ in range(200):
        if happens():
            return
        time.sleep(0.02)
    raise AssertionError("it did not happen")


def state(kms: Any, key: str) -> str:
    found: str = kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"]
    return found


def rotations(kms: Any, key: str) -> list[str]:
    return [one["RotationType"] for one in kms.list_key_rotations(KeyId=key)["Rotations"]]


def test_a_key_rotates_by_itself_and_opens_what_it_ever_wrote(kms: Any, clock: Any, key: str) -> None:
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=100)
    first = kms.get_key_rotation_status(KeyId=key)["NextRotationDate"]
    blobs = [kms.encrypt(KeyId=key, Plaintext=b"0")["CiphertextBlob"]]
    clock.advance(timedelta(days=101))
    eventually(lambda: len(rotations(kms, key)) == 1)
    blobs.append(kms.encrypt(KeyId=key, Plaintext=b"1")["CiphertextBlob"])
    kms.rotate_key_on_demand(KeyId=key)
    blobs.append(kms.encrypt(KeyId=key, Plaintext=b"2")["CiphertextBlob"])
    opened = [kms.decrypt(CiphertextBlob=blob) for blob in blobs]
    assert [one["Plaintext"] for one in opened] == [b"0", b"1", b"2"]
    assert len({one["KeyMaterialId"] for one in opened}) == 3
    listed = kms.list_key_rotations(KeyId=key, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
    assert [one.get("RotationType") for one in listed] == [None, "AUTOMATIC", "ON_DEMAND"]
    assert [one["KeyMaterialState"] for one in listed] == ["NON_CURRENT", "NON_CURRENT", "CURRENT"]
    assert listed[1]["RotationDate"] == first
    assert kms.get_key_rotation_status(KeyId=key)["NextRotationDate"] == first + timedelta(days=100)
    kms.disable_key_rotation(KeyId=key)
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is False
    clock.advance(timedelta(days=101))
    assert len(rotations(kms, key)) == 2


def test_a_jump_over_several_periods_rotates_in_each(kms: Any, clock: Any, key: str) -> None:
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    clock.advance(timedelta(days=280))
    eventually(lambda: rotations(kms, key) == ["AUTOMATIC"] * 3)


def test_a_rotation_that_fell_due_while_the_key_was_disabled_is_made_up_for(kms: Any, clock: Any, key: str) -> None:
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    kms.disable_key(KeyId=key)
    clock.advance(timedelta(days=91))
    time.sleep(0.1)
    assert rotations(kms, key) == []
    kms.enable_key(KeyId=key)
    eventually(lambda: rotations(kms, key) == ["AUTOMATIC"])


def test_keys_that_do_not_rotate(kms: Any, key: str, refused: Any) -> None:
    pair = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    with refused("UnsupportedOperationException"):
        kms.enable_key_rotation(KeyId=pair)
    assert kms.get_key_rotation_status(KeyId=pair)["KeyRotationEnabled"] is False
    with refused("ValidationException", "less than or equal to 2560"):
        kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=2561)
    kms.disable_key(KeyId=key)
    for call in (kms.enable_key_rotation, kms.rotate_key_on_demand):
        with refused("DisabledException"):
            call(KeyId=key)


def test_25_rotations_on_demand_and_no_more(kms: Any, key: str, refused: Any) -> None:
    for _ in range(25):
        kms.rotate_key_on_demand(KeyId=key)
    with refused("LimitExceededException", "No more on-demand rotations"):
        kms.rotate_key_on_demand(KeyId=key)


def test_a_key_that_is_to_go_refuses_everything_and_is_gone_when_its_days_are_over(kms: Any, clock: Any, key: str, refused: Any) -> None:
    kms.create_alias(AliasName="alias/app", TargetKeyId=key)
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    answer = kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert (answer["KeyId"], answer["KeyState"], answer["PendingWindowInDays"]) == (key, "PendingDeletion", 7)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["DeletionDate"] == answer["DeletionDate"]
    for call in (
        lambda: kms.encrypt(KeyId=key, Plaintext=b"x"),
        lambda: kms.decrypt(CiphertextBlob=blob),
        lambda: kms.enable_key(KeyId=key),
        lambda: kms.disable_key(KeyId=key),
        lambda: kms.schedule_key_deletion(KeyId=key),
        lambda: kms.create_alias(AliasName="alias/other", TargetKeyId=key),
        lambda: kms.create_grant(KeyId=key, GranteePrincipal="arn:aws:iam::111111111111:root", Operations=["Decrypt"]),
        lambda: kms.tag_resource(KeyId=key, Tags=[{"TagKey": "a", "TagValue": "b"}]),
    ):
        with refused("KMSInvalidStateException", f"{key} is pending deletion."):
            call()
    clock.advance(timedelta(days=7, seconds=1))
    eventually(lambda: not kms.list_keys()["Keys"])
    with refused("NotFoundException", "does not exist"):
        kms.describe_key(KeyId=key)
    with refused("AccessDeniedException", "does not exist"):
        kms.decrypt(CiphertextBlob=blob)
    assert kms.list_aliases()["Aliases"] == []


def test_a_deletion_that_was_called_off_leaves_a_disabled_key(kms: Any, clock: Any, key: str, refused: Any) -> None:
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    with refused("KMSInvalidStateException", "is not pending deletion."):
        kms.cancel_key_deletion(KeyId=key)
    kms.schedule_key_deletion(KeyId=key)
    assert kms.cancel_key_deletion(KeyId=key)["KeyId"] == key
    assert state(kms, key) == "Disabled"
    clock.advance(timedelta(days=31))
    kms.enable_key(KeyId=key)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


@pytest.mark.parametrize("days", [6, 31])
def test_a_deletion_waits_7_to_30_days(kms: Any, key: str, refused: Any, days: int) -> None:
    with refused("ValidationException", "between 7 and 30"):
        kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=days)


def wrapped(kms: Any, key: str, raw: bytes) -> dict[str, Any]:
    asked = kms.get_parameters_for_import(KeyId=key, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048")
    outside: Any = load_der_public_key(asked["PublicKey"])
    sealed = outside.encrypt(raw, padding.OAEP(padding.MGF1(SHA256()), SHA256(), None))
    return {"KeyId": key, "ImportToken": asked["ImportToken"], "EncryptedKeyMaterial": sealed}


@pytest.fixture
def external(kms: Any) -> str:
    arn: str = kms.create_key(Origin="EXTERNAL")["KeyMetadata"]["Arn"]
    return arn


def test_a_key_waits_for_its_material_and_only_the_same_is_taken_again(kms: Any, external: str, refused: Any) -> None:
    with refused("KMSInvalidStateException", f"{external} is pending import."):
        kms.encrypt(KeyId=external, Plaintext=b"x")
    first = kms.import_key_material(**wrapped(kms, external, b"1" * 32), **FOR_EVER)
    blob = kms.encrypt(KeyId=external, Plaintext=b"x")["CiphertextBlob"]
    assert kms.delete_imported_key_material(KeyId=external)["KeyMaterialId"] == first["KeyMaterialId"]
    assert state(kms, external) == "PendingImport"
    with refused("KMSInvalidStateException", "is pending import."):
        kms.decrypt(CiphertextBlob=blob)
    with refused("IncorrectKeyMaterialException"):
        kms.import_key_material(**wrapped(kms, external, b"2" * 32), **FOR_EVER)
    assert kms.import_key_material(**wrapped(kms, external, b"1" * 32), **FOR_EVER)["KeyMaterialId"] == first["KeyMaterialId"]
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_imported_material_goes_when_its_time_is_over(kms: Any, clock: Any, server: Any, external: str, refused: Any) -> None:
    until = server.home.clock.now() + timedelta(days=10)
    with refused("ValidationException", "A validTo date must be set"):
        kms.import_key_material(**wrapped(kms, external, b"1" * 32))
    kms.import_key_material(**wrapped(kms, external, b"1" * 32), ValidTo=until)
    described = kms.describe_key(KeyId=external)["KeyMetadata"]
    assert described["ExpirationModel"] == "KEY_MATERIAL_EXPIRES"
    assert abs(described["ValidTo"] - until) < timedelta(seconds=1)
    clock.advance(timedelta(days=11))
    eventually(lambda: state(kms, external) == "PendingImport")


def test_an_import_needs_its_own_token_in_time_and_material_that_fits(kms: Any, clock: Any, external: str, refused: Any) -> None:
    other = kms.create_key(Origin="EXTERNAL")["KeyMetadata"]["Arn"]
    asked = wrapped(kms, external, b"1" * 32)
    with refused("InvalidImportTokenException"):
        kms.import_key_material(**(asked | {"KeyId": other}), **FOR_EVER)
    with refused("InvalidImportTokenException"):
        kms.import_key_material(**(asked | {"ImportToken": b"x" * 40}), **FOR_EVER)
    with refused("InvalidCiphertextException"):
        kms.import_key_material(**(asked | {"EncryptedKeyMaterial": b"x" * 256}), **FOR_EVER)
    with refused("IncorrectKeyMaterialException"):
        kms.import_key_material(**wrapped(kms, external, b"1" * 31), **FOR_EVER)
    clock.advance(timedelta(hours=25))
    with refused("ExpiredImportTokenException"):
        kms.import_key_material(**asked, **FOR_EVER)


def test_material_that_waits_can_be_taken_away_again(kms: Any, external: str, refused: Any) -> None:
    kms.import_key_material(**wrapped(kms, external, b"1" * 32), **FOR_EVER)
    new = FOR_EVER | {"ImportType": "NEW_KEY_MATERIAL", "KeyMaterialDescription": "next"}
    with refused("IncorrectKeyMaterialException"):
        kms.import_key_material(**wrapped(kms, external, b"1" * 32), **new)
    waiting = kms.import_key_material(**wrapped(kms, external, b"2" * 32), **new)["KeyMaterialId"]
    listed = kms.list_key_rotations(KeyId=external, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
    assert [(one["KeyMaterialState"], one["ImportState"]) for one in listed] == [("CURRENT", "IMPORTED"), ("PENDING_ROTATION", "IMPORTED")]
    assert listed[1]["KeyMaterialDescription"] == "next"
    assert kms.delete_imported_key_material(KeyId=external, KeyMaterialId=waiting)["KeyMaterialId"] == waiting
    assert state(kms, external) == "Enabled"
    kms.import_key_material(**wrapped(kms, external, b"3" * 32), **new)
    with refused("NotFoundException"):
        kms.delete_imported_key_material(KeyId=external, KeyMaterialId=waiting)


def test_every_region_is_given_the_material_itself(kms: Any, aws: Any, refused: Any) -> None:
    """ImportKeyMaterial of the API reference, on multi-Region keys."""
    key = kms.create_key(MultiRegion=True, Origin="EXTERNAL")["KeyMetadata"]["KeyId"]
    far = aws.client("kms", region="eu-west-1")
    kms.import_key_material(**wrapped(kms, key, b"1" * 32), **FOR_EVER)
    kms.replicate_key(KeyId=key, ReplicaRegion="eu-west-1")
    assert state(far, key) == "PendingImport"
    with refused("IncorrectKeyMaterialException"):
        far.import_key_material(**wrapped(far, key, b"2" * 32), **FOR_EVER)
    far.import_key_material(**wrapped(far, key, b"1" * 32), **FOR_EVER)
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    assert far.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    with refused("UnsupportedOperationException", "is not a multi-region primary key."):
        far.import_key_material(**wrapped(far, key, b"2" * 32), **FOR_EVER, ImportType="NEW_KEY_MATERIAL")
    kms.import_key_material(**wrapped(kms, key, b"2" * 32), **FOR_EVER, ImportType="NEW_KEY_MATERIAL")

    everything = {"KeyId": key, "IncludeKeyMaterial": "ALL_KEY_MATERIAL"}

    def waits() -> str:
        return str(kms.list_key_rotations(**everything)["Rotations"][-1]["KeyMaterialState"])

    assert waits() == "PENDING_MULTI_REGION_IMPORT_AND_ROTATION"
    kms.delete_imported_key_material(KeyId=key, KeyMaterialId=kms.list_key_rotations(**everything)["Rotations"][-1]["KeyMaterialId"])
    assert [len(one.list_key_rotations(**everything)["Rotations"]) for one in (kms, far)] == [1, 1]
    kms.import_key_material(**wrapped(kms, key, b"2" * 32), **FOR_EVER, ImportType="NEW_KEY_MATERIAL")
    with refused("KMSInvalidStateException", "No available key material pending rotation"):
        kms.rotate_key_on_demand(KeyId=key)
    far.import_key_material(**wrapped(far, key, b"2" * 32), **FOR_EVER)
    assert waits() == "PENDING_ROTATION"
    kms.rotate_key_on_demand(KeyId=key)
    after = kms.encrypt(KeyId=key, Plaintext=b"y")["CiphertextBlob"]
    assert [far.decrypt(CiphertextBlob=one)["Plaintext"] for one in (blob, after)] == [b"x", b"y"]


def test_big_material_comes_under_a_key_of_its_own(kms: Any) -> None:
    """RSA_AES_KEY_WRAP: an AES key under RSA-OAEP, the material under the AES key (RFC 5649)."""
    key = kms.create_key(Origin="EXTERNAL", KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    private = rsa.generate_private_key(65537, 2048)
    raw = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    asked = kms.get_parameters_for_import(KeyId=key, WrappingAlgorithm="RSA_AES_KEY_WRAP_SHA_256", WrappingKeySpec="RSA_3072")
    outside: Any = load_der_public_key(asked["PublicKey"])
    sealed = outside.encrypt(b"t" * 32, padding.OAEP(padding.MGF1(SHA256()), SHA256(), None)) + aes_key_wrap_with_padding(b"t" * 32, raw)
    kms.import_key_material(KeyId=key, ImportToken=asked["ImportToken"], EncryptedKeyMaterial=sealed, **FOR_EVER)
    assert load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"]) == private.public_key()


def test_what_one_region_wrote_another_opens(kms: Any, aws: Any, key: str, refused: Any) -> None:
    primary = kms.create_key(MultiRegion=True, Description="everywhere")["KeyMetadata"]
    far = aws.client("kms", region="eu-west-1")
    assert primary["KeyId"].startswith("mrk-")
    before = kms.encrypt(KeyId=primary["KeyId"], Plaintext=b"before")["CiphertextBlob"]
    made = kms.replicate_key(KeyId=primary["KeyId"], ReplicaRegion="eu-west-1", Tags=[{"TagKey": "a", "TagValue": "b"}])
    assert made["ReplicaKeyMetadata"]["MultiRegionConfiguration"]["MultiRegionKeyType"] == "REPLICA"
    assert made["ReplicaTags"] == [{"TagKey": "a", "TagValue": "b"}]
    kms.rotate_key_on_demand(KeyId=primary["KeyId"])
    after = kms.encrypt(KeyId=primary["KeyId"], Plaintext=b"after")["CiphertextBlob"]
    assert [far.decrypt(CiphertextBlob=blob)["Plaintext"] for blob in (before, after)] == [b"before", b"after"]
    back = far.encrypt(KeyId=primary["KeyId"], Plaintext=b"back")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=back)["KeyId"] == primary["Arn"]
    with refused("AlreadyExistsException"):
        kms.replicate_key(KeyId=primary["KeyId"], ReplicaRegion="eu-west-1")
    with refused("UnsupportedOperationException", "is not a multi-region primary key."):
        far.rotate_key_on_demand(KeyId=primary["KeyId"])
    with refused("UnsupportedOperationException", "is not a multi-region primary key."):
        kms.replicate_key(KeyId=key, ReplicaRegion="eu-west-1")


def test_a_replica_takes_the_lead(kms: Any, aws: Any) -> None:
    key = kms.create_key(MultiRegion=True)["KeyMetadata"]["KeyId"]
    far = aws.client("kms", region="eu-west-1")
    kms.replicate_key(KeyId=key, ReplicaRegion="eu-west-1")
    kms.enable_key_rotation(KeyId=key)
    kms.update_primary_region(KeyId=key, PrimaryRegion="eu-west-1")
    regions = [one.describe_key(KeyId=key)["KeyMetadata"]["MultiRegionConfiguration"] for one in (kms, far)]
    assert [one["MultiRegionKeyType"] for one in regions] == ["REPLICA", "PRIMARY"]
    assert [one["PrimaryKey"]["Region"] for one in regions] == ["eu-west-1"] * 2
    assert [[each["Region"] for each in one["ReplicaKeys"]] for one in regions] == [["us-east-1"]] * 2
    assert [one.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] for one in (kms, far)] == [True, True]


def test_a_primary_goes_after_its_last_replica(kms: Any, aws: Any, clock: Any) -> None:
    key = kms.create_key(MultiRegion=True)["KeyMetadata"]["KeyId"]
    far = aws.client("kms", region="eu-west-1")
    kms.replicate_key(KeyId=key, ReplicaRegion="eu-west-1")
    answer = kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert (answer["KeyState"], "DeletionDate" in answer) == ("PendingReplicaDeletion", False)
    far.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    clock.advance(timedelta(days=8))
    eventually(lambda: not far.list_keys()["Keys"] and state(kms, key) == "PendingDeletion")
    clock.advance(timedelta(days=8))
    eventually(lambda: not kms.list_keys()["Keys"])
