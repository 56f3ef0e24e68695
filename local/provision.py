"""Makes what the template declares in a store: its tables, its bucket and its parameter."""

from typing import TYPE_CHECKING, Any, Final

from local.store import Clients
from local.template import Resource, Template

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_TABLE_PROPERTIES: Final = (
    "AttributeDefinitions",
    "BillingMode",
    "GlobalSecondaryIndexes",
    "KeySchema",
    "LocalSecondaryIndexes",
    "ProvisionedThroughput",
)
"""What shapes a table's answers. How it is guarded and backed up makes no difference here."""


def provision(template: Template, clients: Clients) -> None:
    """Makes every table, bucket and parameter of ``template`` that isn't there yet.

    Raises:
        botocore.exceptions.BotoCoreError: the store doesn't answer.
        botocore.exceptions.ClientError: the store refuses.
    """
    for table in template.of_type("AWS::DynamoDB::Table"):
        make_table(table, clients.dynamodb)
    for bucket in template.of_type("AWS::S3::Bucket"):
        # Making one's own bucket again is no error in us-east-1.
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


def make_table(table: Resource, client: "DynamoDBClient") -> None:
    """Makes one table, if it isn't there yet, and waits until it can be used."""
    given = {name: table.properties[name] for name in _TABLE_PROPERTIES if name in table.properties}
    request: dict[str, Any] = {"TableName": table.name, **given}
    try:
        client.create_table(**request)
    except client.exceptions.ResourceInUseException:
        return
    waiter = client.get_waiter("table_exists")
    waiter.wait(TableName=table.name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
