"""A function's configuration in the template: code, environment variables, time-out, versions."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from local.aws import CREDENTIALS, NO_CONFIGURATION, REGION
from local.errors import TemplateError
from local.template.template import Resource, Template, code_path


@dataclass(frozen=True, slots=True)
class FunctionConfiguration:
    """How a function runs.

    Attributes:
        logical_id: its name in the template.
        name: its name in Lambda.
        arn: its ARN without a version.
        folder: where its code is.
        timeout: seconds that it may take for an event.
        environment: its environment variables.
        versions: the version that each of its ARNs leads to.
    """

    logical_id: str
    name: str
    arn: str
    folder: Path
    timeout: float
    environment: Mapping[str, str]
    versions: Mapping[str, str]

    @classmethod
    def from_template(
        cls, template: Template, function: Resource, endpoints: Mapping[str, str]
    ) -> Self:
        """Reads the configuration of one function of ``template``.

        Args:
            template: the expanded template.
            function: the function.
            endpoints: URLs of services by environment variable. As with ``sam local``, only
                variables that the template declares are set.

        Raises:
            TemplateError: its code is not in a folder beside the template.
        """
        given = function.properties
        declared = {
            name: str(value)
            for name, value in given.get("Environment", {}).get("Variables", {}).items()
        }
        folder = template.folder.resolve() / code_path(function, "Code")
        if not folder.is_dir():
            raise TemplateError(f"{function.logical_id}: there is no folder {folder}")
        layers = {layer.name: layer for layer in template.of_type("AWS::Lambda::LayerVersion")}
        content = [code_path(layers[name], "Content") for name in given.get("Layers", [])]
        log_group = given.get("LoggingConfig", {}).get("LogGroup", f"/aws/lambda/{function.name}")
        return cls(
            logical_id=function.logical_id,
            name=function.name,
            arn=function.arn,
            folder=folder,
            timeout=float(given.get("Timeout", 3)),
            environment={
                **declared,
                **{name: url for name, url in endpoints.items() if name in declared},
                **CREDENTIALS,
                **NO_CONFIGURATION,
                "AWS_DEFAULT_REGION": REGION,
                "AWS_EXECUTION_ENV": f"AWS_Lambda_{given['Runtime']}",
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(given.get("MemorySize", 128)),
                "AWS_LAMBDA_FUNCTION_NAME": function.name,
                "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
                "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
                "AWS_LAMBDA_LOG_GROUP_NAME": str(log_group),
                "AWS_LAMBDA_LOG_STREAM_NAME": "local",
                "AWS_REGION": REGION,
                "LAMBDA_TASK_ROOT": str(folder),
                "LANG": "en_US.UTF-8",
                "PATH": os.environ.get("PATH", ""),
                "PYTHONPATH": os.pathsep.join(
                    str(_packages(template.folder.resolve() / path)) for path in content
                ),
                "TZ": ":UTC",
                "_HANDLER": given["Handler"],
            },
            versions=versions_by_arn(template, function),
        )


def _packages(layer: Path) -> Path:
    """Returns where a layer's packages are: once it is built, in ``python``, as Lambda expects."""
    built = layer / "python"
    return built if built.is_dir() else layer


def versions_by_arn(template: Template, function: Resource) -> dict[str, str]:
    """Returns the version that each ARN of a function leads to; versions and aliases have one."""
    published = {
        resource.arn: resource.properties.get("FunctionVersion", resource.name)
        for kind in ("AWS::Lambda::Version", "AWS::Lambda::Alias")
        for resource in template.of_type(kind)
        if resource.properties["FunctionName"] == function.name
    }
    return {function.arn: "$LATEST", **published}
