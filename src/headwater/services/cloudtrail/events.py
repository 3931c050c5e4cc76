"""An event as CloudTrail shows it, made of what was kept when somebody asks for it or a trail delivers it.

Source: "CloudTrail record contents" of the user guide.
"""

from __future__ import annotations

import hashlib
import uuid
from typing import Any, Final

from . import resources
from .identities import agent_of, identity_of, iso, source_of
from .model import Entry, Who, moment
from .naming import event_name, event_source
from .readings import only_reads
from .selecting import said
from .spelling import spelled_answer, spelled_request

VERSION: Final = "1.11"
MOMENT_BITS: Final = 48


def event_id(entry: Entry, account: str) -> str:
    """The event's id: a UUID that begins with the event's millisecond, by which it is found again, and is otherwise of its request."""
    digest = hashlib.blake2b(f"{entry.request_id}/{account}".encode(), digest_size=10).digest()
    return str(uuid.UUID(bytes=(entry.at_us // 1000).to_bytes(MOMENT_BITS // 8, "big") + digest, version=4))


def moment_of_id(text: str) -> int | None:
    """The millisecond in an event's id, or None where it can be none."""
    try:
        return int.from_bytes(uuid.UUID(text).bytes[: MOMENT_BITS // 8], "big")
    except ValueError:
        return None


def event_of(account: str, region: str, entry: Entry, who: Who, *, is_data: bool = False) -> dict[str, Any]:
    """As the account `account` gets it."""
    spoken = said(entry)
    at = moment(entry.at_us)
    event: dict[str, Any] = {
        "eventVersion": VERSION,
        "userIdentity": identity_of(who, account, at),
        "eventTime": iso(at),
        "eventSource": event_source(entry.service),
        "eventName": event_name(entry.service, entry.operation),
        "awsRegion": region,
        "sourceIPAddress": source_of(who),
        "userAgent": agent_of(who),
    }
    if entry.error:
        event["errorCode"] = entry.error
        event["errorMessage"] = entry.message
    if entry.is_told:
        return event | _told(entry, account, spoken.request)
    asked, answer = spoken.request, spoken.result
    event |= {
        "requestParameters": _omitted(spoken.omitted_bytes) or spelled_request(entry.service, entry.operation, asked),
        "responseElements": spelled_answer(entry.service, entry.operation, answer) if answer else None,
        "requestID": entry.request_id,
        "eventID": event_id(entry, account),
        "readOnly": only_reads(entry.operation),
    }
    about = resources.shown(entry, asked, region, account)
    if about:
        event["resources"] = about
    event |= {"eventType": "AwsApiCall", "managementEvent": not is_data, "recipientAccountId": account}
    if entry.owner:
        event["sharedEventID"] = event_id(entry, "shared")
    return event | {"eventCategory": "Data" if is_data else "Management"}


def _told(entry: Entry, account: str, details: dict[str, Any]) -> dict[str, Any]:
    """Of a service event, in place of what was asked and answered. Source: "Non-API events captured by CloudTrail" of the user guide."""
    return {
        "userIdentity": {"accountId": account, "invokedBy": event_source(entry.service)},
        "requestParameters": None,
        "responseElements": None,
        "additionalEventData": details,
        "eventID": event_id(entry, account),
        "readOnly": False,
        "eventType": "AwsServiceEvent",
        "managementEvent": True,
        "recipientAccountId": account,
        "eventCategory": "Management",
    }


def _omitted(size: int) -> dict[str, Any] | None:
    return {"omitted": True, "originalSize": size, "reason": "request parameters exceed the maximum size of an event"} if size else None
