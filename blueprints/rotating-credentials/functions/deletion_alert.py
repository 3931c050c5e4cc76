"""What EventBridge calls when an administrator deletes a secret: here it tells its log, elsewhere it would tell a person."""

import json
from typing import Any


def lambda_handler(event: dict[str, Any], context: Any) -> None:
    detail = event["detail"]
    print(
        json.dumps({"alert": detail["eventName"], "secret": detail["requestParameters"]["secretId"], "by": detail["userIdentity"]["arn"]})
    )
