"""Events on their way to targets. Truth: the EventBridge user guide, and the recordings where they are named."""

import contextlib
import io
import json
import time
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from headwater.aws.codec import codec_for, idempotency_tokens
from headwater.aws.models import service_model
from headwater.kernel.retry_policy import next_attempt
from headwater.kernel.service import room_names
from headwater.services.events import delivery, invoking
from headwater.services.events.model import Rule
from users import let_write


def test_an_event_that_matches_reaches_the_target_as_aws_spells_it(aws: Any, events: Any, rule: Any, put: Any, seen: Any) -> None:
    rule(pattern={"source": ["app"], "detail": {"state": ["on", {"prefix": "half"}]}})
    put({"state": "off"})
    event_id = put({"state": "half-way", "n": 1}, Resources=["arn:aws:s3:::b"])
    [event] = seen.wait(1)
    assert event.pop("time").endswith("Z")
    assert event == {
        "version": "0",
        "id": event_id,
        "detail-type": "thing",
        "source": "app",
        "account": aws.account,
        "region": "us-east-1",
        "resources": ["arn:aws:s3:::b"],
        "detail": {"state": "half-way", "n": 1},
    }


def test_a_function_is_called_if_its_permission_lets_the_rule(server: Any, aws: Any, events: Any, put: Any, seen: Any) -> None:
    """Truth: "Using resource-based policies for EventBridge" of the user guide. Never tried again without a permission."""
    trust = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
        }
    )
    iam, functions = aws.client("iam"), aws.client("lambda")
    role = iam.create_role(RoleName="worker", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    allowed = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}]}
    iam.put_role_policy(RoleName="worker", PolicyName="own", PolicyDocument=json.dumps(allowed))
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", "import json\ndef handler(event, context):\n    print('heard', json.dumps(event))\n")
    arn = functions.create_function(
        FunctionName="hearer", Runtime="python3.11", Role=role, Handler="index.handler", Code={"ZipFile": code.getvalue()}
    )["FunctionArn"]
    rule = events.put_rule(Name="all", EventPattern=json.dumps({"source": ["app"]}))["RuleArn"]
    events.put_targets(Rule="all", Targets=[{"Id": "1", "Arn": arn, "InputPath": "$.detail"}])
    put({"n": 1})
    [failed] = failures(server, aws.account)
    assert (failed.code, failed.target_arn, failed.attempts) == ("AccessDeniedException", arn, 1)

    functions.add_permission(
        FunctionName="hearer", StatementId="rule", Action="lambda:InvokeFunction", Principal="events.amazonaws.com", SourceArn=rule
    )
    put({"n": 2})
    logs = aws.client("logs")
    for _ in range(300):
        with contextlib.suppress(logs.exceptions.ResourceNotFoundException):
            heard = logs.filter_log_events(logGroupName="/aws/lambda/hearer", filterPattern="heard")["events"]
            if heard:
                assert [each["message"].strip() for each in heard] == ['heard {"n": 2}']
                return
        time.sleep(0.05)
    raise AssertionError("the function was not called")


def failures(server: Any, account: str, count: int = 1) -> list[Any]:
    from headwater.services.events.model import FAILED

    for _ in range(300):
        found: list[Any] = server.scan(FAILED, account)
        if len(found) >= count:
            return found
        time.sleep(0.02)
    raise AssertionError("nothing failed")


def test_a_room_that_is_not_built_is_a_failed_invocation_and_its_event_is_kept(server: Any, aws: Any, events: Any, put: Any) -> None:
    """Truth: our own promise: a dead-letter queue that cannot be told is no reason to lose an event."""
    queue = f"arn:aws:sqs:us-east-1:{aws.account}:dead"
    events.put_rule(Name="all", EventPattern=json.dumps({"source": ["app"]}))
    target = {"Id": "1", "Arn": f"arn:aws:sns:us-east-1:{aws.account}:topic", "DeadLetterConfig": {"Arn": queue}}
    events.put_targets(Rule="all", Targets=[target])
    event_id = put({"n": 1})
    [failed] = failures(server, aws.account)
    assert failed.attempts == 1
    if "sns" not in room_names():
        assert failed.code == "NotImplemented"
    if "sqs" not in room_names():
        assert failed.dead_letter.startswith(f"the dead-letter queue {queue} could not be told")
        assert json.loads(failed.event)["id"] == event_id


