"""The template with an environment's parameters: the names and settings that it would deploy."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from local.errors import TemplateError
from local.template.parameters import choose_values
from local.template.parse import parse_template
from local.template.resolver import Resolver
from tools.deploy.environment import Environment
from tools.deploy.errors import DeployError

TEMPLATE: Final = Path(__file__).parents[2] / "template.yaml"

_RETAINING: Final = {"Retain", "RetainExceptOnCreate"}
"""Deletion policies with which a resource stays when its stack is deleted."""


@dataclass(frozen=True)
class Template:
    """The template, with values for its parameters.

    Attributes:
        document: the template as it is written.
        values: the value of each parameter.
        resolver: replaces CloudFormation's functions by their values.
    """

    document: Mapping[str, Any]
    values: Mapping[str, str]
    resolver: Resolver

    @classmethod
    def read(cls, environment: Environment, path: Path = TEMPLATE) -> Self:
        """Returns the template with an environment's parameters.

        Raises:
            DeployError: CloudFormation would refuse one of the parameters.
        """
        document = parse_template(path.read_text("utf-8"))
        try:
            values = choose_values(document["Parameters"], environment.parameters)
        except TemplateError as error:
            raise DeployError(f"samconfig.toml, environment {environment.name}: {error}.") from None
        resolver = Resolver({**values, "AWS::StackName": environment.stack}, document)
        return cls(document, values, resolver)

    def resources(self, kind: str | None = None) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yields the logical id and the declaration of each resource that would be deployed.

        Args:
            kind: the type of resources to yield, or None for all.
        """
        for logical_id, resource in self.document["Resources"].items():
            is_wanted = kind is None or resource["Type"] == kind
            if is_wanted and self.resolver.holds(resource.get("Condition")):
                yield logical_id, resource

    def retained(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yields the resources that stay when the stack is deleted."""
        for logical_id, resource in self.resources():
            if is_retained(resource):
                yield logical_id, resource

    def resolve(self, resource: Mapping[str, Any], name: str) -> Any:
        """Returns the value of a resource's property, or None if it has none."""
        properties = self.resolver.resolve({name: resource.get("Properties", {}).get(name)})
        return properties.get(name)


def is_retained(resource: Mapping[str, Any]) -> bool:
    """Whether a resource stays when its stack is deleted."""
    return resource.get("DeletionPolicy") in _RETAINING
