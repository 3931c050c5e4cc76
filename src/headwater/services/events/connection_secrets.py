"""The secrets in which connections keep their credentials: Secrets Manager's, owned by EventBridge, which alone calls for them.

AWS acts on them through a service-linked role; here it is the service itself that acts.
Source: "Using AWS Secrets Manager with EventBridge connections"; the recordings of TestEventBridgeConnections for names and documents.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from headwater.aws.faults import Fault

if TYPE_CHECKING:
    from headwater.kernel.context import Context


class ConnectionSecrets:
    """Those of the account and region of `ctx`, as EventBridge calls for them."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._client = ctx.client("secretsmanager", service_principal="events")

    async def keep(self, connection_name: str, kms_key: str | None, document: dict[str, Any]) -> str:
        """A new secret's ARN."""
        more = {} if kms_key is None else {"KmsKeyId": kms_key}
        name, token = f"events!connection/{connection_name}/{self._ctx.new_id()}", self._ctx.new_id()
        text = msgspec.json.encode(document).decode()
        made = await self._client.create_secret(Name=name, SecretString=text, ClientRequestToken=token, **more)
        return str(made["ARN"])

    async def rewrite(self, arn: str, kms_key: str | None, document: dict[str, Any]) -> None:
        more = {} if kms_key is None else {"KmsKeyId": kms_key}
        text, token = msgspec.json.encode(document).decode(), self._ctx.new_id()
        await self._client.update_secret(SecretId=arn, SecretString=text, ClientRequestToken=token, **more)

    async def read(self, arn: str) -> dict[str, Any]:
        answer = await self._client.get_secret_value(SecretId=arn)
        document: dict[str, Any] = msgspec.json.decode(answer["SecretString"])
        return document

    async def throw_away(self, arn: str) -> None:
        """At once. One that is not there any more is no error."""
        try:
            await self._client.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)
        except Fault as refusal:
            if refusal.code != "ResourceNotFoundException":
                raise
