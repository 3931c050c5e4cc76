"""Keys, their materials, aliases and grants as records, and each one's shape in the API.

A key is a name for a row of *materials*, numbered from 1 and never renumbered; `current` says which one encrypts, every other
still decrypts. A material that was imported may be taken away: its number and id stay, its bytes go. A key's state is not
written down but follows from what is: a deletion date, missing material, the switch.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec

from headwater.kernel.store import Record, Table

from .specs import MEMBERS, SPECS, SYMMETRIC, Spec

ENABLED: Final = "Enabled"
DISABLED: Final = "Disabled"
PENDING_DELETION: Final = "PendingDeletion"
PENDING_REPLICA_DELETION: Final = "PendingReplicaDeletion"
PENDING_IMPORT: Final = "PendingImport"
EXTERNAL: Final = "EXTERNAL"


class Material(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    material_id: str
    """64 hexadecimal digits; the same bytes under the same key have the same one."""
    sealed: bytes | None
    """Under the home's root key; None while imported material is not there."""
    rotated_at: datetime | None = None
    rotation_type: str | None = None
    """AUTOMATIC or ON_DEMAND; None of a key's first material and of one that waits."""
    valid_to: datetime | None = None
    description: str | None = None
    is_waiting: bool = False
    """Imported, and becomes current at the next rotation."""


class Key(Record, frozen=True, kw_only=True):
    account: str
    region: str
    key_id: str
    created_at: datetime
    description: str
    spec: str
    usage: str
    origin: str
    manager: str
    """CUSTOMER, or AWS for those behind alias/aws/…"""
    policy: str
    tags: dict[str, str]
    materials: tuple[Material, ...]
    current: int
    """The number of the material that encrypts; 0 while there never was one."""
    enabled: bool = True
    primary_region: str | None = None
    """None unless the key is a multi-Region key."""
    replica_regions: tuple[str, ...] = ()
    """The replicas' regions, as every key of the set says them."""
    deletion_at: datetime | None = None
    deletion_window_days: int | None = None
    waits_for_replicas: bool = False
    rotation_days: int | None = None
    rotation_at: datetime | None = None
    on_demand_rotations: int = 0

    @property
    def arn(self) -> str:
        return f"arn:aws:kms:{self.region}:{self.account}:key/{self.key_id}"

    @property
    def parts(self) -> tuple[str, str, str]:
        """The key's key in its table."""
        return self.account, self.region, self.key_id

    @property
    def shape(self) -> Spec:
        return SPECS[self.spec]

    @property
    def algorithms(self) -> tuple[str, ...]:
        return self.shape.usages[self.usage]

    @property
    def state(self) -> str:
        if self.waits_for_replicas:
            return PENDING_REPLICA_DELETION
        if self.deletion_at is not None:
            return PENDING_DELETION
        if self.current == 0 or any(material.sealed is None and not material.is_waiting for material in self.materials):
            return PENDING_IMPORT
        return ENABLED if self.enabled else DISABLED

    @property
    def is_primary(self) -> bool:
        return self.primary_region == self.region

    def material(self, number: int) -> Material | None:
        return self.materials[number - 1] if 0 < number <= len(self.materials) else None

    def with_material(self, material: Material) -> Key:
        """The key with this material in the place of its number, or behind the last."""
        row = [*self.materials]
        row[material.number - 1 :] = [material, *row[material.number :]]
        return msgspec.structs.replace(self, materials=tuple(row))


class Alias(Record, frozen=True, kw_only=True):
    account: str
    region: str
    name: str
    """With its "alias/"."""
    key_id: str
    created_at: datetime
    updated_at: datetime

    @property
    def arn(self) -> str:
        return f"arn:aws:kms:{self.region}:{self.account}:{self.name}"


