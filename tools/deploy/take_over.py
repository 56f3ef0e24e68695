"""Prepares a resource import, which takes what a deleted stack has left into a new stack.

CloudFormation imports into a stack only what exists. So the first template of the new stack has the
retained resources alone; the next deployment adds everything else.
"""

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tools.deploy.errors import DeployError
from tools.deploy.retained import Retained, find_retained
from tools.deploy.target import Target

_CHANGE_SET: Final = "take-over"


@dataclass(frozen=True, slots=True)
class Import:
    """A prepared import.

    Attributes:
        resources: what is taken over.
        template: the new stack's first template.
    """

    resources: Sequence[Retained]
    template: Mapping[str, Any]

    def write(self, folder: Path) -> None:
        """Writes the two files that CloudFormation needs."""
        folder.mkdir(parents=True, exist_ok=True)
        to_import = [
            {
                "ResourceType": resource.type,
                "LogicalResourceId": resource.logical_id,
                "ResourceIdentifier": {resource.key: resource.name},
            }
            for resource in self.resources
        ]
        for name, content in (("resources", to_import), ("template", self.template)):
            (folder / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n", "utf-8")


def prepare_import(target: Target, chosen: Mapping[str, str]) -> Import:
    """Returns the import of what is left of an environment's deleted stack.

    Args:
        target: the environment's target.
        chosen: the name of the resource to take over, by its logical id; needed only if several
            are left for one logical id.

    Raises:
        DeployError: nothing is left, a choice is missing, or the stack is there.
    """
    if target.is_created:
        raise DeployError(
            f"The stack {target.stack} is there already ({target.status}). Resources can be taken"
            " over into a new stack only: delete this one first, if you can do without it."
        )
    resources = list(_choose(list(find_retained(target)), chosen))
    if not resources:
        raise DeployError(f"Nothing is left of a stack {target.stack} in {target.region}.")
    return Import(resources, _template_of(target, {found.logical_id for found in resources}))


def _choose(found: Sequence[Retained], chosen: Mapping[str, str]) -> Iterator[Retained]:
    """Yields one resource for each logical id; a bucket's policy goes with its bucket."""
    for logical_id in dict.fromkeys(resource.logical_id for resource in found):
        candidates = [resource for resource in found if resource.logical_id == logical_id]
        picked = [candidate for candidate in candidates if candidate.name in chosen.values()]
        if len(candidates) == 1:
            picked = candidates
        if len(picked) != 1:
            names = ", ".join(candidate.name for candidate in candidates)
            raise DeployError(
                f"Several resources are left for {logical_id}: {names}. Name the one to take over:"
                f' TAKE="{logical_id}=..."'
            )
        yield picked[0]


def _template_of(target: Target, logical_ids: set[str]) -> dict[str, Any]:
    """Returns the part of the template that has these resources.

    It has no outputs, which an import can't add. The environment's values become the defaults of
    the parameters.
    """
    document = target.template.document
    return {
        "AWSTemplateFormatVersion": document["AWSTemplateFormatVersion"],
        "Description": "What a deleted stack has left. The next deployment adds the rest.",
        "Parameters": {
            name: {**declared, "Default": target.template.values[name]}
            for name, declared in document["Parameters"].items()
        },
        "Mappings": document["Mappings"],
        "Conditions": document["Conditions"],
        "Resources": {
            logical_id: resource
            for logical_id, resource in document["Resources"].items()
            if logical_id in logical_ids
        },
    }


def import_command(target: Target, folder: Path) -> str:
    """Returns the command that imports, from the files in a folder, and then deploys the rest.

    Its parts are joined by ``&&``: if the change set is refused, waiting for its end would take an
    hour.
    """
    stack = f"--region {target.region} --stack-name {target.stack}"
    change_set = f"{stack} --change-set-name {_CHANGE_SET}"
    files = {
        name: shlex.quote(f"file://{folder}/{name}.json") for name in ("template", "resources")
    }
    parts = (
        f"aws cloudformation create-change-set {change_set} --change-set-type IMPORT"
        f" --template-body {files['template']} --resources-to-import {files['resources']}",
        f"aws cloudformation wait change-set-create-complete {change_set}",
        f"aws cloudformation execute-change-set {change_set}",
        f"aws cloudformation wait stack-import-complete {stack}",
        f"make deploy ENV={target.environment.name}",
    )
    return " &&\n".join(parts)
