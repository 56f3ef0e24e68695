"""What a deleted stack has left is imported into a new one, as `make take-over` says.

The emulator imports no policies of buckets, so there are none here.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest
from botocore.config import Config

from local.aws import REGION
from tests.deployed.stack import ENVIRONMENT, DeployedStack
from tools.deploy.environment import read_environment
from tools.deploy.take_over import prepare_import
from tools.deploy.target import Target
from tools.deploy.template import Template

pytestmark = pytest.mark.deployed

STACK: Final = "left-behind"
POLICY: Final = "AWS::S3::BucketPolicy"


@dataclass(frozen=True, slots=True)
class EmulatorSession:
    """A session whose clients reach the emulator."""

    stack: DeployedStack
    region_name: str = REGION

    def client(self, service: Any, *, region_name: str, config: Config) -> Any:  # noqa: ARG002
        """Returns a client of a service."""
        return self.stack.client(service)


def retained_part(template: Template) -> str:
    """Returns the part of the template that stays when the stack is deleted."""
    part = {
        "Parameters": {
            name: {**declared, "Default": template.values[name]}
            for name, declared in template.document["Parameters"].items()
        },
        "Mappings": template.document["Mappings"],
        "Conditions": template.document["Conditions"],
        "Resources": {
            name: resource for name, resource in template.retained() if resource["Type"] != POLICY
        },
    }
    return json.dumps(part)


def test_what_a_deleted_stack_has_left_is_imported(stack: DeployedStack, tmp_path: Path) -> None:
    """Afterwards the new stack has the same tables, buckets and setting."""
    environment = replace(read_environment(ENVIRONMENT), stack=STACK)
    target = Target(environment, Template.read(environment), EmulatorSession(stack), REGION)
    cloudformation = target.client("cloudformation")

    def wait(event: str, **more: str) -> None:
        waiter = cloudformation.get_waiter(event)
        waiter.wait(StackName=STACK, **more, WaiterConfig={"Delay": 1})

    def names() -> Mapping[str, str]:
        found = cloudformation.list_stack_resources(StackName=STACK)["StackResourceSummaries"]
        return {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in found}

    cloudformation.create_stack(StackName=STACK, TemplateBody=retained_part(target.template))
    wait("stack_create_complete")
    first = names()
    cloudformation.delete_stack(StackName=STACK)
    wait("stack_delete_complete")
    prepared = prepare_import(target, {})
    prepared.write(tmp_path)
    resources = json.loads((tmp_path / "resources.json").read_text("utf-8"))
    assert {one["ResourceType"] for one in resources} >= {"AWS::DynamoDB::Table", "AWS::S3::Bucket"}
    change_set = {"ChangeSetName": "take-over"}
    cloudformation.create_change_set(
        StackName=STACK,
        ChangeSetType="IMPORT",
        TemplateBody=(tmp_path / "template.json").read_text("utf-8"),
        ResourcesToImport=resources,
        **change_set,
    )
    wait("change_set_create_complete", **change_set)
    cloudformation.execute_change_set(StackName=STACK, **change_set)
    wait("stack_import_complete")
    assert names() == first
