"""Prepares a resource import, which takes what a deleted stack has left into a new stack.

CloudFormation imports into a stack only what exists. So the first template of the new stack has the
retained resources alone; the next deployment adds everything else.
"""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tools.deploy.errors import DeployError
from tools.deploy.retained import Retained, find_retained
from tools.deploy.target import Target

_BUCKET_POLICY: Final = "AWS::S3::BucketPolicy"


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


def read_choices(text: str) -> Mapping[str, str]:
    """Returns what ``TAKE`` chooses: names of resources by their logical ids.

    Raises:
        DeployError: a part of the text is no choice.
    """
    chosen = {}
    for choice in text.split():
        logical_id, separator, name = choice.partition("=")
        if not (logical_id and separator and name):
            raise DeployError(f"TAKE has {choice}, but must have LogicalId=name.")
        chosen[logical_id] = name
    return chosen


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
    resources = _choose(list(find_retained(target)), chosen)
    if not resources:
        raise DeployError(f"Nothing is left of a stack {target.stack} in {target.region}.")
    return Import(resources, _template_of(target, {found.logical_id for found in resources}))


def _choose(found: Sequence[Retained], chosen: Mapping[str, str]) -> list[Retained]:
    """Returns one resource for each logical id; a bucket's policy goes with its bucket.

    Raises:
        DeployError: choices are missing, or are not among what is left.
    """
    candidates: dict[str, list[Retained]] = {}
    for resource in found:
        if resource.type != _BUCKET_POLICY:
            candidates.setdefault(resource.logical_id, []).append(resource)
    unknown = chosen.keys() - candidates.keys()
    if unknown:
        raise DeployError(f"TAKE names {min(unknown)}, but nothing can be chosen for that.")
    only_ones = {name: several[0].name for name, several in candidates.items() if len(several) == 1}
    choices = {**only_ones, **chosen}
    open_choices = {
        logical_id: several
        for logical_id, several in candidates.items()
        if choices.get(logical_id) not in {one.name for one in several}
    }
    if open_choices:
        raise DeployError(_question(open_choices))
    names = set(choices.values())
    return [one for one in found if one.name in names]


def _question(candidates: Mapping[str, Sequence[Retained]]) -> str:
    """Returns the text that asks for choices: the candidates of each logical id."""
    lines = [
        f"  {logical_id}: {', '.join(one.name for one in several)}"
        for logical_id, several in candidates.items()
    ]
    choices = " ".join(f"{logical_id}=..." for logical_id in candidates)
    return "\n".join(
        [
            "One has to be chosen for each of these:",
            *lines,
            f'Add the choice to the command: TAKE="{choices}"',
        ]
    )


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
    hour. The change set has a new name each time, so that the command can be tried again.
    """
    stack = f"--region {target.region} --stack-name {target.stack}"
    change_set = f'{stack} --change-set-name "$CHANGE_SET"'
    files = {
        name: shlex.quote(f"file://{folder}/{name}.json") for name in ("template", "resources")
    }
    parts = (
        "CHANGE_SET=take-over-$(date +%s)",
        f"aws cloudformation create-change-set {change_set} --change-set-type IMPORT"
        f" --template-body {files['template']} --resources-to-import {files['resources']}",
        f"aws cloudformation wait change-set-create-complete {change_set}",
        f"aws cloudformation execute-change-set {change_set}",
        f"aws cloudformation wait stack-import-complete {stack}",
        f"make deploy ENV={target.environment.name}",
    )
    return " &&\n".join(parts)
