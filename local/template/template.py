"""An expanded template: resources with their names, ARNs and properties, and the outputs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from local.errors import TemplateError

type Tree = Any
"""Content of a YAML file: nested dictionaries, lists and scalars."""

CODE_BUCKET: Final = "local"
"""A made-up S3 bucket. SAM wants code in a bucket, so a path of code becomes a key in this one."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource.

    Attributes:
        logical_id: its name in the template.
        type: its type, such as ``AWS::SQS::Queue``.
        name: its physical name.
        ref: the value of ``Ref``.
        arn: its ARN.
        properties: its properties, with all references resolved.
    """

    logical_id: str
    type: str
    name: str
    ref: str
    arn: str
    properties: Mapping[str, Tree]


@dataclass(frozen=True, slots=True)
class Template:
    """An expanded template. Paths of code are relative to ``folder``."""

    folder: Path
    resources: Mapping[str, Resource]
    outputs: Mapping[str, str]

    def of_type(self, kind: str) -> list[Resource]:
        """Returns all resources of a type."""
        return [resource for resource in self.resources.values() if resource.type == kind]

    def only(self, kind: str) -> Resource:
        """Returns the only resource of a type.

        Raises:
            TemplateError: there is none, or more than one.
        """
        resources = self.of_type(kind)
        if len(resources) != 1:
            raise TemplateError(f"the template has {len(resources)} {kind}, and must have one here")
        return resources[0]


def code_path(resource: Resource, attribute: str) -> str:
    """Returns the path of a function's ``Code`` or a layer's ``Content`` in the template's folder.

    Raises:
        TemplateError: the code is not in a folder beside the template.
    """
    location = resource.properties.get(attribute, {})
    if not isinstance(location, dict) or location.get("S3Bucket") != CODE_BUCKET:
        raise TemplateError(
            f"{resource.logical_id}: its code is not in a folder beside the template"
        )
    return str(location["S3Key"])


def is_true(value: Tree) -> bool:
    """Whether a value is true; a boolean from a parameter is a string."""
    return str(value).lower() == "true"
