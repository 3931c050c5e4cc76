"""A function that prints its event, for what CloudWatch invokes."""

import io
import json
import zipfile
from typing import Any

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def function_that_prints(aws: Any, name: str, source: str = "import json\ndef handler(event, _):\n    print(json.dumps(event))\n") -> str:
    iam = aws.client("iam")
    role = iam.create_role(RoleName=f"{name}-role", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    iam.put_role_policy(RoleName=f"{name}-role", PolicyName="all", PolicyDocument=json.dumps(ALL))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("handler.py", source)
    made = aws.client("lambda").create_function(
        FunctionName=name, Role=role, Runtime="python3.12", Handler="handler.handler", Code={"ZipFile": buffer.getvalue()}
    )
    return str(made["FunctionArn"])
