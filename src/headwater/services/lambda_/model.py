"""Functions, their versions and aliases: the records and what holds among them. Pure.

A function is a name with things that belong to all of its versions (tags, reserved concurrency). What runs is a version:
`$LATEST`, which changes, or a published one, which never does. An alias points to one version, or splits between two.
"""

import hashlib
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import field

from headwater.kernel.store import Record, Table
from headwater.kernel.vault import Vault

LATEST: Final = "$LATEST"
TERMINATE: Final = "Terminate"
CREATING: Final = {"State": "Pending", "StateReason": "The function is being created.", "StateReasonCode": "Creating"}
UPDATING: Final = {
    "LastUpdateStatus": "InProgress",
    "LastUpdateStatusReason": "The function is being created.",
    "LastUpdateStatusReasonCode": "Creating",
}


class Function(Record, frozen=True, kw_only=True):
    account: str
    region: str
    name: str
    next_version: int = 1
    tags: dict[str, str] = field(default_factory=dict)
    reserved: int | None = None
    recursive_loop: str = TERMINATE
    code_signing_arn: str | None = None

    @property
    def arn(self) -> str:
        return f"arn:aws:lambda:{self.region}:{self.account}:function:{self.name}"


class Version(Record, frozen=True, kw_only=True):
    """What runs: code, configuration, and the moment it was last changed. `extras` are members kept only to be shown again."""

    account: str
    region: str
    name: str
    version: str
    role: str
    runtime: str
    handler: str
    code_sha256: str
    code_bytes: int
    modified_at: datetime
    revision_id: str
    description: str = ""
    timeout_s: int = 3
    memory_mb: int = 128
    tmp_mb: int = 512
    sealed_environment: bytes | None = None  # variables often hold secrets
    layers: list[str] = field(default_factory=list)
    layer_bytes: list[int] = field(default_factory=list)  # of each layer's archive; empty in records of before they were kept
    dead_letter_arn: str | None = None
    log_format: str = "Text"
    log_group: str = ""
    application_log_level: str | None = None
    system_log_level: str | None = None
    architectures: tuple[str, ...] = ("x86_64",)
    tracing: str = "PassThrough"
    snap_start: str = "None"
    extras: dict[str, Any] = field(default_factory=dict)

    @property
    def function_arn(self) -> str:
        return f"arn:aws:lambda:{self.region}:{self.account}:function:{self.name}"

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.account, self.region, self.name)

    def same_as(self, other: "Version") -> bool:
        """Nothing has changed that publishing would keep."""
        unkept = {"version": "", "modified_at": self.modified_at, "revision_id": "", "description": ""}
        return msgspec.structs.replace(self, **unkept) == msgspec.structs.replace(other, **unkept)


class Alias(Record, frozen=True, kw_only=True):
    account: str
    region: str
    function: str
    name: str
    version: str
    revision_id: str
    description: str = ""
    weights: dict[str, float] = field(default_factory=dict)  # other versions' shares; the rest is `version`'s

    @property
    def arn(self) -> str:
        return f"arn:aws:lambda:{self.region}:{self.account}:function:{self.function}:{self.name}"

    def chosen(self, draw: float) -> str:
        """The version that takes the event, for a number drawn evenly from 0 to 1."""
        for version, weight in self.weights.items():
            if draw < weight:
                return version
            draw -= weight
        return self.version


class Policy(Record, frozen=True, kw_only=True):
    """The resource policy of a function, a version or an alias (`qualifier` is "" for the function itself)."""

    account: str
    region: str
    function: str
    qualifier: str
    statements: list[dict[str, Any]]


class Provisioned(Record, frozen=True, kw_only=True):
    """How many workers of a version, or of the version that an alias means, wait for events before there are any."""

    account: str
    region: str
    function: str
    qualifier: str
    wanted: int
    modified_at: datetime


class RuntimeUpdate(Record, frozen=True, kw_only=True):
    """When a version gets a newer build of its runtime."""

    account: str
    region: str
    function: str
    qualifier: str
    on: str
    pinned: str | None = None


class CodeSigning(Record, frozen=True, kw_only=True):
    """Whose signatures code must bear, and what becomes of code that does not."""

    account: str
    region: str
    id: str
    publishers: list[str]
    policy: str
    modified_at: datetime
    description: str | None = None
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        return f"arn:aws:lambda:{self.region}:{self.account}:code-signing-config:{self.id}"


class LayerPolicy(Record, frozen=True, kw_only=True):
    """Who else may use a version of a layer."""

    account: str
    region: str
    name: str
    version: int
    statements: list[dict[str, Any]]
    revision_id: str


class EventConfig(Record, frozen=True, kw_only=True):
    """How asynchronous invocations of one qualifier are retried, and who hears of the end."""

    account: str
    region: str
    function: str
    qualifier: str
    modified_at: datetime
    retries_max: int | None = None
    age_max_s: int | None = None
    on_success: str | None = None
    on_failure: str | None = None


