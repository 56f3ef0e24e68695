"""CloudFormation's functions, such as ``Ref`` and ``Fn::Sub``, replaced by their values."""

import re
from collections.abc import Mapping
from typing import Final

from local.aws import ACCOUNT, REGION
from local.errors import TemplateError
from local.template.names import (
    STACK_NAME,
    arn,
    default_name,
    has_function_arn,
    name_property,
    reference,
)
from local.template.parameters import spell
from local.template.template import Resource, Tree

_PSEUDO_PARAMETERS: Final = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{STACK_NAME}/local",
    "AWS::StackName": STACK_NAME,
    "AWS::URLSuffix": "amazonaws.com",
}
_NO_VALUE: Final = object()


class Resolver:
    """Replaces CloudFormation's functions by their values.

    Args:
        values: the parameters' values.
        template: the template, with SAM translated.
    """

    def __init__(self, values: Mapping[str, str], template: Mapping[str, Tree]) -> None:
        self._values = {**_PSEUDO_PARAMETERS, **values}
        self._mappings = template.get("Mappings") or {}
        self._conditions = template.get("Conditions") or {}
        self._declared = {
            logical_id: resource
            for logical_id, resource in template["Resources"].items()
            if self.holds(resource.get("Condition"))
        }

    def resources(self) -> dict[str, Resource]:
        """Returns all resources whose condition holds."""
        return {
            logical_id: Resource(
                logical_id=logical_id,
                type=resource["Type"],
                name=self._name(logical_id),
                ref=self._reference(logical_id),
                arn=self._arn(logical_id),
                properties=self.resolve(resource.get("Properties") or {}),
            )
            for logical_id, resource in self._declared.items()
        }

    def holds(self, condition: str | None) -> bool:
        """Whether a condition of the template holds; None always does."""
        if condition is None:
            return True
        if condition not in self._conditions:
            raise TemplateError(f"the template has no condition {condition}")
        return bool(self.resolve(self._conditions[condition]))

    def resolve(self, tree: Tree) -> Tree:
        """Returns ``tree`` with every function in it replaced by its value."""
        if isinstance(tree, list):
            items = [self.resolve(value) for value in tree]
            return [value for value in items if value is not _NO_VALUE]
        if not isinstance(tree, dict):
            return tree
        if len(tree) == 1:
            ((name, argument),) = tree.items()
            if name in {"Ref", "Condition"} or str(name).startswith("Fn::"):
                return self._call(name, argument)
        resolved = {name: self.resolve(value) for name, value in tree.items()}
        return {name: value for name, value in resolved.items() if value is not _NO_VALUE}

    def _call(self, function: str, argument: Tree) -> Tree:
        match function, argument:
            case "Ref", str(name):
                return self._ref(name)
            case "Condition", str(name):
                return self.holds(name)
            case "Fn::GetAtt", [str(logical_id), str(attribute)]:
                return self._attribute(logical_id, attribute)
            case "Fn::Sub", str(text):
                return self._substitute(text, {})
            case "Fn::Sub", [str(text), dict(values)]:
                return self._substitute(text, self.resolve(values))
            case "Fn::If", [str(condition), when_true, when_false]:
                return self.resolve(when_true if self.holds(condition) else when_false)
            case "Fn::Equals", [left, right]:
                return spell(self.resolve(left)) == spell(self.resolve(right))
            case "Fn::Not", [condition]:
                return not self.resolve(condition)
            case "Fn::And", list(conditions):
                return all(self.resolve(condition) for condition in conditions)
            case "Fn::Or", list(conditions):
                return any(self.resolve(condition) for condition in conditions)
            case "Fn::Join", [str(separator), values]:
                return separator.join(str(value) for value in self.resolve(values))
            case "Fn::FindInMap", [mapping, first, second]:
                return self._find(*(self.resolve(key) for key in (mapping, first, second)))
        raise TemplateError(f"{function} with {argument!r} is not supported here")

    def _ref(self, name: str) -> Tree:
        if name == "AWS::NoValue":
            return _NO_VALUE
        return self._values[name] if name in self._values else self._reference(name)

    def _substitute(self, text: str, values: Mapping[str, Tree]) -> str:
        def replace(match: re.Match[str]) -> str:
            name: str = match[1]
            if name.startswith("!"):
                return f"${{{name[1:]}}}"
            if name in values:
                return str(values[name])
            logical_id, _, attribute = name.partition(".")
            return str(self._attribute(logical_id, attribute) if attribute else self._ref(name))

        return re.sub(r"\$\{([^}]*)\}", replace, text)

    def _find(self, mapping: str, first: str, second: str) -> Tree:
        try:
            return self._mappings[mapping][first][second]
        except KeyError:
            raise TemplateError(f"no mapping has {mapping}, {first}, {second}") from None

    def _declaration(self, logical_id: str) -> Mapping[str, Tree]:
        if logical_id not in self._declared:
            raise TemplateError(f"the template refers to {logical_id}, which it does not define")
        declaration: Mapping[str, Tree] = self._declared[logical_id]
        return declaration

    def _name(self, logical_id: str) -> str:
        declaration = self._declaration(logical_id)
        kind = declaration["Type"]
        given = (declaration.get("Properties") or {}).get(name_property(kind))
        return default_name(kind, logical_id) if given is None else str(self.resolve(given))

    def _arn(self, logical_id: str) -> str:
        declaration = self._declaration(logical_id)
        kind, name = declaration["Type"], self._name(logical_id)
        if has_function_arn(kind):
            name = f"{self.resolve(declaration['Properties']['FunctionName'])}:{name}"
        bus = declaration.get("Properties", {}).get("EventBusName")
        if kind == "AWS::Events::Rule" and bus is not None:
            name = f"{self.resolve(bus)}/{name}"
        return arn(kind, name)

    def _reference(self, logical_id: str) -> str:
        kind = self._declaration(logical_id)["Type"]
        return reference(kind, self._name(logical_id), self._arn(logical_id))

    def _attribute(self, logical_id: str, attribute: str) -> str:
        if attribute == "Arn":
            return self._arn(logical_id)
        if attribute in {"Name", "QueueName", "Version"}:
            return self._name(logical_id)
        # Only a deployment can know other attributes. Here a value only has to exist and be unique.
        return f"{self._name(logical_id)}.{attribute}"
