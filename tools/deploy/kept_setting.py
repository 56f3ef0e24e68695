"""Checks whether the deployment would reset ``usage_history_min_date``, which operators set.

CloudFormation writes the parameter again, with the value of the template, if anything of it
changes. New tags of the stack are such a change.
"""

import json
import shlex
from collections.abc import Iterator
from typing import Final

from tools.deploy.findings import Finding, fine, warning
from tools.deploy.target import Target

_SUBJECT: Final = "usage_history_min_date"
_PARAMETER: Final = "MinDateParameter"


def check_setting(target: Target) -> Iterator[Finding]:
    """Says whether the setting would be lost."""
    is_touched = (
        _PARAMETER in target.deployed_ids and target.deployed_tags != target.environment.tags
    )
    command = restoring_command(target) if is_touched else None
    if command is None:
        yield fine(_SUBJECT, "the deployment doesn't change it")
    else:
        yield warning(
            _SUBJECT,
            "the stack's tags change, and CloudFormation then resets the setting; restore it"
            f" at once after the deployment: `{command}`",
        )


def restoring_command(target: Target) -> str | None:
    """Returns the command that gives the setting its present value, or None if none is needed.

    None is needed if there is no setting yet, or if it has the template's value.
    """
    resource = dict(target.template.resources())[_PARAMETER]
    name = target.template.resolve(resource, "Name")
    parameters = target.client("ssm").get_parameters(Names=[name])["Parameters"]
    values = [str(parameter["Value"]) for parameter in parameters]
    initial = target.template.resolve(resource, "Value")
    if not values or json.loads(values[0]) == json.loads(initial):
        return None
    return (
        f"aws ssm put-parameter --overwrite --region {target.region} --name {name}"
        f" --value {shlex.quote(values[0])}"
    )