class Layer(Record, frozen=True, kw_only=True):
    account: str
    region: str
    name: str
    version: int
    code_sha256: str
    code_bytes: int
    created_at: datetime
    description: str = ""
    runtimes: list[str] = field(default_factory=list)
    architectures: list[str] = field(default_factory=list)
    license: str | None = None
    is_deleted: bool = False  # kept for the functions that have it

    def deleted(self) -> "Layer":
        return msgspec.structs.replace(self, is_deleted=True)

    @property
    def layer_arn(self) -> str:
        return f"arn:aws:lambda:{self.region}:{self.account}:layer:{self.name}"

    @property
    def arn(self) -> str:
        return f"{self.layer_arn}:{self.version}"


FUNCTIONS: Final = Table("lambda", "functions", Function, key=lambda f: (f.account, f.region, f.name))
VERSIONS: Final = Table("lambda", "versions", Version, key=lambda v: (v.account, v.region, v.name, padded(v.version)))
ALIASES: Final = Table("lambda", "aliases", Alias, key=lambda a: (a.account, a.region, a.function, a.name))
POLICIES: Final = Table("lambda", "policies", Policy, key=lambda p: (p.account, p.region, p.function, p.qualifier))
EVENT_CONFIGS: Final = Table("lambda", "event_configs", EventConfig, key=lambda c: (c.account, c.region, c.function, c.qualifier))
PROVISIONED: Final = Table("lambda", "provisioned", Provisioned, key=lambda p: (p.account, p.region, p.function, p.qualifier))
RUNTIME_UPDATES: Final = Table("lambda", "runtime_updates", RuntimeUpdate, key=lambda r: (r.account, r.region, r.function, r.qualifier))
CODE_SIGNING: Final = Table("lambda", "code_signing", CodeSigning, key=lambda c: (c.account, c.region, c.id))
LAYER_POLICIES: Final = Table("lambda", "layer_policies", LayerPolicy, key=lambda p: (p.account, p.region, p.name, padded(str(p.version))))
LAYERS: Final = Table("lambda", "layers", Layer, key=lambda layer: (layer.account, layer.region, layer.name, padded(str(layer.version))))


def padded(version: str) -> str:
    """A version as a key: numbers in the order of numbers, `$LATEST` before them."""
    return version if version == LATEST else version.zfill(12)


def timestamp(at: datetime) -> str:
    """As Lambda writes times in its JSON: milliseconds, and an offset without a colon."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}+0000"


def variables_of(version: Version, vault: Vault) -> dict[str, str] | None:
    """The environment variables that the user gave; None where he gave none at all."""
    if version.sealed_environment is None:
        return None
    return msgspec.json.decode(vault.open(version.sealed_environment, version.function_arn), type=dict[str, str])


def describe(version: Version, vault: Vault, *, arn: str, **state: str) -> dict[str, Any]:
    """FunctionConfiguration. `state` are members about what is under way, over those of a version at rest."""
    logging: dict[str, Any] = {"LogFormat": version.log_format, "LogGroup": version.log_group}
    if version.log_format == "JSON":
        logging |= {"ApplicationLogLevel": version.application_log_level, "SystemLogLevel": version.system_log_level}
    runtime = f"{version.runtime} {' '.join(version.architectures)}"  # each architecture has a runtime of its own
    runtime_arn = f"arn:aws:lambda:{version.region}::runtime:{hashlib.sha256(runtime.encode()).hexdigest()}"
    described: dict[str, Any] = {
        "FunctionName": version.name,
        "FunctionArn": arn,
        "Runtime": version.runtime,
        "Role": version.role,
        "Handler": version.handler,
        "CodeSize": version.code_bytes,
        "Description": version.description,
        "Timeout": version.timeout_s,
        "MemorySize": version.memory_mb,
        "LastModified": timestamp(version.modified_at),
        "CodeSha256": version.code_sha256,
        "Version": version.version,
        "TracingConfig": {"Mode": version.tracing},
        "RevisionId": version.revision_id,
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "PackageType": "Zip",
        "Architectures": version.architectures,
        "EphemeralStorage": {"Size": version.tmp_mb},
        "SnapStart": {"ApplyOn": version.snap_start, "OptimizationStatus": "Off"},
        "RuntimeVersionConfig": {"RuntimeVersionArn": runtime_arn},
        "LoggingConfig": logging,
        **version.extras,
    }
    variables = variables_of(version, vault)
    if variables is not None:
        described["Environment"] = {"Variables": variables}
    if version.layers:
        sizes = version.layer_bytes or [0] * len(version.layers)
        described["Layers"] = [{"Arn": arn, "CodeSize": size} for arn, size in zip(version.layers, sizes, strict=True)]
    if version.dead_letter_arn is not None:
        described["DeadLetterConfig"] = {"TargetArn": version.dead_letter_arn}
    described |= state
    if state.get("State") == "Pending":
        del described["LastUpdateStatus"]  # a function that is being created has none yet
    return described


def describe_alias(alias: Alias) -> dict[str, Any]:
    described: dict[str, Any] = {
        "AliasArn": alias.arn,
        "Name": alias.name,
        "FunctionVersion": alias.version,
        "Description": alias.description,
        "RevisionId": alias.revision_id,
    }
    if alias.weights:
        described["RoutingConfig"] = {"AdditionalVersionWeights": alias.weights}
    return described
