"""The templates as CloudFormation would read them, for scanners that don't know SAM.

SAM's resources become those of CloudFormation, and references and conditions are resolved. So a
rule about Lambda functions sees the functions, with what ``Globals`` gives them.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from local.template.expand import expand
from local.template.parse import parse_template


class LeftOutResources(Exception):
    """With the parameters of scanners.toml, resources of the template would not be scanned."""


def write_expanded(template: Path, parameters: Mapping[str, str], target: Path) -> None:
    """Writes the expanded template to a file, as JSON.

    Args:
        template: the template.
        parameters: values of its parameters; the others have their defaults.
        target: the file to write.

    Raises:
        LeftOutResources: a condition of a resource is false with these parameters.
        TemplateError: the template is not valid.
    """
    resources = expand(template, parameters).resources
    written = parse_template(template.read_text("utf-8"))["Resources"]
    left_out = [
        name
        for name, resource in written.items()
        if name not in resources and resource["Type"] != "AWS::Serverless::LayerVersion"
    ]
    if left_out:
        raise LeftOutResources(
            f"{template.name}: {', '.join(left_out)} would not be scanned;"
            " scanners.toml needs parameters with which their conditions are true"
        )
    content = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Resources": {
            name: {"Type": resource.type, "Properties": resource.properties}
            for name, resource in resources.items()
        },
    }
    target.write_text(json.dumps(content, indent=1), "utf-8")
