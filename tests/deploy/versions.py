"""The versions of functions in a template after SAM's transform."""

from typing import Final

from tests.deploy.stack import Tree

PUBLISHED: Final = ("UsageFunction", "SummaryFunction", "AuthorizerFunction")
"""The functions that callers wait for: each has an alias that leads to its newest version."""


def versions(template: Tree) -> dict[str, str]:
    """Returns the logical id of each function's version, in a template after SAM's transform."""
    return {
        resource["Properties"]["FunctionName"]["Ref"]: logical_id
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Lambda::Version"
    }
