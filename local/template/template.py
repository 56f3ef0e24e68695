"""A template when everything in it is known: resources with names, ARNs and properties."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from local.errors import TemplateError

type Tree = Any
"""What YAML can say: nested dictionaries, lists and scalars."""

CODE_BUCKET: Final = "local"
"""The made-up S3 bucket of the code: SAM wants code to be in one, so a path becomes its key."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource: its name once it is made, what ``Ref`` gives, its ARN, and its properties."""

    logical_id: str
    type: str
    name: str
    ref: str
    arn: str
    properties: Mapping[str, Tree]


@dataclass(frozen=True, slots=True)
class Template:
    """An expanded template. ``folder`` is where its paths to code begin."""

    folder: Path
    resources: Mapping[str, Resource]
    outputs: Mapping[str, str]

    def of_type(self, kind: str) -> list[Resource]:
        """All resources of one type."""
        return [resource for resource in self.resources.values() if resource.type == kind]

    def only(self, kind: str) -> Resource:
        """The only resource of its type.

        Raises:
            TemplateError: there is none, or more than one.
        """
        found = self.of_type(kind)
        if len(found) != 1:
            raise TemplateError(f"the template has {len(found)} {kind}, and one is served here")
        return found[0]


def code_path(resource: Resource, attribute: str) -> str:
    """The path, from the template's folder, of a function's ``Code`` or a layer's ``Content``.

    Raises:
        TemplateError: its code is not a folder beside the template.
    """
    location = resource.properties.get(attribute, {})
    if not isinstance(location, dict) or location.get("S3Bucket") != CODE_BUCKET:
        raise TemplateError(
            f"{resource.logical_id}: its code is not in a folder beside the template"
        )
    return str(location["S3Key"])


def is_true(value: Tree) -> bool:
    """CloudFormation's booleans, which are strings when they come from a parameter."""
    return str(value).lower() == "true"
