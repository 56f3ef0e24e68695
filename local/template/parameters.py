"""The values of the template's parameters, checked as CloudFormation checks them."""

import re
from collections.abc import Mapping
from typing import Final

from local.errors import TemplateError
from local.template.template import Tree

_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")


def choose_values(declared: Mapping[str, Tree], given: Mapping[str, str]) -> dict[str, str]:
    """Returns the value of each parameter: the given one, or its default.

    Raises:
        TemplateError: a value is missing, or CloudFormation would refuse it.
    """
    unknown = given.keys() - declared.keys()
    if unknown:
        known = ", ".join(declared)
        raise TemplateError(f"the template has no parameter {min(unknown)}; it has {known}")
    values = {}
    for name, declaration in declared.items():
        value = given.get(name, declaration.get("Default"))
        if value is None:
            raise TemplateError(f"the parameter {name} needs a value: {name}=...")
        values[name] = spell(value)
        _check(name, declaration, values[name])
    return values


def spell(value: Tree) -> str:
    """Returns a scalar as text, as CloudFormation compares and shows all values."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _check(name: str, declaration: Mapping[str, Tree], value: str) -> None:
    """Refuses a value that CloudFormation would refuse."""
    allowed = [spell(choice) for choice in declaration.get("AllowedValues", ())]
    if allowed and value not in allowed:
        raise TemplateError(f"{name} must be one of {', '.join(allowed)}, not {value!r}")
    pattern = declaration.get("AllowedPattern")
    if pattern is not None and not re.fullmatch(pattern, value):
        wanted = declaration.get("ConstraintDescription", f"a value that matches {pattern}")
        raise TemplateError(f"{name} must be {wanted}, not {value!r}")
    if len(value) < int(declaration.get("MinLength", 0)):
        raise TemplateError(f"{name} must have at least {declaration['MinLength']} characters")
    if len(value) > int(declaration.get("MaxLength", len(value))):
        raise TemplateError(f"{name} must have at most {declaration['MaxLength']} characters")
    if declaration.get("Type") == "Number":
        _check_bounds(name, declaration, value)


def _check_bounds(name: str, declaration: Mapping[str, Tree], value: str) -> None:
    if not _NUMBER.fullmatch(value):
        raise TemplateError(f"{name} must be a number, not {value!r}")
    number = float(value)
    least, most = declaration.get("MinValue"), declaration.get("MaxValue")
    if least is not None and number < float(least):
        raise TemplateError(f"{name} must be at least {least}, not {value}")
    if most is not None and number > float(most):
        raise TemplateError(f"{name} must be at most {most}, not {value}")
