"""Checks the bucket that sam uploads to: sam makes it in a stack of its own, and never looks again.

If somebody has deleted the bucket, or the creation of its stack has failed, every deployment fails.
"""

from collections.abc import Iterator
from typing import Final

from botocore.exceptions import ClientError

from tools.deploy.findings import Finding, failure, fine
from tools.deploy.target import Target, find_stack

_SUBJECT: Final = "sam's bucket"
_STACK: Final = "aws-sam-cli-managed-default"
_GOOD_ENDINGS: Final = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")


def check_upload_bucket(target: Target) -> Iterator[Finding]:
    """Says whether sam's stack has a bucket, if the stack is there."""
    stack = find_stack(target.client("cloudformation"), _STACK)
    if stack is None:
        yield fine(_SUBJECT, "sam will make one")
        return
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", ())}
    bucket = outputs.get("SourceBucket")
    if stack["StackStatus"] in _GOOD_ENDINGS and bucket and _is_there(target, bucket):
        yield fine(_SUBJECT, bucket)
    else:
        yield failure(
            _SUBJECT,
            f"sam's stack is in {stack['StackStatus']}, and its bucket, {
                bucket or 'which has no name'
            }, can't be used; have sam make another one: `aws cloudformation delete-stack"
            f" --region {target.region} --stack-name {_STACK}`",
        )


def _is_there(target: Target, bucket: str) -> bool:
    try:
        target.client("s3").head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] in {"404", "NoSuchBucket"}:
            return False
        raise
    return True
