"""Headwater with one empty operation: firehose.PutRecord through the door, the signature check, the decoder, validation and the encoder.

The room's function is exchanged for one that answers at once, so that the difference to PutRecord proper is what the room, its
journal and its buffers cost. Run as `python -m bench.bare up ...`, with the flags of `headwater up`.
"""

import sys
from typing import Any

from headwater.cli.up import up
from headwater.kernel.context import Context
from headwater.kernel.permissions import requires
from headwater.kernel.service import room


@requires("firehose:PutRecord", "arn:aws:firehose:{region}:{account}:deliverystream/{DeliveryStreamName}")
async def empty(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    return {"RecordId": "0", "Encrypted": False}


if __name__ == "__main__":
    room("firehose").functions["PutRecord"] = empty
    up(sys.argv[2:])
