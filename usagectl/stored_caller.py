"""The caller of the checks on a schedule: a token and a workspace in Systems Manager.

The parameter is a SecureString, which Systems Manager encrypts with the account's key aws/ssm. Each
reading is a request to KMS, which costs a few cents a month; a secret in Secrets Manager would cost
more. CloudFormation can't make a SecureString, so it is not part of the stack.
"""

import json
from typing import TYPE_CHECKING

from usagectl.findings import Problem
from usagectl.service_check import Caller, is_sendable
from workspace_usage.values import MAX_ID

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


def store_caller(ssm: "SSMClient", name: str, caller: Caller) -> None:
    """Stores a caller in the parameter ``name``.

    Raises:
        botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: it can't be stored.
    """
    text = json.dumps({"token": caller.token, "workspace_id": caller.workspace_id})
    ssm.put_parameter(Name=name, Value=text, Type="SecureString", Overwrite=True)


def read_caller(ssm: "SSMClient", name: str) -> Caller:
    """Returns the caller in the parameter ``name``.

    Raises:
        Problem: there is none, or the parameter has something else. The text never has the token.
        botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: it can't be read.
    """
    try:
        response = ssm.get_parameter(Name=name, WithDecryption=True)
    except ssm.exceptions.ClientError as error:
        if error.response.get("Error", {}).get("Code") != "ParameterNotFound":
            raise
        raise Problem(f"{name} is missing; usagectl setting check-caller stores it") from None
    try:
        stored = json.loads(response["Parameter"]["Value"])
        caller = Caller(stored["token"], stored["workspace_id"])
        is_usable = is_sendable(caller.token) and 0 < caller.workspace_id <= MAX_ID
    except (AttributeError, KeyError, TypeError, ValueError):
        is_usable = False
    if not is_usable:
        raise Problem(f"{name} has no token and workspace; usagectl setting check-caller stores it")
    return caller
