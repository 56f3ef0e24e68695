"""Makes the template's tables, bucket, parameter, queues, event bus and rules."""

import json
from typing import TYPE_CHECKING, Any, Final

from local.events.rules import event_rules
from local.store.clients import Clients
from local.template.template import Resource, Template

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient

_TABLE_PROPERTIES: Final = (
    "AttributeDefinitions",
    "BillingMode",
    "GlobalSecondaryIndexes",
    "KeySchema",
    "LocalSecondaryIndexes",
    "ProvisionedThroughput",
)
"""The properties that matter for a table's answers; not those of protection and backups."""

_QUEUE_ATTRIBUTES: Final = (
    "DelaySeconds",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "RedrivePolicy",
    "VisibilityTimeout",
)


def provision(template: Template, clients: Clients) -> None:
    """Makes all of a template's resources that hold or transport data and don't exist yet.

    Raises:
        botocore.exceptions.BotoCoreError: the store doesn't respond.
        botocore.exceptions.ClientError: the store refuses.
    """
    for table in template.of_type("AWS::DynamoDB::Table"):
        make_table(table, clients.dynamodb)
    for bucket in template.of_type("AWS::S3::Bucket"):
        # In us-east-1, creating a bucket that one owns is not an error.
        clients.s3.create_bucket(Bucket=bucket.name)
    for parameter in template.of_type("AWS::SSM::Parameter"):
        try:
            clients.ssm.put_parameter(
                Name=parameter.name,
                Value=str(parameter.properties["Value"]),
                Type=parameter.properties["Type"],
            )
        except clients.ssm.exceptions.ParameterAlreadyExists:
            continue
    for queue in _dead_letters_first(template.of_type("AWS::SQS::Queue")):
        given = {
            name: queue.properties[name] for name in _QUEUE_ATTRIBUTES & queue.properties.keys()
        }
        attributes: Any = {name: _text(value) for name, value in given.items()}
        clients.sqs.create_queue(QueueName=queue.name, Attributes=attributes)
    for bus in template.of_type("AWS::Events::EventBus"):
        clients.events.create_event_bus(Name=bus.name)
    for rule in event_rules(template):
        make_rule(rule, clients.events)


def make_rule(rule: Resource, client: "EventBridgeClient") -> None:
    """Makes one rule of an event bus, with its targets."""
    bus = rule.properties.get("EventBusName", "default")
    client.put_rule(
        Name=rule.name, EventBusName=bus, EventPattern=json.dumps(rule.properties["EventPattern"])
    )
    targets: Any = rule.properties["Targets"]
    client.put_targets(Rule=rule.name, EventBusName=bus, Targets=targets)


def _dead_letters_first(queues: list[Resource]) -> list[Resource]:
    """Sorts queues so that a dead-letter queue is made before the queues that name it."""
    return sorted(queues, key=lambda queue: "RedrivePolicy" in queue.properties)


def _text(value: object) -> str:
    return json.dumps(value) if isinstance(value, dict) else str(value)


def make_table(table: Resource, client: "DynamoDBClient") -> None:
    """Makes a table if it doesn't exist yet, and waits until it can be used."""
    given = {name: table.properties[name] for name in _TABLE_PROPERTIES if name in table.properties}
    request: dict[str, Any] = {"TableName": table.name, **given}
    try:
        made = client.create_table(**request)
    except client.exceptions.ResourceInUseException:
        return
    if made["TableDescription"].get("TableStatus") == "ACTIVE":
        return  # as always with the stores that run here
    waiter = client.get_waiter("table_exists")
    waiter.wait(TableName=table.name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
