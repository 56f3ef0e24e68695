"""The stack that CloudFormation would make of the real template, with given parameters."""

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
from samtranslator.yaml_helper import yaml_parse

ROOT: Final = Path(__file__).parents[2]
PSEUDO_PARAMETERS: Final = {
    "AWS::Region": "us-east-1",
    "AWS::Partition": "aws",
    "AWS::AccountId": "123456789012",
    "AWS::StackName": "stack",
    "AWS::URLSuffix": "amazonaws.com",
}

type Tree = Any


def source() -> dict[str, Tree]:
    """The template as it is written."""
    return cast(dict[str, Tree], yaml_parse((ROOT / "template.yaml").read_text("utf-8")))


@cache
def transformed(**uploaded: str) -> dict[str, Tree]:
    """What SAM makes of the template; nobody may change it.

    ``uploaded`` are the keys under which `sam deploy` puts a resource's code or content: hashes of
    what is in the folders. The others have one that stays the same.
    """
    return transform(source(), **uploaded)


def transform(template: dict[str, Tree], **uploaded: str) -> dict[str, Tree]:
    """What SAM makes of a template, which comes to harm."""
    for logical_id, resource in template["Resources"].items():
        for uri in {"CodeUri", "ContentUri"} & resource.get("Properties", {}).keys():
            resource["Properties"][uri] = f"s3://bucket/{uploaded.get(logical_id, 'key')}"

    region = PSEUDO_PARAMETERS["AWS::Region"]
    translator = Translator({}, Parser(), boto_session=Session(region_name=region))
    to_py27_compatible_template(template, {})
    translated = translator.translate(template, {"AWS::Region": region})
    return cast(dict[str, Tree], undo_mark_unicode_str_in_template(translated))


class Stack:
    """The template after SAM's transform, with its parameters and conditions resolved.

    What only a deployment can know stays readable: a reference to a resource becomes
    ``${Resource}``, one to an attribute ``${Resource.Attribute}``.
    """

    def __init__(self, **parameters: str) -> None:
        template = transformed()
        declared = {
            name: parameter["Default"] for name, parameter in template["Parameters"].items()
        }
        assert parameters.keys() <= declared.keys()
        self._values = {
            **PSEUDO_PARAMETERS,
            **{k: str(v) for k, v in declared.items()},
            **parameters,
        }
        self._conditions = template["Conditions"]
        self.resources: dict[str, Tree] = self._resolve(template["Resources"])
        self.outputs: dict[str, Tree] = self._resolve(template["Outputs"])

    def properties(self, logical_id: str) -> Mapping[str, Tree]:
        """The properties of one resource."""
        return cast(Mapping[str, Tree], self.resources[logical_id]["Properties"])

    def of_type(self, kind: str) -> dict[str, Mapping[str, Tree]]:
        """The properties of all resources of one type, by logical id."""
        return {
            logical_id: resource["Properties"]
            for logical_id, resource in self.resources.items()
            if resource["Type"] == kind
        }

    def environment(self, logical_id: str) -> Mapping[str, str]:
        """The environment variables of one function."""
        return cast(Mapping[str, str], self.properties(logical_id)["Environment"]["Variables"])

    def statements(self) -> Iterator[tuple[str, Mapping[str, Tree]]]:
        """Every statement of every role's policies, with the role's logical id."""
        for logical_id, role in self.of_type("AWS::IAM::Role").items():
            for policy in role["Policies"]:
                for statement in policy["PolicyDocument"]["Statement"]:
                    yield logical_id, statement

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
        match self._conditions[condition] if isinstance(condition, str) else condition:
            case {"Fn::Equals": [left, right]}:
                return bool(self._resolve(left) == self._resolve(right))
            case {"Fn::Not": [negated]}:
                return not self._holds(negated)
        raise KeyError(condition)


def as_list(value: Tree) -> list[Tree]:
    """IAM's "one, or a list of them" as a list."""
    return value if isinstance(value, list) else [value]
