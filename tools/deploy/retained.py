"""What is left of a deleted stack: tables, buckets, their policies, and the parameter.

CloudFormation names them ``<stack>-<logical id>-<random>``, in lower case if they are buckets.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tools.deploy.target import Target


@dataclass(frozen=True, slots=True)
class Retained:
    """A resource that a stack left when it was deleted.

    Attributes:
        logical_id: its logical id in the template.
        type: its type.
        key: the property that identifies it for CloudFormation.
        name: the value of this property.
    """

    logical_id: str
    type: str
    key: str
    name: str


def find_retained(target: Target) -> Iterator[Retained]:
    """Yields the resources that have the names of the environment's stack and are not in it."""
    tables = _table_names(target.client("dynamodb"))
    buckets = _bucket_names(target)
    for logical_id, resource in target.template.retained():
        if logical_id in target.deployed_ids:
            continue
        kind, prefix = resource["Type"], f"{target.stack}-{logical_id}-"
        match kind:
            case "AWS::DynamoDB::Table":
                key, names = "TableName", _with_prefix(tables, prefix)
            case "AWS::S3::Bucket":
                key, names = "BucketName", _with_prefix(buckets, prefix.lower())
            case "AWS::S3::BucketPolicy":
                bucket = resource["Properties"]["Bucket"]["Ref"]
                candidates = _with_prefix(buckets, f"{target.stack}-{bucket}-".lower())
                key, names = "Bucket", _with_policy(target.client("s3"), candidates)
            case "AWS::SSM::Parameter":
                name = target.template.resolve(resource, "Name")
                key, names = "Name", _parameters(target.client("ssm"), name)
            case _:
                continue
        for name in names:
            yield Retained(logical_id, kind, key, name)


def _with_prefix(names: list[str], prefix: str) -> list[str]:
    return [name for name in names if name.startswith(prefix)]


def _table_names(dynamodb: Any) -> list[str]:
    pages = dynamodb.get_paginator("list_tables").paginate()
    return [name for page in pages for name in page["TableNames"]]


def _bucket_names(target: Target) -> list[str]:
    """Returns the stack's buckets in the region; S3 lists those of all regions unless told."""
    pages = (
        target.client("s3")
        .get_paginator("list_buckets")
        .paginate(BucketRegion=target.region, Prefix=f"{target.stack}-")
    )
    return [bucket["Name"] for page in pages for bucket in page["Buckets"]]


def _with_policy(s3: Any, buckets: list[str]) -> list[str]:
    return [bucket for bucket in buckets if _has_policy(s3, bucket)]


def _has_policy(s3: Any, bucket: str) -> bool:
    try:
        s3.get_bucket_policy(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchBucketPolicy":
            return False
        raise
    return True


def _parameters(ssm: Any, name: str) -> list[str]:
    return [found["Name"] for found in ssm.get_parameters(Names=[name])["Parameters"]]
