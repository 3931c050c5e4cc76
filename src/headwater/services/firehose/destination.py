"""Where a stream delivers: the S3 destination as a record, read from the API's shape and turned back into it.

`parsed(described(d)) == d` holds, so that UpdateDestination is: describe, lay the update over it, parse. What is not built
is refused here, when the stream is made, and never ignored. Pure.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from headwater.aws.faults import Fault, fault

from .naming import EXTENSIONS, check_prefixes, zone

SIZE_MIB: Final = 5
INTERVAL_S: Final = 300
RETRIES: Final = 3
LAMBDA_PARAMETERS: Final = ("LambdaArn", "NumberOfRetries", "RoleArn", "BufferSizeInMBs", "BufferIntervalInSeconds")


class LogTarget(msgspec.Struct, frozen=True, kw_only=True):
    """CloudWatchLoggingOptions: where errors of delivery are written."""

    enabled: bool = False
    group: str | None = None
    stream: str | None = None


class Processor(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    parameters: dict[str, str]


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """Where objects go and how they are made. A backup has one of these of its own."""

    role_arn: str
    bucket_arn: str
    prefix: str | None = None
    error_prefix: str | None = None
    size_mib: int = SIZE_MIB
    interval_s: int = INTERVAL_S
    compression: str = "UNCOMPRESSED"
    log: LogTarget = LogTarget()
    processing: bool = False
    processors: tuple[Processor, ...] = ()
    backup_enabled: bool = False
    backup: Destination | None = None
    file_extension: str | None = None
    time_zone: str | None = None

    @property
    def bucket(self) -> str:
        return self.bucket_arn.rpartition(":")[2]

    @property
    def extension(self) -> str:
        return self.file_extension or EXTENSIONS[self.compression]

    def processor(self, kind: str) -> Processor | None:
        return next((one for one in self.processors if one.kind == kind), None) if self.processing else None

    @property
    def error_base(self) -> str:
        """What failed records' prefix is made from."""
        return self.error_prefix if self.error_prefix is not None else (self.prefix or "")


def not_built(what: str) -> Fault:
    return fault("NotImplemented", f"Headwater has not built {what} for Firehose yet.")


def parsed(shape: dict[str, Any]) -> Destination:
    """A destination from an (Extended)S3DestinationConfiguration, or from what `described` made."""
    _refuse_unbuilt(shape)
    hints = shape.get("BufferingHints") or {}
    log = shape.get("CloudWatchLoggingOptions") or {}
    processing = shape.get("ProcessingConfiguration") or {}
    backup = shape.get("S3BackupConfiguration") or shape.get("S3BackupDescription")
    destination = Destination(
        role_arn=shape["RoleARN"],
        bucket_arn=shape["BucketARN"],
        prefix=shape.get("Prefix"),
        error_prefix=shape.get("ErrorOutputPrefix") or None,
        size_mib=hints.get("SizeInMBs", SIZE_MIB),
        interval_s=hints.get("IntervalInSeconds", INTERVAL_S),
        compression=shape.get("CompressionFormat", "UNCOMPRESSED"),
        log=LogTarget(enabled=log.get("Enabled", False), group=log.get("LogGroupName"), stream=log.get("LogStreamName")),
        processing=processing.get("Enabled", False),
        processors=tuple(_processor(one) for one in processing.get("Processors", [])),
        backup_enabled=shape.get("S3BackupMode") == "Enabled",
        backup=parsed(backup) if backup else None,
        file_extension=shape.get("FileExtension") or None,
        time_zone=shape.get("CustomTimeZone") or None,
    )
    if destination.backup_enabled and destination.backup is None:
        raise fault("InvalidArgumentException", "S3BackupConfiguration must be specified when S3BackupMode is Enabled.")
    zone(destination.time_zone or "")
    check_prefixes(destination.prefix or "", destination.error_prefix)
    return destination


def _refuse_unbuilt(shape: dict[str, Any]) -> None:
    compression = shape.get("CompressionFormat", "UNCOMPRESSED")
    if compression not in EXTENSIONS:
        raise not_built(f"CompressionFormat {compression}")
    if "KMSEncryptionConfig" in (shape.get("EncryptionConfiguration") or {}):
        raise not_built("KMSEncryptionConfig")
    for member in ("DataFormatConversionConfiguration", "DynamicPartitioningConfiguration"):
        configuration = shape.get(member)
        if configuration is not None and configuration.get("Enabled", member == "DataFormatConversionConfiguration"):
            raise not_built(member)


def _processor(shape: dict[str, Any]) -> Processor:
    parameters = {one["ParameterName"]: one["ParameterValue"] for one in shape.get("Parameters", [])}
    match shape["Type"]:
        case "Lambda":
            _check_lambda(parameters)
        case "AppendDelimiterToRecord":
            pass
        case other:
            raise not_built(f"the processor {other}")
    return Processor(kind=shape["Type"], parameters=parameters)


def _check_lambda(parameters: dict[str, str]) -> None:
    if "LambdaArn" not in parameters:
        raise fault("InvalidArgumentException", "The LambdaArn parameter is required for a Lambda processor.")
    for name in parameters:
        if name not in LAMBDA_PARAMETERS:
            raise fault("InvalidArgumentException", f"The parameter {name} is not valid for a Lambda processor.")
    for name, low, high in (("NumberOfRetries", 0, 300), ("BufferIntervalInSeconds", 0, 900)):
        if name in parameters and not (parameters[name].isdecimal() and low <= int(parameters[name]) <= high):
            raise fault("InvalidArgumentException", f"The parameter {name} must be between {low} and {high}.")
    try:
        fits = 0.2 <= float(parameters.get("BufferSizeInMBs", "1")) <= 3
    except ValueError:
        fits = False
    if not fits:
        raise fault("InvalidArgumentException", "The parameter BufferSizeInMBs must be between 0.2 and 3.")


def described_plain(destination: Destination) -> dict[str, Any]:
    """S3DestinationDescription: what both kinds of configuration have."""
    log = destination.log
    return {
        "RoleARN": destination.role_arn,
        "BucketARN": destination.bucket_arn,
        "Prefix": destination.prefix,
        "ErrorOutputPrefix": destination.error_prefix,
        "BufferingHints": {"SizeInMBs": destination.size_mib, "IntervalInSeconds": destination.interval_s},
        "CompressionFormat": destination.compression,
        "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},
        "CloudWatchLoggingOptions": {"Enabled": log.enabled, "LogGroupName": log.group, "LogStreamName": log.stream},
    }


def described(destination: Destination) -> dict[str, Any]:
    """ExtendedS3DestinationDescription."""
    processors = [
        {"Type": one.kind, "Parameters": [{"ParameterName": name, "ParameterValue": value} for name, value in one.parameters.items()]}
        for one in destination.processors
    ]
    return described_plain(destination) | {
        "ProcessingConfiguration": {"Enabled": destination.processing, "Processors": processors},
        "S3BackupMode": "Enabled" if destination.backup_enabled else "Disabled",
        "S3BackupDescription": None if destination.backup is None else described_plain(destination.backup),
        "FileExtension": destination.file_extension,
        "CustomTimeZone": destination.time_zone,
    }


def updated(destination: Destination, update: dict[str, Any]) -> Destination:
    """This destination with an (Extended)S3DestinationUpdate laid over it: what the update leaves out stays."""
    shape = described(destination) | {name: value for name, value in update.items() if name != "S3BackupUpdate"}
    if (change := update.get("S3BackupUpdate")) is not None:
        shape["S3BackupDescription"] = (shape["S3BackupDescription"] or {}) | change
    return parsed(shape)
