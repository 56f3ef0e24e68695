"""``template.yaml`` as CloudFormation would see it: SAM expanded, every reference resolved.

AWS's own aws-sam-translator expands it, offline. What a resource is called, and what its ARN is,
would be known only once it is deployed; here both are made up from the stack's name.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from samtranslator.model.exceptions import ExceptionWithMessage, InvalidDocumentException
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

from local.aws import ACCOUNT, REGION, session
from local.errors import TemplateError

STACK_NAME: Final = "workspace-usage"

VERSION: Final = "1"
"""The only version of a function that publishes any: a stack begins with nothing."""

type Tree = Any
"""What YAML can say: nested dictionaries, lists and scalars."""

_PSEUDO_PARAMETERS: Final = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{STACK_NAME}/local",
    "AWS::StackName": STACK_NAME,
    "AWS::URLSuffix": "amazonaws.com",
}
_NO_VALUE: Final = object()
_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_HERE: Final = "local"
"""The made-up S3 bucket of the code: SAM wants code to be in one, so a path becomes its key."""

_NAME_PROPERTIES: Final = {
    "AWS::ApiGateway::Stage": "StageName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::Events::EventBus": "Name",
    "AWS::Events::Rule": "Name",
    "AWS::IAM::Role": "RoleName",
    "AWS::Lambda::Alias": "Name",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::SSM::Parameter": "Name",
}
_ARNS: Final = {
    "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/",
    "AWS::Events::EventBus": f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/",
    "AWS::Events::Rule": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/",
    "AWS::IAM::Role": f"arn:aws:iam::{ACCOUNT}:role/",
    "AWS::Lambda::Function": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:",
    "AWS::S3::Bucket": "arn:aws:s3:::",
}


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

    def the(self, kind: str) -> Resource:
        """The only resource of its type.

        Raises:
            TemplateError: there is none, or more than one.
        """
        found = self.of_type(kind)
        if len(found) != 1:
            raise TemplateError(f"the template has {len(found)} {kind}, and one is served here")
        return found[0]


def expand(path: Path, parameters: Mapping[str, str]) -> Template:
    """The template at ``path`` with ``parameters``, and the defaults of those not given.

    Raises:
        TemplateError: the file can't be read or makes no sense, or CloudFormation would refuse the
            parameters.
    """
    try:
        return _expand(path, parameters)
    except InvalidDocumentException as error:
        reasons = "; ".join(cause.message for cause in error.causes)
        raise TemplateError(f"{path}: {reasons}") from None
    except ExceptionWithMessage as error:
        raise TemplateError(f"{path}: {error.message}") from None
    except RecursionError:
        raise TemplateError(f"{path} makes no sense: something in it leads to itself") from None
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, re.error) as error:
        # A template can be wrong in more ways than are worth a sentence each.
        raise TemplateError(f"{path} makes no sense: {type(error).__name__}: {error}") from None


def _expand(path: Path, parameters: Mapping[str, str]) -> Template:
    document = _read(path)
    values = _choose(document.get("Parameters") or {}, parameters)
    expanded = _transform(document, values)
    resolver = _Resolver(values, expanded)
    return Template(
        folder=path.parent,
        resources=resolver.resources(),
        outputs={
            name: _spell(resolver.resolve(output["Value"]))
            for name, output in (expanded.get("Outputs") or {}).items()
            if resolver.holds(output.get("Condition"))
        },
    )


def code_of(resource: Resource, attribute: str) -> str:
    """The path, from the template's folder, of a function's ``Code`` or a layer's ``Content``.

    Raises:
        TemplateError: its code is not a folder beside the template.
    """
    location = resource.properties.get(attribute, {})
    if not isinstance(location, dict) or location.get("S3Bucket") != _HERE:
        raise TemplateError(
            f"{resource.logical_id}: its code is not in a folder beside the template"
        )
    return str(location["S3Key"])


def is_true(value: Tree) -> bool:
    """CloudFormation's booleans, which are strings when they come from a parameter."""
    return str(value).lower() == "true"