def test_what_may_pass_is_tried_again_until_it_passes(
    server: Any, aws: Any, clock: Any, events: Any, put: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log group that is not there yet stands for a refusal that passes."""
    monkeypatch.setattr(delivery, "PASSING", frozenset({"ResourceNotFoundException"}))
    events.put_rule(Name="all", EventPattern=json.dumps({"source": ["app"]}))
    group, logs = f"arn:aws:logs:us-east-1:{aws.account}:log-group:late", aws.client("logs")
    let_write(logs)
    events.put_targets(Rule="all", Targets=[{"Id": "1", "Arn": group}])
    put({"n": 1})
    time.sleep(0.2)
    logs.create_log_group(logGroupName="late")
    for _ in range(200):
        clock.advance(timedelta(seconds=1))
        if logs.filter_log_events(logGroupName="late")["events"]:
            return
        time.sleep(0.05)
    raise AssertionError("it was not tried again")


LIMITS = {
    "MaximumRetryAttempts": ({"MaximumRetryAttempts": 2}, 3, timedelta(minutes=1)),
    "MaximumEventAgeInSeconds": ({"MaximumEventAgeInSeconds": 60}, 1, timedelta(seconds=60)),
    "": ({"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 60}, 2, timedelta(seconds=1)),
}


@pytest.mark.parametrize("condition", LIMITS)
def test_a_retry_policy_ends_the_attempts(condition: str) -> None:
    """Truth: RetryPolicy in the API reference: so many attempts after the first, so long after the event came."""
    policy, attempts, age = LIMITS[condition]
    now = datetime(2030, 1, 1, tzinfo=UTC)
    assert next_attempt(now, attempts, now - age, policy)[1] == condition


def test_an_event_goes_over_two_buses_and_no_further(server: Any, aws: Any, events: Any, rule: Any, put: Any, seen: Any) -> None:
    """Truth: "Sending events between event buses": none is routed from a receiver to a third bus."""
    second = events.create_event_bus(Name="second")["EventBusArn"]
    third = events.create_event_bus(Name="third")["EventBusArn"]
    events.put_rule(Name="on", EventPattern=json.dumps({"source": ["app"]}))
    events.put_targets(Rule="on", Targets=[{"Id": "1", "Arn": second}])
    rule("here", bus="second")
    events.put_rule(Name="on", EventBusName="second", EventPattern=json.dumps({"source": ["app"]}))
    events.put_targets(Rule="on", EventBusName="second", Targets=[{"Id": "1", "Arn": third}])
    rule("there", bus="third")
    event_id = put({"n": 1})
    [event] = seen.wait(1)
    assert (event["id"], event["account"]) == (event_id, aws.account)
    [failed] = failures(server, aws.account)
    assert failed.target_arn == third
    assert len(seen.now()) == 1


@pytest.mark.parametrize(("is_let_in", "region"), [(True, "us-east-1"), (False, "us-east-1"), (True, "eu-west-1")])
def test_another_accounts_bus_lets_in_whom_its_policy_names(
    server: Any, aws: Any, events: Any, put: Any, is_let_in: bool, region: str
) -> None:
    """Truth: the recordings test_event_bus_to_event_bus_cross_account_region; across regions the event has another id."""
    other = aws.other()
    theirs = other.client("events", region=region)
    bus = theirs.create_event_bus(Name="theirs")["EventBusArn"]
    if is_let_in:
        theirs.put_permission(EventBusName="theirs", Action="events:PutEvents", Principal=aws.account, StatementId="let")
    theirs.create_archive(ArchiveName="kept", EventSourceArn=bus)
    events.put_rule(Name="on", EventPattern=json.dumps({"source": ["app"]}))
    events.put_targets(Rule="on", Targets=[{"Id": "1", "Arn": bus}])
    event_id = put({"n": 1})
    if not is_let_in:
        [failed] = failures(server, aws.account)
        assert failed.code == "AccessDeniedException"
        assert theirs.describe_archive(ArchiveName="kept")["EventCount"] == 0
        return
    for _ in range(200):
        if theirs.describe_archive(ArchiveName="kept")["EventCount"]:
            break
        time.sleep(0.02)
    from headwater.services.events.model import ARCHIVED

    [kept] = server.call(server.home.store.range(ARCHIVED, other.account, region))
    event = json.loads(kept.event)
    assert (event["account"], event["region"]) == (aws.account, "us-east-1")
    assert (event["id"] == event_id) == (region == "us-east-1")


def test_a_stream_is_called_under_the_role_of_the_target(aws: Any, events: Any, put: Any, server: Any) -> None:
    firehose, iam = aws.client("firehose"), aws.client("iam")
    aws.client("s3").create_bucket(Bucket=f"lake-{aws.account}")

    def role_of(service: str, action: str) -> str:
        trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]}
        arn: str = iam.create_role(RoleName=service.split(".")[0], AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}
        iam.put_role_policy(RoleName=service.split(".")[0], PolicyName="own", PolicyDocument=json.dumps(policy))
        return arn

    to = {
        "RoleARN": role_of("firehose.amazonaws.com", "s3:*"),
        "BucketARN": f"arn:aws:s3:::lake-{aws.account}",
        "BufferingHints": {"IntervalInSeconds": 0, "SizeInMBs": 1},
    }
    stream = firehose.create_delivery_stream(DeliveryStreamName="lake", ExtendedS3DestinationConfiguration=to)["DeliveryStreamARN"]
    events.put_rule(Name="on", EventPattern=json.dumps({"source": ["app"]}))
    role = role_of("events.amazonaws.com", "firehose:PutRecord")
    events.put_targets(Rule="on", Targets=[{"Id": "1", "Arn": stream, "RoleArn": role}])
    event_id = put({"n": 1})
    s3 = aws.client("s3")
    for _ in range(300):
        found = s3.list_objects_v2(Bucket=f"lake-{aws.account}").get("Contents", [])
        if found:
            body = s3.get_object(Bucket=f"lake-{aws.account}", Key=found[0]["Key"])["Body"].read()
            assert json.loads(body)["id"] == event_id
            return
        time.sleep(0.02)
    raise AssertionError(failures(server, aws.account, 0))


CALLS = {
    "arn:aws:sqs:us-east-1:111122223333:q.fifo": {"SqsParameters": {"MessageGroupId": "g"}},
    "arn:aws:sns:us-east-1:111122223333:t": {},
    "arn:aws:kinesis:us-east-1:111122223333:stream/s": {"KinesisParameters": {"PartitionKeyPath": "$.detail.n"}},
    "arn:aws:states:us-east-1:111122223333:stateMachine:m": {},
    "arn:aws:ecs:us-east-1:111122223333:cluster/c": {
        "EcsParameters": {
            "TaskDefinitionArn": "arn:aws:ecs:us-east-1:111122223333:task-definition/t:1",
            "LaunchType": "FARGATE",
            "NetworkConfiguration": {"awsvpcConfiguration": {"Subnets": ["subnet-1"], "AssignPublicIp": "ENABLED"}},
        }
    },
    "arn:aws:batch:us-east-1:111122223333:job-queue/q": {"BatchParameters": {"JobDefinition": "d", "JobName": "n"}},
    "arn:aws:codebuild:us-east-1:111122223333:project/p": {},
    "arn:aws:codepipeline:us-east-1:111122223333:p": {},
    "arn:aws:redshift:us-east-1:111122223333:cluster:c": {
        "RedshiftDataParameters": {"Database": "d", "Sql": "SELECT 1", "WithEvent": True}
    },
}


@pytest.mark.parametrize("arn", CALLS)
def test_each_kind_of_target_is_one_call_that_its_service_understands(server: Any, arn: str) -> None:
    """Rooms that are not built yet: what would be asked of them passes their model's validation."""
    moment = datetime(2030, 1, 1, tzinfo=UTC)
    rule = Rule(account="111122223333", region="us-east-1", bus="default", name="r", state="ENABLED", created_at=moment)
    event = json.dumps({"id": "1", "detail": {"n": "key"}}).encode()
    invocation = invoking.Invocation(rule, {"Id": "1", "Arn": arn} | CALLS[arn], event, event, False)
    ctx = server.home.context(account=rule.account, region=rule.region, service="events")
    call = invoking.CALLS[arn.split(":")[2]](ctx, invocation)
    model = service_model(call.service)
    params = call.params | dict.fromkeys(idempotency_tokens(model.operations_by_snake_name[call.operation]), "x" * 40)
    codec_for(model.operations_by_snake_name[call.operation], model.metadata.protocol).validate(params)


def test_a_log_group_is_written_to_if_a_resource_policy_lets_eventbridge(
    server: Any, aws: Any, events: Any, rule: Any, put: Any, seen: Any
) -> None:
    """Truth: "CloudWatch Logs permissions" in "Using resource-based policies for EventBridge" of the user guide."""
    logs = aws.client("logs")
    logs.delete_resource_policy(policyName="events.amazonaws.com")
    rule()
    put({"n": 1})
    [failed] = failures(server, aws.account)
    assert (failed.code, "logs:" in failed.message) == ("AccessDeniedException", True)
    statement = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "logs:*"}
    statement["Resource"] = f"arn:aws:logs:us-east-1:{aws.account}:log-group:/aws/events/*:*"
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    logs.put_resource_policy(policyName="events", policyDocument=document)
    put({"n": 2})
    [event] = seen.wait(1)
    assert event["detail"] == {"n": 2}
