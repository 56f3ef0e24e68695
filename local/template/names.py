"""Names and ARNs of resources. AWS gives them at a deployment; here they are made up."""

from typing import Final

from local.aws import ACCOUNT, REGION

STACK_NAME: Final = "workspace-usage"

FUNCTION_VERSION: Final = "1"
"""The only version of a function that publishes any: a local stack starts with nothing."""

_VERSIONED: Final = {"AWS::Lambda::Alias", "AWS::Lambda::Version"}
"""Types whose ARN is the function's ARN, a colon and a name."""

_NAME_PROPERTIES: Final = {
    "AWS::ApiGateway::Stage": "StageName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::Events::EventBus": "Name",
    "AWS::Events::Rule": "Name",
    "AWS::IAM::Role": "RoleName",
    "AWS::Lambda::Alias": "Name",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::SSM::Parameter": "Name",
}
_ARN_PREFIXES: Final = {
    "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/",
    "AWS::Events::EventBus": f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/",
    "AWS::Events::Rule": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/",
    "AWS::IAM::Role": f"arn:aws:iam::{ACCOUNT}:role/",
    "AWS::Lambda::Function": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:",
    "AWS::S3::Bucket": "arn:aws:s3:::",
}


def name_property(kind: str) -> str | None:
    """Returns the property in which a template names a resource of this type, or None."""
    return _NAME_PROPERTIES.get(kind)


def default_name(kind: str, logical_id: str) -> str:
    """Returns the name of a resource that the template doesn't name."""
    if kind == "AWS::Lambda::Version":
        return FUNCTION_VERSION
    name = f"{STACK_NAME}-{logical_id}"
    return name.lower() if kind == "AWS::S3::Bucket" else name


def has_function_arn(kind: str) -> bool:
    """Whether the ARN of a resource of this type begins with that of its function."""
    return kind in _VERSIONED


def arn(kind: str, name: str) -> str:
    """Returns the ARN of a resource; for a version or alias, ``name`` is ``<function>:<name>``."""
    if has_function_arn(kind):
        kind = "AWS::Lambda::Function"
    service = kind.split("::")[1].lower()
    return _ARN_PREFIXES.get(kind, f"arn:aws:{service}:{REGION}:{ACCOUNT}:") + name


def reference(kind: str, name: str, own_arn: str) -> str:
    """Returns what ``Ref`` gives for a resource with this name and ARN."""
    if kind == "AWS::SQS::Queue":
        return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}"
    return own_arn if has_function_arn(kind) else name
