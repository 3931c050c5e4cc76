"""An IAM user of a test: real access keys, and one policy that the test writes."""

import json
from typing import Any


def allow(actions: str | list[str], resources: str | list[str] = "*", **condition: dict[str, Any]) -> dict[str, Any]:
    """A statement; conditions as keywords: `allow("rds:*", "*", StringEquals={"rds:DatabaseEngine": "mysql"})`."""
    statement: dict[str, Any] = {"Effect": "Allow", "Action": actions, "Resource": resources}
    return statement | ({"Condition": condition} if condition else {})


class User:
    """`User(aws, allow("s3:*")).client("s3")`; over HTTP, since only there keys are looked at."""

    def __init__(self, account: Any, *statements: dict[str, Any], name: str = "dev", path: str = "/") -> None:
        self._account = account
        self._iam = account.client("iam")
        self.name = name
        self.arn = self._iam.create_user(UserName=name, Path=path)["User"]["Arn"]
        self._key = self._iam.create_access_key(UserName=name)["AccessKey"]
        if statements:
            self.may(*statements)

    def may(self, *statements: dict[str, Any]) -> None:
        """From now on this, and nothing else."""
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        self._iam.put_user_policy(UserName=self.name, PolicyName="test", PolicyDocument=document)

    def client(self, service: str, **options: Any) -> Any:
        keys = {"aws_access_key_id": self._key["AccessKeyId"], "aws_secret_access_key": self._key["SecretAccessKey"]}
        return self._account.client(service, **keys, **options)


def role(account: Any, name: str, service: str, *statements: dict[str, Any]) -> str:
    """The ARN of a role that `service` (such as redshift.amazonaws.com) may take on, with these permissions."""
    iam = account.client("iam")
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]}
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    if statements:
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        iam.put_role_policy(RoleName=name, PolicyName="test", PolicyDocument=document)
    return arn


def let_write(logs: Any, service: str = "events.amazonaws.com") -> None:
    """The resource policy without which a service may write to no log group."""
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": ["logs:CreateLogStream", "logs:PutLogEvents"]}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement | {"Resource": "*"}]})
    logs.put_resource_policy(policyName=service, policyDocument=document)
