"""A rotation function for something that is no database: an OAuth access token, from a server that gives new ones for a client's secret.

The secret is JSON: server, client_id, client_secret, access_token. A token lives one rotation longer than it is current, so that who
read it a moment before goes on working: what is revoked at the end is the token before the last.
"""

import json
import urllib.parse
import urllib.request
from typing import Any

import boto3

Values = dict[str, Any]
secrets = boto3.client("secretsmanager")


def lambda_handler(event: Values, context: Any) -> None:
    arn, token = event["SecretId"], event["ClientRequestToken"]
    stages = secrets.describe_secret(SecretId=arn)["VersionIdsToStages"]
    if "AWSCURRENT" not in stages[token]:
        STEPS[event["Step"]](arn, token, stages)


def create(arn: str, token: str, stages: Values) -> None:
    """A new access token, unless an earlier call has put one."""
    current = _values(arn, VersionStage="AWSCURRENT")
    try:
        _values(arn, VersionId=token, VersionStage="AWSPENDING")
    except secrets.exceptions.ResourceNotFoundException:
        given = _ask(
            current, "/token", grant_type="client_credentials", client_id=current["client_id"], client_secret=current["client_secret"]
        )
        pending = json.dumps(current | {"access_token": given["access_token"]})
        secrets.put_secret_value(SecretId=arn, ClientRequestToken=token, SecretString=pending, VersionStages=["AWSPENDING"])


def nothing_to_set(arn: str, token: str, stages: Values) -> None:
    """The server knows the token: it made it."""


def test(arn: str, token: str, stages: Values) -> None:
    pending = _values(arn, VersionId=token, VersionStage="AWSPENDING")
    _ask(pending, "/me")


def finish(arn: str, token: str, stages: Values) -> None:
    held = {stage: version for version, labels in stages.items() for stage in labels}
    before_last = _values(arn, VersionStage="AWSPREVIOUS") if "AWSPREVIOUS" in held else None
    secrets.update_secret_version_stage(
        SecretId=arn, VersionStage="AWSCURRENT", MoveToVersionId=token, RemoveFromVersionId=held["AWSCURRENT"]
    )
    if before_last is not None:
        _ask(before_last, "/revoke", token=before_last["access_token"])


STEPS = {"createSecret": create, "setSecret": nothing_to_set, "testSecret": test, "finishSecret": finish}


def _values(arn: str, **version: str) -> Values:
    values: Values = json.loads(secrets.get_secret_value(SecretId=arn, **version)["SecretString"])
    return values


def _ask(values: Values, path: str, **form: str) -> Values:
    request = urllib.request.Request(values["server"] + path, data=urllib.parse.urlencode(form).encode() if form else None)
    request.add_header("Authorization", f"Bearer {values['access_token']}")
    with urllib.request.urlopen(request, timeout=5) as answer:
        said: Values = json.load(answer)
    return said
