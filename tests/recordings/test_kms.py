"""KMS against what AWS answered: recordings/kms.json. Each test names its case."""

import hashlib
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_public_key

SYMMETRIC = {"Description": "test-key", "Origin": "EXTERNAL"}


@pytest.fixture
def kms(aws: Any) -> Any:
    return aws.client("kms")


def made(kms: Any, **request: Any) -> str:
    arn: str = kms.create_key(**request)["KeyMetadata"]["Arn"]
    return arn


def given(kms: Any, key: str, raw: bytes, algorithm: str = "RSAES_OAEP_SHA_256", **more: Any) -> Any:
    """ImportKeyMaterial's answer for these bytes."""
    asked = kms.get_parameters_for_import(
        KeyId=key, WrappingAlgorithm=algorithm, WrappingKeySpec="RSA_2048" if len(raw) < 190 else "RSA_4096"
    )
    digest = SHA1() if algorithm.endswith("SHA_1") else SHA256()
    oaep = padding.OAEP(padding.MGF1(digest), digest, None)
    wrapped = load_der_public_key(asked["PublicKey"]).encrypt(raw, oaep)
    model = {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}
    return kms.import_key_material(KeyId=key, ImportToken=asked["ImportToken"], EncryptedKeyMaterial=wrapped, **(model | more))


@pytest.mark.parametrize(
    ("case", "tags"),
    [
        ("test_create_key_with_invalid_tag_key[lowercase_prefix]", [{"TagKey": "aws:t", "TagValue": "v"}]),
        ("test_create_key_with_too_many_tags_raises_error", [{"TagKey": f"t{number}", "TagValue": "v"} for number in range(51)]),
    ],
)
def test_tags_that_a_key_cannot_be_made_with(kms: Any, recorded: Any, case: str, tags: list[dict[str, str]]) -> None:
    recorded("kms", f"TestKMS::{case}").refuses("invalid-tag-key", kms.create_key, Tags=tags)


def test_tags_that_a_key_cannot_get(kms: Any, recorded: Any) -> None:
    key = made(kms)
    one = {"TagKey": "aws:t", "TagValue": "v"}
    recorded("kms", "TestKMS::test_tag_existing_key_with_invalid_tag_key").refuses(
        "invalid-tag-key", kms.tag_resource, KeyId=key, Tags=[one]
    )
    twice = [{"TagKey": "t", "TagValue": "v"}] * 2
    recorded("kms", "TestKMS::test_tag_key_with_duplicate_tag_keys_raises_error").refuses(
        "duplicate-tag-keys", kms.tag_resource, KeyId=key, Tags=twice
    )


def test_tags_are_added_and_overwritten(kms: Any, recorded: Any) -> None:
    case = recorded("kms", "TestKMS::test_update_and_add_tags_on_tagged_key")
    before = [{"TagKey": f"tag{number}", "TagValue": f"value{number}"} for number in (1, 2, 3)]
    key = made(kms, Tags=before)
    case.says("list-resource-tags", kms.list_resource_tags(KeyId=key)["Tags"])
    more = [{"TagKey": f"tag{number}", "TagValue": f"value{number}"} for number in (4, 5)]
    kms.tag_resource(KeyId=key, Tags=[{"TagKey": "tag2", "TagValue": "updated_value2"}, *more])
    case.says("list-resource-tags-after-tags-updated", kms.list_resource_tags(KeyId=key)["Tags"])


def test_keys_of_one_region_and_of_several(kms: Any, recorded: Any) -> None:
    case = recorded("kms", "TestKMS::test_create_multi_region_key")
    case.says("create_multi_region_key", kms.create_key(Description="test multi region key", MultiRegion=True)["KeyMetadata"])
    case = recorded("kms", "TestKMS::test_non_multi_region_keys_should_not_have_multi_region_properties")
    answer = kms.create_key(Description="test non multi region key")["KeyMetadata"]
    case.says("non_multi_region_keys_should_not_have_multi_region_properties", answer)


def test_a_key_described_by_its_aliass_arn(kms: Any, aws: Any, recorded: Any) -> None:
    case = recorded("kms", "TestKMS::test_describe_with_alias_arn")
    created = kms.create_key(Description="test - description")["KeyMetadata"]
    case.says("created-key", created)
    kms.create_alias(AliasName="alias/app", TargetKeyId=created["KeyId"])
    case.says("describe-key", kms.describe_key(KeyId=f"arn:aws:kms:us-east-1:{aws.account}:alias/app"))


