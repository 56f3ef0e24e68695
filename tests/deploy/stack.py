"""The real template as CloudFormation resolves it, for some values of its parameters."""

import pickle
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

from boto3 import Session
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.utils.py27hash_fix import (
    to_py27_compatible_template,
    undo_mark_unicode_str_in_template,
)

from local.template.parse import parse_template

ROOT: Final = Path(__file__).parents[2]
PSEUDO_PARAMETERS: Final = {
    "AWS::Region": "us-east-1",
    "AWS::Partition": "aws",
    "AWS::AccountId": "123456789012",
    "AWS::StackName": "stack",
    "AWS::URLSuffix": "amazonaws.com",
}

type Tree = Any
"""A part of a template, parsed from YAML."""


def read_template() -> dict[str, Tree]:
    """Returns a new copy of the template as it is written."""
    return cast(dict[str, Tree], pickle.loads(_pickled_template()))


@cache
def _pickled_template() -> bytes:
    """Returns the parsed template. To parse it takes ten times as long as to copy it."""
    return pickle.dumps(parse_template((ROOT / "template.yaml").read_text("utf-8")))


@cache
def transformed_template(deployment_type: str = "AllAtOnce", **uploaded: str) -> dict[str, Tree]:
    """Returns the template after SAM's transform. It is shared, so callers must not change it.

    Args:
        deployment_type: the one parameter whose value decides what SAM makes.
        uploaded: the S3 keys of uploaded code, by the logical ids of functions and layers. `sam
            deploy` makes each key from a hash of the folder. By default all have the same key.
    """
    return transform(read_template(), {"DeploymentType": deployment_type}, **uploaded)


def transform(
    template: dict[str, Tree], parameters: Mapping[str, str] | None = None, **uploaded: str
) -> dict[str, Tree]:
    """Returns a template after SAM's transform, and changes ``template`` itself.

    Args:
        template: the template as it is written.
        parameters: values other than the defaults.
        uploaded: the S3 keys of uploaded code, as for ``transformed_template``.
    """
    for logical_id, resource in template["Resources"].items():
        for uri in {"CodeUri", "ContentUri"} & resource.get("Properties", {}).keys():
            resource["Properties"][uri] = f"s3://bucket/{uploaded.get(logical_id, 'key')}"

    region = PSEUDO_PARAMETERS["AWS::Region"]
    translator = Translator({}, Parser(), boto_session=Session(region_name=region))
    to_py27_compatible_template(template, {})
    translated = translator.translate(template, {"AWS::Region": region, **(parameters or {})})
    return cast(dict[str, Tree], undo_mark_unicode_str_in_template(translated))


class Stack:
    """The template after SAM's transform, with parameters and conditions resolved.

    References to resources have no value before a deployment. They become texts: ``${Resource}``,
    or ``${Resource.Attribute}`` for an attribute.

    Args:
        parameters: values other than the defaults.

    Attributes:
        resources: the resources whose condition holds, by their logical ids.
        outputs: the outputs whose condition holds, by their names.

    Stacks with the same parameters share them, so callers must not change them.
    """

    def __init__(self, **parameters: str) -> None:
        self.resources, self.outputs = _resolved(**parameters)

    def properties(self, logical_id: str) -> Mapping[str, Tree]:
        """Returns the properties of a resource."""
        return cast(Mapping[str, Tree], self.resources[logical_id]["Properties"])

    def of_type(self, kind: str) -> dict[str, Mapping[str, Tree]]:
        """Returns the properties of all resources of a type, by their logical ids."""
        return {
            logical_id: resource["Properties"]
            for logical_id, resource in self.resources.items()
            if resource["Type"] == kind
        }

    def environment(self, logical_id: str) -> Mapping[str, str]:
        """Returns the environment variables of a function."""
        return cast(Mapping[str, str], self.properties(logical_id)["Environment"]["Variables"])

    def statements(self) -> Iterator[tuple[str, Mapping[str, Tree]]]:
        """Yields each statement of each role's policies, with the role's logical id."""
        for logical_id, role in self.of_type("AWS::IAM::Role").items():
            for policy in role["Policies"]:
                for statement in policy["PolicyDocument"]["Statement"]:
                    yield logical_id, statement


@cache
def _resolved(**parameters: str) -> tuple[dict[str, Tree], dict[str, Tree]]:
    """Returns the resources and the outputs of a stack."""
    resolver = _Resolver(parameters)
    return resolver.entries("Resources"), resolver.entries("Outputs")


class _Resolver:
    """Resolves parameters and conditions.

    Args:
        parameters: values other than the defaults.
    """

    def __init__(self, parameters: Mapping[str, str]) -> None:
        template = transformed_template(parameters.get("DeploymentType", "AllAtOnce"))
        declared = {
            name: parameter["Default"] for name, parameter in template["Parameters"].items()
        }
        assert parameters.keys() <= declared.keys()
        self._values = {
            **PSEUDO_PARAMETERS,
            **{name: str(value) for name, value in declared.items()},
            **parameters,
        }
        self._template = template

    def entries(self, section: str) -> dict[str, Tree]:
        """Returns the resources or the outputs whose condition holds."""
        return {
            name: self._resolve(entry)
            for name, entry in self._template[section].items()
            if "Condition" not in entry or self._holds(entry["Condition"])
        }

    def _resolve(self, tree: Tree) -> Tree:
        match tree:
            case {"Ref": "AWS::NoValue"}:
                return None
            case {"Ref": str(name)}:
                return self._values.get(name, f"${{{name}}}")
            case {"Fn::GetAtt": [str(name), str(attribute)]}:
                return f"${{{name}.{attribute}}}"
            case {"Fn::Sub": str(text)}:
                return self._substitute(text, {})
            case {"Fn::Sub": [str(text), dict(values)]}:
                return self._substitute(text, self._resolve(values))
            case {"Fn::FindInMap": [str(name), first, str(second)]}:
                return self._template["Mappings"][name][self._resolve(first)][second]
            case {"Fn::If": [str(condition), when_true, when_false]}:
                return self._resolve(when_true if self._holds(condition) else when_false)
            case dict():
                return {str(key): self._resolve(value) for key, value in tree.items()}
            case list():
                return [self._resolve(value) for value in tree]
        return tree

    def _substitute(self, text: str, values: Mapping[str, str]) -> str:
        for name, value in {**self._values, **values}.items():
            text = text.replace(f"${{{name}}}", value)
        return text

    def _holds(self, condition: str | Tree) -> bool:
        if isinstance(condition, str):
            return self._holds(self._template["Conditions"][condition])
        match condition:
            case {"Fn::Equals": [left, right]}:
                return str(self._resolve(left)) == str(self._resolve(right))
            case {"Fn::Not": [negated]}:
                return not self._holds(negated)
            case {"Fn::And": list(conditions)}:
                return all(map(self._holds, conditions))
            case {"Condition": str(name)}:
                return self._holds(name)
        raise KeyError(condition)


def as_list(value: Tree) -> list[Tree]:
    """Returns a list: ``value`` itself, or one that contains it. IAM accepts both."""
    return value if isinstance(value, list) else [value]
