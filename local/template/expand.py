"""Expands ``template.yaml`` as CloudFormation does: SAM is translated, references are resolved.

AWS's own aws-sam-translator does the first part, offline.
"""

import logging
import re
from collections.abc import Mapping
from pathlib import Path

import yaml
from samtranslator.model.exceptions import ExceptionWithMessage, InvalidDocumentException
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from local.aws import REGION, session
from local.errors import TemplateError
from local.template.parameters import choose_values, spell
from local.template.parse import parse_template
from local.template.resolver import Resolver
from local.template.template import CODE_BUCKET, Template, Tree


def expand(path: Path, parameters: Mapping[str, str]) -> Template:
    """Returns the expanded template of a file.

    Args:
        path: the file.
        parameters: values of its parameters; the others have their defaults.

    Raises:
        TemplateError: the file can't be read, is not a valid template, or CloudFormation would
            refuse the parameters.
    """
    try:
        return _expand(path, parameters)
    except InvalidDocumentException as error:
        reasons = "; ".join(cause.message for cause in error.causes)
        raise TemplateError(f"{path}: {reasons}") from None
    except ExceptionWithMessage as error:
        raise TemplateError(f"{path}: {error.message}") from None
    except RecursionError:
        raise TemplateError(f"{path} makes no sense: something in it refers to itself") from None
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, re.error) as error:
        # A template can be wrong in many ways: not each has its own sentence.
        raise TemplateError(f"{path} makes no sense: {type(error).__name__}: {error}") from None


def _expand(path: Path, parameters: Mapping[str, str]) -> Template:
    document = _read(path)
    values = choose_values(document.get("Parameters") or {}, parameters)
    expanded = _transform(document, values)
    resolver = Resolver(values, expanded)
    return Template(
        folder=path.parent,
        resources=resolver.resources(),
        outputs={
            name: spell(resolver.resolve(output["Value"]))
            for name, output in (expanded.get("Outputs") or {}).items()
            if resolver.holds(output.get("Condition"))
        },
    )


def _read(path: Path) -> dict[str, Tree]:
    try:
        document = parse_template(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise TemplateError(f"{path} can't be read: {error}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it can't be parsed"
        raise TemplateError(f"{path}{place} is not YAML: {problem}") from None
    if not isinstance(document, dict) or not isinstance(document.get("Resources"), dict):
        raise TemplateError(f"{path} is not a template: it has no Resources")
    return document


def _transform(document: dict[str, Tree], values: Mapping[str, str]) -> dict[str, Tree]:
    for resource in document["Resources"].values():
        properties = (resource.get("Properties") or {}) if isinstance(resource, dict) else {}
        for attribute in ("CodeUri", "ContentUri"):
            if isinstance(properties.get(attribute), str):
                properties[attribute] = f"s3://{CODE_BUCKET}/{properties[attribute]}"
    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    translator = Translator(None, Parser(), boto_session=session())
    expanded: dict[str, Tree] = translator.translate(
        document, {**values, "AWS::Region": REGION}, get_managed_policy_map=dict
    )
    return expanded
