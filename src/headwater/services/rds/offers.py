"""What can be had: engine versions, instance classes, the certificate authority."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from headwater.aws.faults import fault
from headwater.kernel.certificates import authority_path
from headwater.kernel.permissions import requires

from .descriptions import CERTIFICATE, ZONES
from .paging import filtered, page
from .versions import ENGINES, Engine, engine_named, family, major, version_of

if TYPE_CHECKING:
    from headwater.kernel.context import Context

CLASSES: Final = (
    "db.m5.large",
    "db.m6g.large",
    "db.r5.large",
    "db.r6g.large",
    "db.r6g.xlarge",
    "db.serverless",
    "db.t3.medium",
    "db.t3.micro",
    "db.t3.small",
    "db.t4g.medium",
    "db.t4g.micro",
)

Offer = tuple[Engine, str]


@requires("rds:DescribeDBEngineVersions")
async def describe_db_engine_versions(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    engines = [engine_named(request["Engine"])] if "Engine" in request else list(ENGINES.values())
    offers = [(engine, version) for engine in engines for version in engine.versions]
    if request.get("DefaultOnly"):
        offers = [(engine, version_of(engine, request.get("EngineVersion"))) for engine in engines]
    elif "EngineVersion" in request:
        asked = request["EngineVersion"]
        offers = [offer for offer in offers if offer[1] == asked or offer[1].startswith(asked + ".")]
    if "DBParameterGroupFamily" in request:
        offers = [offer for offer in offers if family(*offer) == request["DBParameterGroupFamily"]]
    known = {
        "engine-version": lambda offer: offer[1],
        "db-parameter-group-family": lambda offer: family(*offer),
        "status": lambda offer: "available",
        "engine-mode": lambda offer: "provisioned",
    }
    shown, marker = page(filtered(offers, request, known), request, key=_order)
    return {"DBEngineVersions": [_version(*offer) for offer in shown], "Marker": marker}


def _order(offer: Offer) -> str:
    engine, version = offer
    return f"{engine.name} " + ".".join(part.zfill(4) for part in version.split("."))


def _version(engine: Engine, version: str) -> dict[str, Any]:
    of_line = [each for each in engine.versions if major(engine, each) == major(engine, version)]
    later = engine.versions[engine.versions.index(version) + 1 :]
    return {
        "Engine": engine.name,
        "MajorEngineVersion": major(engine, version),
        "EngineVersion": version,
        "DBParameterGroupFamily": family(engine, version),
        "DBEngineDescription": engine.description,
        "DBEngineVersionDescription": f"{engine.description} {version}",
        "ValidUpgradeTarget": [
            {
                "Engine": engine.name,
                "EngineVersion": each,
                "Description": f"{engine.description} {each}",
                "AutoUpgrade": False,
                "IsMajorVersionUpgrade": each not in of_line,
            }
            for each in later
        ],
        "ExportableLogTypes": [],
        "SupportsLogExportsToCloudwatchLogs": False,
        "SupportsReadReplica": False,
        "SupportedEngineModes": ["provisioned"] if engine.aurora else None,
        "SupportedFeatureNames": ["Lambda"] if engine.program == "mariadb" else [],
        "Status": "available",
        "SupportsParallelQuery": False,
        "SupportsGlobalDatabases": False,
        "SupportsBabelfish": False,
        "SupportsCertificateRotationWithoutRestart": False,
        "SupportedCACertificateIdentifiers": [CERTIFICATE],
    }


@requires("rds:DescribeOrderableDBInstanceOptions")
async def describe_orderable_db_instance_options(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Every class that the list knows, for every version: what is ordered decides nothing here."""
    engine = engine_named(request["Engine"])
    versions = [version_of(engine, request["EngineVersion"])] if "EngineVersion" in request else list(engine.versions)
    classes = [each for each in CLASSES if request.get("DBInstanceClass", each) == each]
    options = [(engine, version, each) for version in versions for each in classes]
    shown, marker = page(options, request, key=lambda option: f"{option[2]} {_order(option[:2])}")
    return {"OrderableDBInstanceOptions": [_option(ctx, *option) for option in shown], "Marker": marker}


def _option(ctx: Context, engine: Engine, version: str, instance_class: str) -> dict[str, Any]:
    return {
        "Engine": engine.name,
        "EngineVersion": version,
        "DBInstanceClass": instance_class,
        "LicenseModel": engine.license_model,
        "AvailabilityZones": [{"Name": f"{ctx.region}{zone}"} for zone in ZONES],
        "MultiAZCapable": not engine.aurora,
        "ReadReplicaCapable": False,
        "Vpc": True,
        "SupportsStorageEncryption": True,
        "StorageType": "aurora" if engine.aurora else "gp2",
        "SupportsIops": False,
        "SupportsEnhancedMonitoring": False,
        "SupportsIAMDatabaseAuthentication": False,
        "SupportsPerformanceInsights": False,
        "MinStorageSize": None if engine.aurora else 5,
        "MaxStorageSize": None if engine.aurora else 65_536,
        "SupportedEngineModes": ["provisioned"] if engine.aurora else None,
        "SupportsClusters": engine.aurora,
        "SupportedNetworkTypes": ["IPV4"],
    }


@requires("rds:DescribeCertificates")
async def describe_certificates(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The one authority that signs for the servers here: this home's own. `headwater ca` prints its path."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    if request.get("CertificateIdentifier", CERTIFICATE) != CERTIFICATE:
        raise fault("CertificateNotFound", f"Certificate not found: {request['CertificateIdentifier']}")
    authority = x509.load_pem_x509_certificate(authority_path(ctx.home).read_bytes())
    shown = {
        "CertificateIdentifier": CERTIFICATE,
        "CertificateType": "CA",
        "Thumbprint": hashlib.sha1(authority.public_bytes(Encoding.DER), usedforsecurity=False).hexdigest(),
        "ValidFrom": authority.not_valid_before_utc,
        "ValidTill": authority.not_valid_after_utc,
        "CertificateArn": f"arn:aws:rds:{ctx.region}::cert:{CERTIFICATE}",
        "CustomerOverride": False,
    }
    return {"Certificates": [shown], "DefaultCertificateForNewLaunches": CERTIFICATE}
