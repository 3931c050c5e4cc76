"""The in-process client: another room's operations, called as AWS calls and recorded like any other, without the wire."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from headwater.aws.codec import codec_for, idempotency_tokens
from headwater.aws.faults import Fault, fault
from headwater.aws.wire import Stream
from headwater.kernel.context import Context
from headwater.kernel.identity import Principal
from headwater.kernel.operating import operate
from headwater.kernel.record import RequestRecord
from headwater.kernel.service import room, room_names

if TYPE_CHECKING:
    from headwater.kernel.home import Home


class Client:
    """`await client.put_object(Bucket=..., Key=..., Body=b"...")`; answers the response's dict, raises Fault.

    A streaming member of the response is always a Stream; one of the request may be given as bytes. As over HTTP, members of the
    response that are None are not there, and the response is the caller's own to change.
    """

    __slots__ = ("_assumed_by", "_called_via", "_home", "_principal", "_region", "_service", "_source_arn")

    def __init__(
        self,
        home: Home,
        service: str,
        principal: Principal,
        region: str,
        *,
        assumed_by: str = "",
        called_via: tuple[str, ...] = (),
        source_arn: str = "",
    ) -> None:
        self._home = home
        self._service = service
        self._principal = principal
        self._region = region
        self._assumed_by = assumed_by  # the room that took on the role which the principal is a session of
        self._called_via = called_via
        self._source_arn = source_arn

    def __getattr__(self, name: str) -> Callable[..., Awaitable[dict[str, Any]]]:
        async def call(**params: Any) -> dict[str, Any]:
            return await self._call(name, params)

        return call

    async def _call(self, name: str, params: dict[str, Any]) -> dict[str, Any]:
        if self._service not in room_names():
            raise fault("NotImplemented", f"Headwater has not built {self._service} yet.")
        service = room(self._service)
        operation = service.operation(name)
        if operation is None:
            raise AttributeError(f"{self._service} has no operation {name}")
        ctx = Context(
            self._home,
            account=self._principal.account,
            region=self._region,
            principal=self._principal,
            service=self._service,
            called_via=self._called_via,
            source_arn=self._source_arn,
            invoked_by=self._assumed_by,
        )
        code = ""
        try:
            for token in idempotency_tokens(operation):
                if token not in params:
                    params[token] = ctx.new_id()
            codec_for(operation, service.model.metadata.protocol).validate(params)
            await self._take_on_role(ctx)
            if operation.streams_in and operation.input is not None and operation.input.payload in params:
                body = params[operation.input.payload]
                params[operation.input.payload] = Stream.of(bytes(body)) if isinstance(body, bytes | bytearray) else body
            result: dict[str, Any] = _told(await operate(ctx, operation, params))
        except Fault as refusal:
            code = refusal.code
            raise
        finally:
            self._home.bus.publish("request", RequestRecord.of(ctx, self._service, operation.name, code))
        if operation.streams_out and operation.output is not None and operation.output.payload in result:
            body = result[operation.output.payload]
            result[operation.output.payload] = Stream.of(body) if isinstance(body, bytes) else body
        return result

    async def _take_on_role(self, ctx: Context) -> None:
        """A session of a role exists only where the role trusts the one who takes it on."""
        if not self._assumed_by:
            return
        authorization, role_arn = self._home.authorization, self._principal.role_arn
        if not await authorization.trusts(role_arn, self._assumed_by, source_arn=self._source_arn, region=self._region):
            raise fault("AccessDenied", f"{self._assumed_by} is not authorized to perform: sts:AssumeRole on resource: {role_arn}")
        ctx.principal = await authorization.session_of(role_arn, self._principal.arn.rpartition("/")[2])


def _told(value: Any) -> Any:
    """A response without the members that are None, as the encoders leave them out."""
    if isinstance(value, dict):
        return {name: _told(each) for name, each in value.items() if each is not None}
    if isinstance(value, list | tuple):
        return [_told(each) for each in value]
    return value
