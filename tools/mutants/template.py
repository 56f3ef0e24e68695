"""Mutants of a CloudFormation template: another value, or a property or an entry that is gone.

Left out is what only people read: descriptions, labels, and the metadata.
"""

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import PurePath
from typing import Final

import yaml

from tools.mutants.mutant import Mutant

_FOR_PEOPLE: Final = {
    "AlarmDescription",
    "ConstraintDescription",
    "Description",
    "Label",
    "Metadata",
    "VersionDescription",
}
_NAMES_OF_ENTRIES: Final = {"Id", "Sid", "Type"}
_MIN_DEPTH: Final = 3
"""The depth of what may be dropped: not a whole resource, or its type."""
_MANY: Final = 1000
_OTHER: Final = {
    "AES256": "aws:kms",
    "Allow": "Deny",
    "ArnEquals": "ArnNotEquals",
    "Average": "Sum",
    "Delete": "Retain",
    "Deny": "Allow",
    "ENABLED": "DISABLED",
    "Enabled": "Disabled",
    "GreaterThanOrEqualToThreshold": "LessThanThreshold",
    "GreaterThanThreshold": "LessThanThreshold",
    "KEYS_ONLY": "ALL",
    "Maximum": "Minimum",
    "PAY_PER_REQUEST": "PROVISIONED",
    "Retain": "Delete",
    "RetainExceptOnCreate": "Delete",
    "StringEquals": "StringNotEquals",
    "Sum": "Average",
    "breaching": "notBreaching",
    "false": "true",
    "notBreaching": "breaching",
    "true": "false",
}
_NAMES_OF_AWS: Final = re.compile(
    r"AWS/\w+|(?:cloudwatch|dynamodb|events|lambda|logs|s3|sqs|ssm|xray):[A-Z]\w+"
)

type _Place = tuple[str | int, ...]
type _Edit = Callable[[yaml.Node], None]


def mutants_of(path: PurePath, text: str) -> list[Mutant]:
    """Returns all mutants of a template.

    Args:
        path: its file, relative to the project.
        text: its content.
    """
    return [
        Mutant(
            path=path,
            line=node.start_mark.line + 1,
            scope="/".join(map(str, place)),
            change=change,
            content=partial(_edited, text, place, edit),
        )
        for place, node, change, edit in _changes((), _parse(text))
    ]


def _parse(text: str) -> yaml.Node:
    """Returns the root of a template's nodes, which keep tags such as ``!Ref``."""
    root = yaml.compose(text)
    if root is None:
        raise ValueError("an empty template has no mutants")
    return root


def _changes(place: _Place, node: yaml.Node) -> Iterator[tuple[_Place, yaml.Node, str, _Edit]]:
    """Yields places, their nodes, what is changed there, and how."""
    match node:
        case yaml.MappingNode():
            for number, (key, value) in enumerate(node.value):
                if key.value in _FOR_PEOPLE:
                    continue
                inner = (*place, key.value)
                if len(inner) >= _MIN_DEPTH and key.value not in _NAMES_OF_ENTRIES:
                    yield inner[:-1], key, f"without {key.value}", _without(number)
                yield from _changes(inner, value)
        case yaml.SequenceNode():
            for number, value in enumerate(node.value):
                if len(node.value) > 1:
                    yield place, value, f"without entry {number}", _without(number)
                yield from _changes((*place, number), value)
        case yaml.ScalarNode():
            other = _other(node.value)
            if other is not None:
                yield place, node, f"{node.value} -> {other}", _with_value(other)


def _other(value: str) -> str | None:
    """Returns a value of the same kind, or None if there is no such value."""
    if value in _OTHER:
        return _OTHER[value]
    if re.fullmatch(r"\d+", value):
        return str(int(value) * _MANY or 1)
    if re.fullmatch(r"\d+\.\d+", value):
        return str(float(value) / _MANY)
    if _NAMES_OF_AWS.fullmatch(value):
        return f"{value}X"
    return None


def _without(number: int) -> _Edit:
    def edit(node: yaml.Node) -> None:
        del node.value[number]

    return edit


def _with_value(value: str) -> _Edit:
    def edit(node: yaml.Node) -> None:
        node.value = value

    return edit


def _edited(text: str, place: _Place, edit: _Edit) -> str:
    root = node = _parse(text)
    for step in place:
        if isinstance(node, yaml.MappingNode):
            node = next(value for key, value in node.value if key.value == step)
        else:
            node = node.value[step]
    edit(node)
    return str(yaml.serialize(root, allow_unicode=True, width=10_000))
