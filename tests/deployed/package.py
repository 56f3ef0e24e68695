"""What is deployed: a copy of the build, changes, and nothing that ministack refuses."""

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final

from benchmarks.packages import BUILD_FOLDER
from local.template.parse import parse_template

type Tree = Any
"""A part of a template."""

REFUSED_TYPES: Final[Mapping[str, str]] = {
    "AWS::CloudWatch::CompositeAlarm": "alarms that are made of others",
    "AWS::XRay::SamplingRule": "how many requests are traced",
    "AWS::WAFv2::WebACLAssociation": "what a web ACL protects",
}
"""Types of resources that ministack does not know, with what they are for.

It refuses a template that has one, unless the resource has a condition that is false. A test tries
each of them: what ministack has learnt must not stay here.
"""

REFUSED_ALARM: Final[Mapping[str, Tree]] = {
    "Type": "AWS::CloudWatch::Alarm",
    "Properties": {
        "ComparisonOperator": "GreaterThanThreshold",
        "EvaluationPeriods": 1,
        "Threshold": 1,
        "Metrics": [{"Id": "one", "Expression": "TIME_SERIES(1)"}],
    },
}
"""An alarm on an expression (metric math), which it refuses, too."""

UNDEPLOYED: Final = "not-deployed"
"""The value of references to resources that are left out."""

ENDPOINT_VARIABLES: Final = frozenset(
    f"AWS_ENDPOINT_URL_{service}" for service in ("DYNAMODB", "SQS", "SSM")
)
"""The template's variables that say where functions call AWS.

S3's stays empty, because presigned URLs begin with it: they are to be those of AWS. What functions
send to S3 reaches the emulator by ``AWS_ENDPOINT_URL``, which botocore knows.
"""

DOCTOR: Final = "DoctorFunction"
"""The function that makes the checks on a schedule.

It calls AWS with botocore only, which reaches the emulator by ``AWS_ENDPOINT_URL``. With endpoints
of its own it would take itself for a part of the local stack.
"""

_CHANGE: Final = """

_unchanged_handler = lambda_handler


def lambda_handler(event, context):
    response = _unchanged_handler(event, context)
    return {{**response, "headers": {{**response["headers"], "x-change": "{value}"}}}}
"""


def copy_build(folder: Path, authority: Path) -> None:
    """Copies what `make build` made.

    Args:
        folder: the folder for the copy; it must not exist.
        authority: the file of a certificate authority that functions are to trust. They know those
            of the botocore in the layer, and no others.
    """
    shutil.copytree(BUILD_FOLDER, folder)
    known = folder / "DependenciesLayer" / "python" / "botocore" / "cacert.pem"
    with known.open("ab") as file:
        file.write(authority.read_bytes())


class Package:
    """What is deployed: the build, and changes.

    Args:
        folder: the folder of a copy of the build. It has the changes of all packages.
        endpoint: the emulator's URL. Functions are to call it instead of AWS.
        doctor_variables: environment variables by which the doctor's function reaches the API at
            its URL in AWS.
    """

    def __init__(self, folder: Path, endpoint: str, doctor_variables: Mapping[str, str]) -> None:
        self._folder = folder
        self._template = parse_template((folder / "template.yaml").read_text("utf-8"))
        for resource in [self._template["Globals"]["Function"], *_functions(self._template)]:
            variables = resource["Environment"]["Variables"]
            for name in variables.keys() & ENDPOINT_VARIABLES:
                variables[name] = endpoint
        doctor = self._template["Resources"][DOCTOR]["Properties"]["Environment"]["Variables"]
        doctor.update(dict.fromkeys(ENDPOINT_VARIABLES, ""), **doctor_variables)

    def change_function(self, function: str, value: str) -> None:
        """Has a function add the header ``x-change`` with ``value`` to its responses.

        Args:
            function: its logical id.
            value: the header's value.
        """
        changed = Path(mkdtemp(prefix=function, dir=self._folder))
        shutil.copytree(self._folder / function, changed, dirs_exist_ok=True)
        code = changed / "app.py"
        code.write_text(code.read_text("utf-8") + _CHANGE.format(value=value), "utf-8")
        # Python doesn't compare this bytecode with its source.
        for compiled in (changed / "__pycache__").glob("app.*.pyc"):
            compiled.unlink()
        self._template["Resources"][function]["Properties"]["CodeUri"] = changed.name

    def add_resource(self, logical_id: str, resource: Mapping[str, Tree]) -> None:
        """Adds a resource to the template."""
        self._template["Resources"][logical_id] = resource

    def write_template(self) -> Path:
        """Writes the template without what the emulator refuses; returns its file."""
        path = self._folder / "deployed.json"
        path.write_text(json.dumps(without_refused(self._template)), "utf-8")
        return path


def _functions(template: Tree) -> Iterator[Tree]:
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            yield resource["Properties"]


def without_refused(template: Tree) -> Tree:
    """Returns a template without the resources that ministack refuses.

    What depends on one of them does not wait for it any more. Where its name is used, as in a
    dashboard, there is ``UNDEPLOYED`` instead. Outputs that use it are left out.
    """
    refused = set(_refused(template["Resources"]))
    if not refused:
        return template
    kept = {name: r for name, r in template["Resources"].items() if name not in refused}
    for resource in kept.values():
        if "DependsOn" in resource:
            names = resource["DependsOn"]
            listed = [names] if isinstance(names, str) else names
            resource["DependsOn"] = [name for name in listed if name not in refused]
    outputs = {
        name: output
        for name, output in template["Outputs"].items()
        if _without_references(output, refused) == output
    }
    return {**template, "Resources": _without_references(kept, refused), "Outputs": outputs}


def _refused(resources: Mapping[str, Tree]) -> Iterator[str]:
    for name, resource in resources.items():
        is_alarm = resource["Type"] == REFUSED_ALARM["Type"]
        if resource["Type"] in REFUSED_TYPES or (is_alarm and "Metrics" in resource["Properties"]):
            yield name


def _without_references(tree: Tree, names: set[str]) -> Tree:
    """Returns a part of a template with ``UNDEPLOYED`` for each reference to ``names``."""
    match tree:
        case {"Ref": str(name)} if name in names:
            return UNDEPLOYED
        case {"Fn::GetAtt": [str(name), *_]} if name in names:
            return UNDEPLOYED
        case {"Fn::Sub": str(text)}:
            return {"Fn::Sub": _without_placeholders(text, names)}
        case {"Fn::Sub": [str(text), variables]}:
            values = _without_references(variables, names)
            return {"Fn::Sub": [_without_placeholders(text, names - values.keys()), values]}
        case dict():
            return {key: _without_references(value, names) for key, value in tree.items()}
        case list():
            return [_without_references(value, names) for value in tree]
        case _:
            return tree


def _without_placeholders(text: str, names: set[str]) -> str:
    """Returns a text of ``Fn::Sub`` with ``UNDEPLOYED`` for ``${name}`` and ``${name.Arn}``."""
    return re.sub(
        r"\$\{([A-Za-z0-9]+)(\.[A-Za-z.]+)?\}",
        lambda placeholder: UNDEPLOYED if placeholder[1] in names else placeholder[0],
        text,
    )
