"""What the models lack, as data: `patches/<service>.json` beside this module, on top of what holds for a protocol.

Error codes that no shape names (`MalformedXML`), how a service words its validation, the few wire forms that the models do not
say. Everything has a default, so a service without a file works; each file's entries are what AWS was seen to answer.
"""

from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from headwater.aws.models import service_model

_NOT_WELL_FORMED: Final = "The XML you provided was not well-formed or did not validate against our published schema"


class ErrorPatch(msgspec.Struct, forbid_unknown_fields=True):
    status: int = 400
    fault: bool = False  # ours, not the sender's


class Wording(msgspec.Struct, forbid_unknown_fields=True):
    """A code and a sentence; `{member}` stands for the member's name in the API."""

    code: str
    message: str = ""


class Validation(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """How a service says that a member is wrong. `code` is for the aggregated form, `missing` replaces it where a member is absent."""

    code: str = "ValidationException"
    checks: tuple[str, ...] = ("required", "length", "range", "pattern", "enum")
    missing: Wording | None = None
    missing_body: Wording | None = None  # the payload of a REST request
    always: Wording | None = None  # whatever is wrong, this is what is said
    hides_values: bool = False  # "Value at 'x'", as IAM has it, and no enum's values
    enums: dict[str, Wording] = {}  # by shape: enums with a code and a sentence of their own; `{value}` and `{values}` too
    elements_not_null: bool = False  # a list's wrong element is told that, too, that "Member must not be null"


class Patch(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    validation: Validation = msgspec.field(default_factory=Validation)
    errors: dict[str, ErrorPatch] = {}
    malformed: Wording = msgspec.field(default_factory=lambda: Wording("MalformedXML", _NOT_WELL_FORMED))  # a body of XML
    error_namespace: str = ""  # what stands before an error's name in JSON: "NAMESPACE#ResourceNotFound"
    error_members: dict[str, str] = {}  # members that every error of the service carries which blames the caller
    bare_errors: bool = False  # REST-XML errors without an <ErrorResponse> around them
    output_roots: dict[str, str] = {}  # by operation: the root element of a REST-XML answer
    blob_types: dict[str, str] = {}  # by operation: the content type of an answer that is one blob
    unwrapped_outputs: list[str] = []  # operations whose only member is the root itself
    shadowed: list[str] = []  # operations that never answer, because another has the same place
    xml_namespace: str | None = None  # of a REST-XML service whose model names none
    milliseconds: bool = False  # XML's moments always have them
    wants_tokens: bool = False  # a client that sends no idempotency token is refused by the operation, instead of given one


# What any service may answer. Source: docs.aws.amazon.com "Common errors" pages (IAM, Redshift, Firehose and others share the table).
COMMON_ERRORS: Final[dict[str, ErrorPatch]] = {
    "AccessDenied": ErrorPatch(403),
    "AccessDeniedException": ErrorPatch(400),
    "ExpiredToken": ErrorPatch(403),
    "ExpiredTokenException": ErrorPatch(400),
    "IncompleteSignature": ErrorPatch(400),
    "IncompleteSignatureException": ErrorPatch(400),
    "InternalFailure": ErrorPatch(500, fault=True),
    "InternalError": ErrorPatch(500, fault=True),
    "InvalidAction": ErrorPatch(400),
    "InvalidClientTokenId": ErrorPatch(403),
    "InvalidParameterCombination": ErrorPatch(400),
    "InvalidParameterValue": ErrorPatch(400),
    "InvalidSignatureException": ErrorPatch(400),
    "MalformedInput": ErrorPatch(400),
    "MalformedQueryString": ErrorPatch(404),
    "MissingAction": ErrorPatch(400),
    "MissingAuthenticationToken": ErrorPatch(403),
    "MissingAuthenticationTokenException": ErrorPatch(400),
    "MissingParameter": ErrorPatch(400),
    "NotImplemented": ErrorPatch(501, fault=True),
    "OptInRequired": ErrorPatch(403),
    "RequestEntityTooLarge": ErrorPatch(413),
    "RequestExpired": ErrorPatch(400),
    "SerializationException": ErrorPatch(400),
    "ServiceUnavailable": ErrorPatch(503, fault=True),
    "SignatureDoesNotMatch": ErrorPatch(403),
    "Throttling": ErrorPatch(400),
    "ThrottlingException": ErrorPatch(400),
    "UnknownOperationException": ErrorPatch(400),
    "UnrecognizedClientException": ErrorPatch(400),
    "ValidationError": ErrorPatch(400),
    "ValidationException": ErrorPatch(400),
}

# What the protocols default to, where a service's file says nothing else.
_PROTOCOL_VALIDATION: Final = {"query": "ValidationError", "ec2": "InvalidParameterValue"}


@cache
def patch(service: str) -> Patch:
    """The patch of botocore's directory `service`."""
    path = Path(__file__).parent / "patches" / f"{service}.json"
    described = msgspec.json.decode(path.read_bytes()) if path.exists() else {}
    found = msgspec.convert(described, Patch)
    try:
        protocol = service_model(service).metadata.protocol
    except KeyError:  # a model that did not come from botocore's folder, such as a test's
        return found
    if protocol == "rest-json":
        found.errors.setdefault("AccessDeniedException", ErrorPatch(403))
    if "code" not in described.get("validation", {}):
        found.validation.code = _PROTOCOL_VALIDATION.get(protocol, found.validation.code)
    return found


def known_error(service: str, code: str) -> bool:
    """Whether AWS's `service` can answer `code`: its model, its patch or the common errors name it."""
    return code in service_model(service).errors or code in patch(service).errors or code in COMMON_ERRORS
