"""Keeps ``usage_history_min_date``, which operators set, when a deployment resets it.

CloudFormation writes the parameter again, with the value of the template, if anything of it
changes. New tags of the stack are such a change.
"""

import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from tools.deploy.findings import Finding, fine, warning
from tools.deploy.target import Target

_SUBJECT: Final = "usage_history_min_date"
_PARAMETER: Final = "MinDateParameter"


@dataclass(frozen=True, slots=True)
class Setting:
    """The setting, as it is in AWS.

    Attributes:
        name: the parameter's name.
        value: its value, or None if there is no parameter.
        initial: the value that a deployment gives to a new parameter.
    """

    name: str
    value: str | None
    initial: str

    @property
    def is_changed(self) -> bool:
        """Whether somebody has given it another value than a deployment does."""
        return self.value not in {None, self.initial}


def read_setting(target: Target) -> Setting:
    """Returns the setting of an environment."""
    resource = dict(target.template.resources())[_PARAMETER]
    name = target.template.resolve(resource, "Name")
    found = target.client("ssm").get_parameters(Names=[name])["Parameters"]
    value = str(found[0]["Value"]) if found else None
    return Setting(name, value, target.template.resolve(resource, "Value"))


def check_setting(target: Target) -> Iterator[Finding]:
    """Says whether the deployment would reset the setting."""
    is_touched = (
        _PARAMETER in target.deployed_ids and target.deployed_tags != target.environment.tags
    )
    if is_touched and read_setting(target).is_changed:
        yield warning(
            _SUBJECT,
            "the stack's tags change, and CloudFormation then switches the setting off. `make"
            " deploy` restores it at its end; until then, callers see older rows, too",
        )
    else:
        yield fine(_SUBJECT, "the deployment doesn't change it")


def restore_setting(target: Target, before: Setting) -> bool:
    """Restores the setting if a deployment has reset it, and says so.

    A value that an operator has set meanwhile stays.

    Args:
        target: the environment's target.
        before: the setting before the deployment.

    Returns:
        Whether the setting can be relied on. If not, the command that restores it was printed.
    """
    if not before.is_changed:
        return True
    try:
        if read_setting(target).value == before.initial:
            target.client("ssm").put_parameter(Name=before.name, Value=before.value, Overwrite=True)
            print(f"The deployment has reset {_SUBJECT}. It is restored: {before.value}")
    except (BotoCoreError, ClientError) as error:
        sys.stderr.write(
            f"The deployment may have reset {_SUBJECT}, and it can't be restored: {error}\nRun this"
            f" at once: aws ssm put-parameter --overwrite --region {target.region} --name"
            f" {before.name} --value {shlex.quote(str(before.value))}\n"
        )
        return False
    return True
