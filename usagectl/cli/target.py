"""The deployment that a command works on, as the options name it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from usagectl.deployment import Deployment


@dataclass(slots=True)
class Target:
    """Which deployment the options name. It is looked for when a command needs it."""

    stack: str = "workspace-usage"
    region: str | None = None
    profile: str | None = None
    endpoint: str | None = None

    @property
    def place(self) -> str:
        """What error messages call the place where the deployment is."""
        return f"the local stack at {self.endpoint}" if self.endpoint else "AWS"

    def find(self) -> "Deployment":
        """Returns the deployment.

        Raises:
            CommandError: there is none.
            botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: AWS doesn't answer.
        """
        from usagectl.lookup import local_stack, stack_in_aws

        if self.endpoint:
            return local_stack(self.endpoint)
        return stack_in_aws(self.stack, self.region, self.profile)


def find_deployment(context: typer.Context) -> "Deployment":
    """Returns the deployment that the command line names.

    Raises:
        CommandError: there is none.
        botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: AWS doesn't answer.
    """
    target: Target = context.obj
    return target.find()