def test_contexts_that_match_and_do_not(kms: Any, recorded: Any) -> None:
    case = recorded("kms", "TestKMS::test_encrypt_decrypt_encryption_context")
    key, context = made(kms), {"context-key": "context-value"}
    answer = kms.encrypt(KeyId=key, Plaintext=b"message", EncryptionContext=context)
    case.says("encrypt_response", answer)
    blob = answer["CiphertextBlob"]
    opened = kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)
    assert opened["Plaintext"] == b"message"
    case.says("decrypt_response_with_encryption_context", opened)
    case.refuses("decrypt_response_without_encryption_context", kms.decrypt, CiphertextBlob=blob)
    case.refuses("decrypt_response_with_invalid_ciphertext", kms.decrypt, CiphertextBlob=blob[:-1], EncryptionContext=context)


@pytest.mark.slow
def test_how_much_an_rsa_key_encrypts(kms: Any, recorded: Any) -> None:
    case = recorded("kms", "TestKMS::test_encrypt_validate_plaintext_size_per_key_type[RSA_4096-RSAES_OAEP_SHA_256]")
    key = made(kms, KeySpec="RSA_4096", KeyUsage="ENCRYPT_DECRYPT")
    request = {"KeyId": key, "Plaintext": bytes(447), "EncryptionAlgorithm": "RSAES_OAEP_SHA_256"}
    case.refuses("generate-random-exc", kms.encrypt, **request)
    assert kms.encrypt(**(request | {"Plaintext": bytes(446)}))["CiphertextBlob"]


@pytest.mark.parametrize("bits", [256, 384])
def test_codes_made_and_verified(kms: Any, recorded: Any, bits: int) -> None:
    case = recorded("kms", f"TestKMS::test_generate_and_verify_mac[HMAC_{bits}-HMAC_SHA_{bits}]")
    key = made(kms, KeySpec=f"HMAC_{bits}", KeyUsage="GENERATE_VERIFY_MAC")
    said = {"Message": b"some important message", "MacAlgorithm": f"HMAC_SHA_{bits}"}
    answer = kms.generate_mac(KeyId=key, **said)
    case.says("generate-mac", answer)
    case.says("verify-mac", kms.verify_mac(KeyId=key, Mac=answer["Mac"], **said))
    case.refuses("generate-mac-invalid-key-id", kms.generate_mac, KeyId="key_id", **said)
    case.refuses("verify-mac-invalid-key-id", kms.verify_mac, KeyId="key_id", Mac=answer["Mac"], **said)


@pytest.mark.parametrize(
    ("algorithm", "message"), [("HMAC_SHA_256", b"some different important message"), ("HMAC_SHA_512", b"some important message")]
)
def test_codes_that_are_wrong(kms: Any, recorded: Any, algorithm: str, message: bytes) -> None:
    case = recorded("kms", f"TestKMS::test_invalid_verify_mac[HMAC_256-{algorithm}-{message.decode()}]")
    key = made(kms, KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
    answer = kms.generate_mac(KeyId=key, Message=b"some important message", MacAlgorithm="HMAC_SHA_256")
    case.says("generate-mac", answer)
    case.refuses("verify-mac", kms.verify_mac, KeyId=key, Message=message, MacAlgorithm=algorithm, Mac=answer["Mac"])


@pytest.mark.parametrize("count", [1, 1024])
def test_random_bytes(kms: Any, recorded: Any, count: int) -> None:
    case = recorded("kms", f"TestKMS::test_generate_random[{count}]")
    case.says("result_length", len(kms.generate_random(NumberOfBytes=count)["Plaintext"]))


def test_more_random_bytes_than_there_are_at_once(kms: Any, recorded: Any) -> None:
    case = recorded("kms", "TestKMS::test_generate_random_invalid_number_of_bytes[1025]")
    case.refuses("generate-random-exc", kms.generate_random, NumberOfBytes=1025)


def test_a_key_is_not_found_from_another_region(aws: Any, recorded: Any) -> None:
    case = recorded("kms", "TestKMS::test_get_key_in_different_region")
    case.means({"secondary-region": "us-west-2"})
    far, near = aws.client("kms", region="us-west-2"), aws.client("kms")
    key = far.create_key(Description="test key 123")["KeyMetadata"]
    case.means({"key-id:1": key["KeyId"]})
    case.refuses("describe-key-diff-region-with-id", near.describe_key, KeyId=key["KeyId"])
    case.refuses("describe-key-diff-region-with-arn", near.describe_key, KeyId=key["Arn"])
    case.says("describe-key-same-specific-region-with-id", far.describe_key(KeyId=key["KeyId"]))
    case.says("describe-key-same-specific-region-with-arn", far.describe_key(KeyId=key["Arn"]))


def test_awss_own_material_is_not_replaced(kms: Any, recorded: Any) -> None:
    case = recorded("kms", "TestKMS::test_get_parameters_for_import")
    request = {"KeyId": made(kms), "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_4096"}
    case.refuses("response-error", kms.get_parameters_for_import, **request)


@pytest.mark.parametrize(
    ("spec", "algorithm", "curve"),
    [
        ("ECC_NIST_P384", "ECDSA_SHA_384", ec.SECP384R1()),
        ("ECC_NIST_P521", "ECDSA_SHA_512", ec.SECP521R1()),
        ("ECC_SECG_P256K1", "ECDSA_SHA_256", ec.SECP256K1()),
    ],
)
def test_curves_are_imported(kms: Any, recorded: Any, spec: str, algorithm: str, curve: Any) -> None:
    case = recorded("kms", f"TestKMS::test_import_key_ecc_keys[{spec}]")
    key = made(kms, Description="test ecc key import", KeySpec=spec, KeyUsage="SIGN_VERIFY", Origin="EXTERNAL")
    case.says("describe-key-before-import", kms.describe_key(KeyId=key))
    private = ec.generate_private_key(curve)
    given(kms, key, private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()), "RSAES_OAEP_SHA_1")
    case.says("describe-key-after-import", kms.describe_key(KeyId=key))
    said = {"KeyId": key, "Message": b"test message", "SigningAlgorithm": algorithm}
    signed = kms.sign(**said)
    case.says("sign-result", signed)
    case.says("verify-result", kms.verify(Signature=signed["Signature"], **said))
    kms.delete_imported_key_material(KeyId=key)
    case.says("describe-key-after-deleted-import", kms.describe_key(KeyId=key))


