"""What each key spec can do: its usages and the algorithms of each. Pure, and nothing but tables.

Source: "Key spec reference" and "SYMMETRIC_DEFAULT key spec" of the KMS developer guide.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from headwater.aws.faults import fault

Kind = Literal["symmetric", "rsa", "ecc", "edwards", "lattice", "hmac"]
SYMMETRIC: Final = "SYMMETRIC_DEFAULT"
ENCRYPT_DECRYPT: Final = "ENCRYPT_DECRYPT"
SIGN_VERIFY: Final = "SIGN_VERIFY"
MAC: Final = "GENERATE_VERIFY_MAC"
KEY_AGREEMENT: Final = "KEY_AGREEMENT"
ENCAPSULATION: Final = "ENCAPSULATE_DECAPSULATE"
OAEP: Final = ("RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256")
RSA_SIGNATURES: Final = tuple(f"RSASSA_{scheme}_SHA_{bits}" for scheme in ("PKCS1_V1_5", "PSS") for bits in (256, 384, 512))
MEMBERS: Final = {
    ENCRYPT_DECRYPT: "EncryptionAlgorithms",
    SIGN_VERIFY: "SigningAlgorithms",
    MAC: "MacAlgorithms",
    KEY_AGREEMENT: "KeyAgreementAlgorithms",
    ENCAPSULATION: "EncapsulationAlgorithms",
}
"""The member of a key's description that lists its algorithms, by usage."""


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    kind: Kind
    bits: int
    """Of an RSA modulus, a symmetric or an HMAC key; of a curve, its field; of a lattice, the parameter set's name."""
    usages: dict[str, tuple[str, ...]]
    """The algorithms by usage."""


def _rsa(bits: int) -> Spec:
    return Spec(kind="rsa", bits=bits, usages={ENCRYPT_DECRYPT: OAEP, SIGN_VERIFY: RSA_SIGNATURES})


def _curve(bits: int, digest: int) -> Spec:
    return Spec(kind="ecc", bits=bits, usages={SIGN_VERIFY: (f"ECDSA_SHA_{digest}",), KEY_AGREEMENT: ("ECDH",)})


def _mac(bits: int) -> Spec:
    return Spec(kind="hmac", bits=bits, usages={MAC: (f"HMAC_SHA_{bits}",)})


def _lattice(number: int, usage: str, algorithm: str) -> Spec:
    return Spec(kind="lattice", bits=number, usages={usage: (algorithm,)})


SPECS: Final[dict[str, Spec]] = {
    SYMMETRIC: Spec(kind="symmetric", bits=256, usages={ENCRYPT_DECRYPT: (SYMMETRIC,)}),
    "RSA_2048": _rsa(2048),
    "RSA_3072": _rsa(3072),
    "RSA_4096": _rsa(4096),
    "ECC_NIST_P256": _curve(256, 256),
    "ECC_NIST_P384": _curve(384, 384),
    "ECC_NIST_P521": _curve(521, 512),
    "ECC_SECG_P256K1": Spec(kind="ecc", bits=256, usages={SIGN_VERIFY: ("ECDSA_SHA_256",)}),
    "ECC_NIST_EDWARDS25519": Spec(kind="edwards", bits=255, usages={SIGN_VERIFY: ("ED25519_SHA_512", "ED25519_PH_SHA_512")}),
    "ML_DSA_44": _lattice(44, SIGN_VERIFY, "ML_DSA_SHAKE_256"),
    "ML_DSA_65": _lattice(65, SIGN_VERIFY, "ML_DSA_SHAKE_256"),
    "ML_DSA_87": _lattice(87, SIGN_VERIFY, "ML_DSA_SHAKE_256"),
    "ML_KEM_768": _lattice(768, ENCAPSULATION, "ML_KEM"),
    "ML_KEM_1024": _lattice(1024, ENCAPSULATION, "ML_KEM"),
    "HMAC_224": _mac(224),
    "HMAC_256": _mac(256),
    "HMAC_384": _mac(384),
    "HMAC_512": _mac(512),
}


def spec_named(name: str) -> Spec:
    spec = SPECS.get(name)
    if spec is None and name != "SM2":
        raise fault("NotImplemented", f"Headwater has not built keys of the spec {name}.")
    if spec is None:
        raise fault("UnsupportedOperationException", f"KeySpec {name} is not supported in this region.")
    return spec


def spec_and_usage(request: dict[str, Any]) -> tuple[str, str]:
    """What CreateKey is asked for. Only a symmetric key may leave the usage unsaid."""
    given = {request[member] for member in ("KeySpec", "CustomerMasterKeySpec") if member in request}
    if len(given) > 1 or {"KeySpec", "CustomerMasterKeySpec"} <= request.keys():
        raise fault(
            "ValidationException",
            "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.",
        )
    name = given.pop() if given else SYMMETRIC
    spec = spec_named(name)
    usage: str | None = request.get("KeyUsage")
    if usage is None:
        if spec.kind != "symmetric":
            raise fault("ValidationException", "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.")
        usage = ENCRYPT_DECRYPT
    if usage not in spec.usages:
        raise fault("ValidationException", f"KeyUsage {usage} is not compatible with KeySpec {name}")
    return name, usage