class Grant(Record, frozen=True, kw_only=True):
    account: str
    """Of the key, as the region."""
    region: str
    key_id: str
    grant_id: str
    created_at: datetime
    issuing_account: str
    grantee: str
    retiring: str | None
    operations: tuple[str, ...]
    name: str | None
    context_equals: dict[str, str] | None
    context_subset: dict[str, str] | None
    source_arn: str | None = None
    grantee_is_service: bool = False
    retiring_is_service: bool = False


keys: Final = Table("kms", "keys", Key, key=lambda key: (key.account, key.region, key.key_id))
aliases: Final = Table("kms", "aliases", Alias, key=lambda alias: (alias.account, alias.region, alias.name))
grants: Final = Table("kms", "grants", Grant, key=lambda grant: (grant.account, grant.region, grant.key_id, grant.grant_id))


def describe(key: Key) -> dict[str, Any]:
    return {
        "AWSAccountId": key.account,
        "KeyId": key.key_id,
        "Arn": key.arn,
        "CreationDate": key.created_at,
        "Enabled": key.state == ENABLED,
        "Description": key.description,
        "KeyUsage": key.usage,
        "KeyState": key.state,
        "DeletionDate": None if key.waits_for_replicas else key.deletion_at,
        "PendingDeletionWindowInDays": key.deletion_window_days if key.waits_for_replicas else None,
        "Origin": key.origin,
        "KeyManager": key.manager,
        "CustomerMasterKeySpec": key.spec,
        "KeySpec": key.spec,
        MEMBERS[key.usage]: list(key.algorithms),
        "MultiRegion": key.primary_region is not None,
        "MultiRegionConfiguration": _regions(key),
        **_material(key),
    }


def _material(key: Key) -> dict[str, Any]:
    current = key.material(key.current)
    if current is None:
        return {}
    described: dict[str, Any] = {"CurrentKeyMaterialId": current.material_id if key.spec == SYMMETRIC else None}
    if key.origin == EXTERNAL and current.sealed is not None:
        described |= expiration(current)
    return described


def expiration(material: Material) -> dict[str, Any]:
    """How long imported material stays."""
    if material.valid_to is None:
        return {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}
    return {"ExpirationModel": "KEY_MATERIAL_EXPIRES", "ValidTo": material.valid_to}


def _regions(key: Key) -> dict[str, Any] | None:
    if key.primary_region is None:
        return None

    def named(region: str) -> dict[str, str]:
        return {"Arn": f"arn:aws:kms:{region}:{key.account}:key/{key.key_id}", "Region": region}

    return {
        "MultiRegionKeyType": "PRIMARY" if key.is_primary else "REPLICA",
        "PrimaryKey": named(key.primary_region),
        "ReplicaKeys": [named(region) for region in key.replica_regions],
    }


def describe_alias(alias: Alias) -> dict[str, Any]:
    return {
        "AliasName": alias.name,
        "AliasArn": alias.arn,
        "TargetKeyId": alias.key_id,
        "CreationDate": alias.created_at,
        "LastUpdatedDate": alias.updated_at,
    }


def describe_grant(grant: Grant) -> dict[str, Any]:
    constraints = {
        "EncryptionContextEquals": grant.context_equals,
        "EncryptionContextSubset": grant.context_subset,
        "SourceArn": grant.source_arn,
    }
    given = {name: value for name, value in constraints.items() if value is not None}
    return {
        "KeyId": f"arn:aws:kms:{grant.region}:{grant.account}:key/{grant.key_id}",
        "GrantId": grant.grant_id,
        "Name": grant.name,
        "CreationDate": grant.created_at,
        ("GranteeServicePrincipal" if grant.grantee_is_service else "GranteePrincipal"): grant.grantee,
        ("RetiringServicePrincipal" if grant.retiring_is_service else "RetiringPrincipal"): grant.retiring,
        "IssuingAccount": f"arn:aws:iam::{grant.issuing_account}:root",
        "Operations": list(grant.operations),
        "Constraints": given or None,
    }
