"""A stack that is deployed to the emulator: `sam deploy`, `usagectl`, requests, aliases."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import httpx
from botocore.exceptions import ClientError

from tests.deployed.emulator import Emulator
from tests.deployed.package import Package, copy_build
from tests.support.functions import ROOT
from tools.deploy.environment import SAMCONFIG, read_environment

ENVIRONMENT: Final = "prod"
"""The section of samconfig.toml that is deployed."""

LOG: Final = ROOT / ".aws-sam" / "functions.log"
"""What the functions of the last check logged."""

_SAM: Final = ROOT / ".venv-sam" / "bin" / "sam"
_PROD: Final = read_environment(ENVIRONMENT)

STACK: Final = _PROD.stack
PARAMETERS: Final[Mapping[str, str]] = {
    **_PROD.parameters,
    # The emulator has no CodeDeploy.
    "DeploymentType": "AllAtOnce",
    "ChecksEnabled": "true",
}
"""The parameters that a deployment names. sam would keep the value of one that it doesn't name."""


class DeploymentError(Exception):
    """`sam deploy` did not succeed. The message has the reasons, one a line."""


class DeployedStack:
    """The stack in the emulator.

    Args:
        emulator: the emulator.
        folder: an empty folder for what is deployed.
    """

    def __init__(self, emulator: Emulator, folder: Path) -> None:
        self._emulator = emulator
        self._folder = folder
        self._build = folder / "build"
        copy_build(self._build, emulator.authority)

    def package(self) -> Package:
        """Returns what was built, without changes."""
        return Package(self._build, self._emulator.url, self._emulator.proxy_variables)

    def deploy(self, package: Package, **parameters: str) -> None:
        """Deploys a package as `sam deploy` does.

        Args:
            package: what is deployed.
            parameters: parameters of the template.

        Raises:
            DeploymentError: the deployment failed.
        """
        values = [f"{name}={value}" for name, value in {**PARAMETERS, **parameters}.items()]
        done = self._run(
            *(_SAM, "deploy", "--template-file", package.write_template()),
            *("--config-file", SAMCONFIG, "--config-env", ENVIRONMENT),
            *("--no-confirm-changeset", "--no-progressbar", "--parameter-overrides", *values),
        )
        if done.returncode:
            # Before it, there are lines about uploads.
            error = done.stderr[max(done.stderr.rfind("Error:"), 0) :].strip()
            raise DeploymentError("\n".join([error, *self._failures()]))

    def usagectl(self, *arguments: str | Path) -> str:
        """Runs a command of usagectl that succeeds, and returns what it printed."""
        done = self._run(sys.executable, "-m", "usagectl", *arguments)
        assert done.returncode == 0, f"usagectl {arguments[0]}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def issue_token(self, user_id: int) -> str:
        """Has usagectl issue a token of a user's."""
        issued = json.loads(self.usagectl("token", "issue", "--user", str(user_id), "--json"))
        token: str = issued["token"]
        return token

    def client(self, service: Any) -> Any:
        """Returns a client of one of the emulator's services."""
        return self._emulator.client(service)

    def http(self) -> httpx.Client:
        """Returns a client that reaches the API, and files, by the URLs that they have in AWS."""
        return httpx.Client(
            base_url=self.url,
            proxy=self._emulator.proxy,
            verify=self._emulator.tls,
            timeout=60,
        )

    def output(self, name: str) -> str:
        """Returns an output of the stack, as it is now."""
        outputs: dict[str, str] = {
            output["OutputKey"]: output["OutputValue"] for output in self._description()["Outputs"]
        }
        return outputs[name]

    @property
    def url(self) -> str:
        """The URL of the API. It can be another one after each deployment."""
        return self.output("ApiUrl").removesuffix("/workspaces/usage")

    @property
    def status(self) -> str:
        """CloudFormation's status of the stack."""
        status: str = self._description()["StackStatus"]
        return status

    def logs(self, function: str) -> str:
        """Returns what a function logged: ``recorder``'s, for example."""
        group = f"/aws/lambda/{STACK}/{function}"
        pages = self.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
        messages: list[str] = [e["message"].rstrip() for page in pages for e in page["events"]]
        return "\n".join(messages)

    def keep_logs(self) -> None:
        """Writes what the functions logged into ``LOG``."""
        groups = self.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{STACK}/")
        names = [group["logGroupName"].rpartition("/")[2] for group in groups["logGroups"]]
        LOG.write_text("".join(f"== {name}\n{self.logs(name)}\n" for name in names), "utf-8")

    def events(self) -> list[tuple[str, str]]:
        """Returns the logical ids and new statuses of the stack's events, oldest first."""
        return [(event["LogicalResourceId"], event["ResourceStatus"]) for event in self._events()]

    def live_version(self) -> int:
        """Returns the version of the usage function to which its alias leads."""
        function, _, alias = self.output("UsageFunctionArn").rpartition(":")
        found = self.client("lambda").get_alias(FunctionName=function, Name=alias)
        return int(found["FunctionVersion"])

    def physical_id(self, logical_id: str) -> str:
        """Returns the name that CloudFormation gave to a resource."""
        described = self.client("cloudformation").describe_stack_resource(
            StackName=STACK, LogicalResourceId=logical_id
        )
        name: str = described["StackResourceDetail"]["PhysicalResourceId"]
        return name

    def _description(self) -> Any:
        (described,) = self.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
        return described

    def _events(self) -> list[Any]:
        pages = self.client("cloudformation").get_paginator("describe_stack_events")
        events = [e for page in pages.paginate(StackName=STACK) for e in page["StackEvents"]]
        return events[::-1]

    def _failures(self) -> Iterator[str]:
        """Yields why resources failed, if there is a stack."""
        with suppress(ClientError):
            for event in self._events():
                if event["ResourceStatus"].endswith("_FAILED"):
                    yield f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason')}"

    def _run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        environment = {
            **self._emulator.environment,
            "PYTHONPATH": os.pathsep.join([str(ROOT / "layers" / "core"), str(ROOT)]),
            "USAGECTL_STACK": STACK,
            "COLUMNS": "200",
            "NO_COLOR": "1",
        }
        return subprocess.run(
            list(map(str, command)),
            cwd=self._folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
