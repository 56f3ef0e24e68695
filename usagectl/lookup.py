"""Finds the deployment that a command works on: a stack in AWS, or the one on this machine."""

import boto3

from usagectl import local_endpoint
from usagectl.deployment import CONFIG, Deployment
from usagectl.errors import CommandError


def stack_in_aws(name: str, region: str | None = None, profile: str | None = None) -> Deployment:
    """Returns the deployment that CloudFormation knows as ``name``.

    Raises:
        CommandError: there is no such stack.
        botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: AWS doesn't answer.
    """
    session = boto3.Session(region_name=region or None, profile_name=profile or None)
    client = session.client("cloudformation", config=CONFIG)
    try:
        (described,) = client.describe_stacks(StackName=name)["Stacks"]
    except client.exceptions.ClientError as error:
        if "does not exist" in str(error):
            raise CommandError(
                f"There is no stack {name} in {session.region_name}; choose another one with"
                " --stack and --region."
            ) from None
        raise
    outputs = {
        output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])
    }
    return Deployment(
        name=name,
        outputs=outputs,
        url=outputs.get("ApiUrl", ""),
        session=session,
        endpoints={},
    )


def local_stack(address: str) -> Deployment:
    """Returns the local stack that serves at ``address``, such as http://127.0.0.1:3000.

    Raises:
        CommandError: nothing answers there, or something that is not the local stack.
    """
    address = address.rstrip("/")
    description = local_endpoint.read_description(address)
    return Deployment(
        name="the local stack",
        outputs=description.outputs,
        url=f"{address}/workspaces/usage",
        session=local_endpoint.session(),
        endpoints=description.endpoints,
    )
