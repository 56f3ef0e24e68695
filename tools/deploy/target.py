"""Where an environment is deployed to: an account, a region, and the stack if it is there."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Protocol

from botocore.config import Config
from botocore.exceptions import ClientError

from tools.deploy.environment import Environment
from tools.deploy.template import Template

_CONFIG: Final = Config(
    connect_timeout=5,
    read_timeout=30,
    retries={"mode": "standard", "total_max_attempts": 4},
)
_NOT_CREATED: Final = {None, "REVIEW_IN_PROGRESS"}
"""Statuses of a stack that has no resources yet: a change set is all that there can be."""


class Session(Protocol):
    """What is used of a boto3 session."""

    @property
    def region_name(self) -> Any:
        """The region that the configuration names, or None."""

    def client(self, service: Any, *, region_name: str, config: Config) -> Any:
        """Returns a client of a service."""


@dataclass(frozen=True)
class Target:
    """An environment's stack in an account and region.

    Attributes:
        environment: the environment.
        template: the template with the environment's parameters.
        session: makes clients with the credentials of the person who deploys.
        region: the region.
    """

    environment: Environment
    template: Template
    session: Session
    region: str

    def client(self, service: str) -> Any:
        """Returns a client of a service."""
        return self.session.client(service, region_name=self.region, config=_CONFIG)

    @property
    def stack(self) -> str:
        """The stack's name."""
        return self.environment.stack

    @cached_property
    def _description(self) -> Mapping[str, Any] | None:
        return find_stack(self.client("cloudformation"), self.stack)

    @property
    def status(self) -> str | None:
        """The stack's status, or None if there is no such stack."""
        return None if self._description is None else str(self._description["StackStatus"])

    @property
    def deployed_tags(self) -> Mapping[str, str]:
        """The tags that the stack has."""
        tags = () if self._description is None else self._description.get("Tags", ())
        return {tag["Key"]: tag["Value"] for tag in tags}

    @property
    def deployed_parameters(self) -> Mapping[str, str]:
        """The values that the stack's parameters have."""
        found = () if self._description is None else self._description.get("Parameters", ())
        return {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in found}

    @property
    def is_created(self) -> bool:
        """Whether the stack was created; otherwise the next deployment is its first."""
        return self.status not in _NOT_CREATED

    @cached_property
    def deployed_ids(self) -> frozenset[str]:
        """The logical ids of the resources that the stack has."""
        if not self.is_created:
            return frozenset()
        pages = (
            self.client("cloudformation")
            .get_paginator("list_stack_resources")
            .paginate(StackName=self.stack)
        )
        return frozenset(
            resource["LogicalResourceId"]
            for page in pages
            for resource in page["StackResourceSummaries"]
            if resource["ResourceStatus"] != "DELETE_COMPLETE"
        )


def find_stack(cloudformation: Any, name: str) -> Mapping[str, Any] | None:
    """Returns what CloudFormation says of a stack, or None if there is no such stack."""
    try:
        (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    description: Mapping[str, Any] = stack
    return description


def choose_region(environment: Environment, session: Session) -> str | None:
    """Returns the region to deploy to, or None if nothing names one.

    samconfig.toml comes first, then the variable AWS_REGION, then AWS's own configuration.
    """
    return environment.region or os.environ.get("AWS_REGION") or session.region_name