@pytest.mark.parametrize("bits", [224, 256, 384])
def test_keys_for_codes_are_imported(kms: Any, recorded: Any, bits: int) -> None:
    case = recorded("kms", f"TestKMS::test_import_key_hmac_keys[HMAC_{bits}]")
    key = made(kms, Description="test import hmac key", KeySpec=f"HMAC_{bits}", KeyUsage="GENERATE_VERIFY_MAC", Origin="EXTERNAL")
    case.says("describe-key-before-import", kms.describe_key(KeyId=key))
    given(kms, key, b"k" * (bits // 8))
    case.says("describe-key-after-import", kms.describe_key(KeyId=key))
    said = {"KeyId": key, "Message": b"message", "MacAlgorithm": f"HMAC_SHA_{bits}"}
    answer = kms.generate_mac(**said)
    case.says("generate-mac-response", answer)
    case.says("verify-mac-response", kms.verify_mac(Mac=answer["Mac"], **said))
    kms.delete_imported_key_material(KeyId=key)
    case.says("describe-key-after-deleted-import", kms.describe_key(KeyId=key))


def test_one_material_waits_at_a_time(kms: Any, recorded: Any) -> None:
    case = recorded("kms", "TestKMS::test_import_key_material_raises_if_there_is_already_key_material_pending")
    key = made(kms, Origin="EXTERNAL")
    case.says("import-initial-material-response", given(kms, key, b"1" * 32))
    case.says("import-pending-material-response", given(kms, key, b"2" * 32, ImportType="NEW_KEY_MATERIAL"))
    more = {"kms": kms, "key": key, "raw": b"3" * 32, "ImportType": "NEW_KEY_MATERIAL"}
    case.refuses("existing-pending-material-error", given, **more)


def test_when_a_key_rotates(kms: Any, recorded: Any) -> None:
    case = recorded("kms", "TestKMS::test_key_enable_rotation_status[90]")
    key = made(kms)
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    case.says("match_response", kms.get_key_rotation_status(KeyId=key))


def test_a_rotated_key_has_other_material(kms: Any, recorded: Any) -> None:
    case = recorded("kms", "TestKMS::test_key_rotation_updates_current_key_material_id_for_aws_symmetric_keys")
    key = made(kms, Description="test-key")
    case.says("describe-key-before-rotation", kms.describe_key(KeyId=key))
    kms.rotate_key_on_demand(KeyId=key)
    case.says("describe-key-after-rotation", kms.describe_key(KeyId=key))
    case = recorded("kms", "TestKMS::test_rotate_key_on_demand_modifies_key_material")
    case.says("rotate-on-demand-response", kms.rotate_key_on_demand(KeyId=key))


def test_rotating_on_demand_switches_nothing_on(kms: Any, recorded: Any) -> None:
    case = recorded("kms", "TestKMS::test_rotate_key_on_demand_with_symmetric_key_and_automatic_rotation_disabled")
    key = made(kms)
    case.says("rotate-on-demand-response", kms.rotate_key_on_demand(KeyId=key))
    case.says("rotation-status-response-after-rotation", kms.get_key_rotation_status(KeyId=key))


@pytest.mark.parametrize("spec", ["RSA_4096", "SYMMETRIC_DEFAULT"])
def test_a_key_without_material_does_not_rotate(kms: Any, recorded: Any, spec: str) -> None:
    case = recorded("kms", f"TestKMS::test_rotate_key_on_demand_on_external_key_with_no_key_material[{spec}]")
    answer = kms.create_key(**SYMMETRIC)["KeyMetadata"]  # recorded of a symmetric key in both cases
    case.says("create-kms-external-key", answer)
    case.refuses(f"rotate-key-on-demand-error-response-{spec}", kms.rotate_key_on_demand, KeyId=answer["KeyId"])


def test_without_material_that_waits_nothing_rotates(kms: Any, recorded: Any) -> None:
    case = recorded("kms", "TestKMS::test_rotate_key_on_demand_raises_for_no_pending_key_material")
    key = made(kms, Origin="EXTERNAL")
    given(kms, key, b"1" * 32)
    case.refuses("rotate-key-on-demand-invalid-state-error", kms.rotate_key_on_demand, KeyId=key)


def test_imported_material_rotates_to_what_was_imported_next(kms: Any, recorded: Any) -> None:
    case = recorded("kms", "TestKMS::test_rotate_key_on_demand_updates_current_key_material_for_external_keys")
    answer = kms.create_key(**SYMMETRIC)["KeyMetadata"]
    case.says("create-kms-external-key", answer)
    key = answer["Arn"]
    asked = kms.get_parameters_for_import(KeyId=key, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048")
    case.says("get-import-parameters-response", asked)
    case.says("describe-empty-key-response", kms.describe_key(KeyId=key))
    case.says("import-key-material-response", given(kms, key, b"1" * 32))
    case.says("describe-key-with-material-response", kms.describe_key(KeyId=key))
    before = kms.encrypt(KeyId=key, Plaintext=b"before")
    case.says("kms-encrypt-initial-response", before)
    case.says("import-new-key-material-response", given(kms, key, b"2" * 32, ImportType="NEW_KEY_MATERIAL"))
    case.says("describe-key-with-new-material-response", kms.describe_key(KeyId=key))
    case.says("rotate-key-on-demand-response", kms.rotate_key_on_demand(KeyId=key))
    case.says("describe-key-after-rotation", kms.describe_key(KeyId=key))
    case.says("kms-encrypt-rotated-key-response", kms.encrypt(KeyId=key, Plaintext=b"after"))
    assert kms.decrypt(CiphertextBlob=before["CiphertextBlob"])["Plaintext"] == b"before"


def test_old_imported_material_still_opens(kms: Any, recorded: Any) -> None:
    case = recorded("kms", "TestKMS::test_rotate_key_on_demand_for_external_keys_decrypts_with_previous_material")
    answer = kms.create_key(**SYMMETRIC)["KeyMetadata"]
    case.says("create-kms-external-key", answer)
    key = answer["Arn"]
    case.says("import-key-material-response", given(kms, key, b"1" * 32))
    before = kms.encrypt(KeyId=key, Plaintext=b"before")
    case.says("kms-encrypt-initial-response", before)
    given(kms, key, b"2" * 32, ImportType="NEW_KEY_MATERIAL")
    case.says("rotate-key-on-demand-response", kms.rotate_key_on_demand(KeyId=key))
    assert kms.decrypt(CiphertextBlob=before["CiphertextBlob"])["Plaintext"] == b"before"


def test_from_one_rsa_key_to_itself(kms: Any, recorded: Any) -> None:
    case = recorded("kms", "TestKMS::test_re_encrypt[RSA_2048-RSAES_OAEP_SHA_256]")
    source, target = (made(kms, KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT") for _ in range(2))
    algorithm = "RSAES_OAEP_SHA_256"
    blob = kms.encrypt(KeyId=source, Plaintext=b"message", EncryptionAlgorithm=algorithm)["CiphertextBlob"]
    algorithms = {"SourceEncryptionAlgorithm": algorithm, "DestinationEncryptionAlgorithm": algorithm}
    case.says("test_re_encrypt", kms.re_encrypt(SourceKeyId=source, DestinationKeyId=target, CiphertextBlob=blob, **algorithms))


def test_from_a_key_that_did_not_write_it(kms: Any, recorded: Any) -> None:
    case = recorded("kms", "TestKMS::test_re_encrypt_incorrect_source_key")
    source, other = made(kms), made(kms)
    blob = kms.encrypt(KeyId=source, Plaintext=b"message")["CiphertextBlob"]
    case.refuses("incorrect-source-key", kms.re_encrypt, SourceKeyId=other, DestinationKeyId=source, CiphertextBlob=blob)


def test_a_replica_is_not_replicated(kms: Any, aws: Any, recorded: Any) -> None:
    case = recorded("kms", "TestKMS::test_replicate_replica_key_should_fail")
    key = made(kms, MultiRegion=True)
    kms.replicate_key(KeyId=key, ReplicaRegion="us-west-2")
    replica = key.replace("us-east-1", "us-west-2")
    far = aws.client("kms", region="us-west-2")
    case.refuses("fail-replicate-non-primary-key", far.replicate_key, KeyId=replica, ReplicaRegion="eu-west-1")


@pytest.mark.parametrize(
    ("spec", "algorithm"),
    [
        ("ECC_NIST_P256", "ECDSA_SHA_256"),
        ("ECC_SECG_P256K1", "ECDSA_SHA_256"),
        ("RSA_2048", "RSASSA_PSS_SHA_256"),
        ("RSA_2048", "RSASSA_PSS_SHA_512"),
        ("RSA_4096", "RSASSA_PKCS1_V1_5_SHA_512"),
    ],
)
def test_signatures_that_are_good_and_bad(kms: Any, recorded: Any, spec: str, algorithm: str) -> None:
    case = recorded("kms", f"TestKMS::test_sign_verify[{spec}-{algorithm}]")
    key = made(kms, KeySpec=spec, KeyUsage="SIGN_VERIFY")
    digest = hashlib.new(f"sha{algorithm[-3:]}", b"message").digest()
    said = {"KeyId": key, "SigningAlgorithm": algorithm, "MessageType": "DIGEST"}
    answer = kms.sign(Message=digest, **said)
    case.says("signature", answer)
    case.says("verification", kms.verify(Message=digest, Signature=answer["Signature"], **said))
    assert kms.verify(KeyId=key, SigningAlgorithm=algorithm, Message=b"message", Signature=answer["Signature"])["SignatureValid"]
    case.refuses("bad-digest", kms.sign, Message=b"short", **said)
    case.refuses("bad-signature", kms.verify, Message=digest, Signature=b"x" * len(answer["Signature"]), **said)


@pytest.mark.parametrize("operation", ["generate_data_key", "generate_data_key_pair_without_plaintext"])
def test_data_keys_do_not_open_without_their_context(kms: Any, recorded: Any, operation: str) -> None:
    case = recorded("kms", f"TestKMSGenerateKeys::test_encryption_context_{operation}")
    size = {"KeyPairSpec": "RSA_2048"} if "pair" in operation else {"KeySpec": "AES_256"}
    answer = getattr(kms, operation)(KeyId=made(kms), EncryptionContext={"a": "b"}, **size)
    blob = answer.get("CiphertextBlob") or answer["PrivateKeyCiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob, EncryptionContext={"a": "b"})["Plaintext"]
    case.refuses("decrypt-without-encryption-context", kms.decrypt, CiphertextBlob=blob)


def test_data_keys(kms: Any, recorded: Any) -> None:
    """Recorded in 2023; since 2025 AWS says KeyMaterialId too (the API reference)."""
    key = made(kms)
    case = recorded("kms", "TestKMSGenerateKeys::test_generate_data_key")
    answer = kms.generate_data_key(KeyId=key, KeySpec="AES_256")
    assert len(answer.pop("KeyMaterialId")) == 64
    case.says("generate-data-key-result", answer)
    case = recorded("kms", "TestKMSGenerateKeys::test_generate_data_key_pair")
    answer = kms.generate_data_key_pair(KeyId=key, KeyPairSpec="RSA_2048")
    assert len(answer.pop("KeyMaterialId")) == 64
    case.says("generate-data-key-pair", answer)


def test_a_dry_run(kms: Any, recorded: Any) -> None:
    case = recorded("kms", "TestKMSGenerateKeys::test_generate_data_key_pair_without_plaintext_dry_run")
    request = {"KeyId": made(kms), "KeyPairSpec": "RSA_2048", "DryRun": True}
    case.refuses("dryrun_exception", kms.generate_data_key_pair_without_plaintext, **request)
