"""Deploys an environment: ``make preflight``, ``make deploy`` and ``make take-over`` call this.

Exit codes: 0 all went well, 1 a check found what would make the deployment fail, or sam failed, 2
the command can't be used like this.
"""

import argparse
import shlex
import sys
from pathlib import Path
from typing import Final

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from tools.deploy.environment import read_environment
from tools.deploy.errors import DeployError
from tools.deploy.findings import Finding, has_failure
from tools.deploy.preflight import check_all
from tools.deploy.sam import check_flags, deploy, sam_commands
from tools.deploy.take_over import import_command, prepare_import, read_choices
from tools.deploy.target import Target, choose_region
from tools.deploy.template import Template

_IMPORT_FOLDER: Final = Path(".aws-sam") / "take-over"


def main() -> int:
    """Runs the command that the arguments name; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.deploy")
    parser.add_argument("command", choices=["preflight", "deploy", "take-over"])
    parser.add_argument("environment")
    parser.add_argument("--sam", default="sam")
    parser.add_argument("--flags", default="", help="options for sam deploy")
    parser.add_argument("--take", default="", help="LogicalId=name, separated by spaces")
    arguments = parser.parse_args()
    try:
        flags = shlex.split(arguments.flags)
        check_flags(flags)
        target = _target(arguments.environment)
        match arguments.command:
            case "preflight":
                return _preflight(target)
            case "deploy":
                return deploy(target, sam_commands(target, arguments.sam, flags))
            case _:
                return _take_over(target, arguments.take)
    except DeployError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except (BotoCoreError, ClientError) as error:
        sys.stderr.write(f"AWS does not answer as expected: {error}\n")
        return 1


def _target(name: str) -> Target:
    environment = read_environment(name)
    session = boto3.Session()
    region = choose_region(environment, session)
    if region is None:
        raise DeployError(
            "No region is chosen: export AWS_DEFAULT_REGION=..., or set one in your AWS profile."
        )
    return Target(environment, Template.read(environment), session, region)


def _preflight(target: Target) -> int:
    findings: list[Finding] = []
    for finding in check_all(target):
        print(finding)
        findings.append(finding)
    if has_failure(findings):
        print("The deployment would fail. Do what the lines with FAIL say, and try again.")
        return 1
    return 0


def _take_over(target: Target, take: str) -> int:
    prepared = prepare_import(target, read_choices(take))
    prepared.write(_IMPORT_FOLDER)
    print(f"These {len(prepared.resources)} resources can be taken over:")
    for resource in prepared.resources:
        print(f"  {resource.logical_id}: {resource.name}")
    print(f"\nIf they are the right ones, run:\n\n{import_command(target, _IMPORT_FOLDER)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