def _read(path: Path) -> dict[str, Tree]:
    try:
        document = yaml_parse(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise TemplateError(f"{path} can't be read: {error}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it can't be parsed"
        raise TemplateError(f"{path}{place} is not YAML: {problem}") from None
    if not isinstance(document, dict) or not isinstance(document.get("Resources"), dict):
        raise TemplateError(f"{path} is no template: it has no Resources")
    return document


def _choose(declared: Mapping[str, Tree], given: Mapping[str, str]) -> dict[str, str]:
    unknown = given.keys() - declared.keys()
    if unknown:
        known = ", ".join(declared)
        raise TemplateError(f"the template has no parameter {min(unknown)}; it has {known}")
    values = {}
    for name, declaration in declared.items():
        value = given.get(name, declaration.get("Default"))
        if value is None:
            raise TemplateError(f"the parameter {name} needs a value: {name}=...")
        values[name] = _spell(value)
        _check(name, declaration, values[name])
    return values


def _spell(value: Tree) -> str:
    """A scalar as CloudFormation compares and shows it, which knows only texts."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _check(name: str, declaration: Mapping[str, Tree], value: str) -> None:
    """Refuses what CloudFormation would refuse."""
    allowed = [_spell(choice) for choice in declaration.get("AllowedValues", ())]
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


def _transform(document: dict[str, Tree], values: Mapping[str, str]) -> dict[str, Tree]:
    for resource in document["Resources"].values():
        properties = (resource.get("Properties") or {}) if isinstance(resource, dict) else {}
        for attribute in ("CodeUri", "ContentUri"):
            if isinstance(properties.get(attribute), str):
                properties[attribute] = f"s3://{_HERE}/{properties[attribute]}"
    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    translator = Translator(None, Parser(), boto_session=session())
    expanded: dict[str, Tree] = translator.translate(
        document, {**values, "AWS::Region": REGION}, get_managed_policy_map=dict
    )
    return expanded


class _Resolver:
    """Replaces CloudFormation's functions by their values."""

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
        """All resources whose condition holds."""
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
        """Whether a condition of the template holds; no condition always does."""
        if condition is None:
            return True
        if condition not in self._conditions:
            raise TemplateError(f"the template has no condition {condition}")
        return bool(self.resolve(self._conditions[condition]))

    def resolve(self, tree: Tree) -> Tree:
        """``tree`` with every function in it replaced."""
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
                return _spell(self.resolve(left)) == _spell(self.resolve(right))
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
        raise TemplateError(f"{function} with {argument!r} is not understood here")

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
        found: Mapping[str, Tree] = self._declared[logical_id]
        return found

    def _name(self, logical_id: str) -> str:
        declaration = self._declaration(logical_id)
        kind = declaration["Type"]
        given = (declaration.get("Properties") or {}).get(_NAME_PROPERTIES.get(kind, ""))
        if given is not None:
            return str(self.resolve(given))
        if kind == "AWS::Lambda::Version":
            return VERSION
        name = f"{STACK_NAME}-{logical_id}"
        return name.lower() if kind == "AWS::S3::Bucket" else name

    def _reference(self, logical_id: str) -> str:
        name = self._name(logical_id)
        match self._declaration(logical_id)["Type"]:
            case "AWS::SQS::Queue":
                return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}"
            case "AWS::Lambda::Alias" | "AWS::Lambda::Version":
                return self._arn(logical_id)
        return name

    def _arn(self, logical_id: str) -> str:
        declaration = self._declaration(logical_id)
        kind = declaration["Type"]
        if kind in {"AWS::Lambda::Alias", "AWS::Lambda::Version"}:
            function = self.resolve(declaration["Properties"]["FunctionName"])
            return f"{_ARNS['AWS::Lambda::Function']}{function}:{self._name(logical_id)}"
        service = kind.split("::")[1].lower()
        prefix = _ARNS.get(kind, f"arn:aws:{service}:{REGION}:{ACCOUNT}:")
        return prefix + self._name(logical_id)

    def _attribute(self, logical_id: str, attribute: str) -> str:
        if attribute == "Arn":
            return self._arn(logical_id)
        if attribute in {"Name", "QueueName", "Version"}:
            return self._name(logical_id)
        # A deployment alone can know it. It only has to be there, and to be told from others.
        return f"{self._name(logical_id)}.{attribute}"
