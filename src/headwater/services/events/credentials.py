"""What a connection knows of its API's credentials: as a caller gives it, as the secret keeps it, and what may be shown of it. Pure.

The secret's document is the one truth; a value is in it and nowhere else. The spelling of the document is AWS's own: the recordings of
TestEventBridgeConnections show it for all that is not a list of parameters, whose spelling is our reading.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from headwater.aws.faults import fault

BASIC: Final = "BASIC"
API_KEY: Final = "API_KEY"
OAUTH: Final = "OAUTH_CLIENT_CREDENTIALS"
MEMBER_OF: Final = {BASIC: "BasicAuthParameters", API_KEY: "ApiKeyAuthParameters", OAUTH: "OAuthParameters"}
PLAIN: Final = {
    BASIC: {"Username": "username", "Password": "password"},
    API_KEY: {"ApiKeyName": "api_key_name", "ApiKeyValue": "api_key_value"},
    OAUTH: {"AuthorizationEndpoint": "authorization_endpoint", "HttpMethod": "http_method"},
}
CLIENT: Final = {"ClientID": "client_id", "ClientSecret": "client_secret"}
SECRET: Final = frozenset({"Password", "ApiKeyValue", "ClientSecret"})
LISTS: Final = {
    "HeaderParameters": "header_parameters",
    "QueryStringParameters": "query_string_parameters",
    "BodyParameters": "body_parameters",
}
OF_INVOCATION: Final = "invocation_http_parameters"
OF_OAUTH: Final = "oauth_http_parameters"

Document = dict[str, Any]


def document_of(kind: str, given: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> Document:
    """The secret's document. `before`: that of the same kind of connection, of which what is not given stays."""
    member = MEMBER_OF[kind]
    own: dict[str, Any] = given.get(member, {})
    if member not in given and before is None:
        raise fault("ValidationException", f"Parameter(s) {member} must be specified for authorization type {kind}.")
    document = dict(before or {})
    if kind == OAUTH:
        document |= _renamed(CLIENT, own.get("ClientParameters", {}))
    document |= _renamed(PLAIN[kind], own)
    if "OAuthHttpParameters" in own:
        document[OF_OAUTH] = _lists_kept(own["OAuthHttpParameters"])
    if "InvocationHttpParameters" in given:
        document[OF_INVOCATION] = _lists_kept(given["InvocationHttpParameters"])
    needed = [*PLAIN[kind].values(), *(CLIENT.values() if kind == OAUTH else ())]
    if any(name not in document for name in needed):
        raise fault("ValidationException", f"Parameter(s) {member} must be whole for authorization type {kind}.")
    return document


def shown_of(kind: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """AuthParameters without what is secret."""
    own: dict[str, Any] = {member: document[name] for member, name in PLAIN[kind].items() if member not in SECRET}
    if kind == OAUTH:
        own["ClientParameters"] = {"ClientID": document["client_id"]}
        if OF_OAUTH in document:
            own["OAuthHttpParameters"] = _lists_shown(document[OF_OAUTH])
    shown = {MEMBER_OF[kind]: own}
    if OF_INVOCATION in document:
        shown["InvocationHttpParameters"] = _lists_shown(document[OF_INVOCATION])
    return shown


def _renamed(names: Mapping[str, str], given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: given[member] for member, name in names.items() if member in given}


def _lists_kept(given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: [
            {"key": one.get("Key", ""), "value": one.get("Value", ""), "is_value_secret": one.get("IsValueSecret", False)}
            for one in given[member]
        ]
        for member, name in LISTS.items()
        if member in given
    }


def _lists_shown(kept: Mapping[str, Any]) -> dict[str, Any]:
    return {member: [_parameter_shown(one) for one in kept[name]] for member, name in LISTS.items() if name in kept}


def _parameter_shown(one: Mapping[str, Any]) -> dict[str, Any]:
    shown = {"Key": one["key"], "IsValueSecret": one["is_value_secret"]}
    return shown if one["is_value_secret"] else shown | {"Value": one["value"]}


def parameters(document: Mapping[str, Any], of: str, member: str) -> dict[str, str]:
    """The names and values of one list: `parameters(document, OF_INVOCATION, "HeaderParameters")`."""
    return {one["key"]: one["value"] for one in document.get(of, {}).get(LISTS[member], ())}
