"""What docs/resources.md says of the template's resources."""

from typing import Any, Final

from tests.deploy.stack import Stack, Tree, as_list
from tests.docs.extraction import document

STACK: Final = Stack(ChecksEnabled="true", ReservedConcurrency="true")
"""A stack that has all of these resources."""

RESOURCES: Final = document("docs/resources.md")
FUNCTIONS: Final = {name.strip("`"): row for name, *row in RESOURCES.rows("Functions")}
QUEUES: Final = {name.strip("`"): row for name, *row in RESOURCES.rows("Queues")}
KEPT: Final = {name.strip("`"): row for name, *row in RESOURCES.rows("What is kept")}


def without(properties: Any, *names: str) -> dict[str, Tree]:
    """Returns the properties but for some."""
    return {name: value for name, value in properties.items() if name not in names}


def refusal_without_tls(service: str, resources: list[str]) -> dict[str, Tree]:
    """Returns the statement that refuses each request without TLS, from any caller."""
    return {
        "Effect": "Deny",
        "Principal": "*",
        "Action": f"{service}:*",
        "Resource": resources,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def statements_of(policy: str) -> list[dict[str, Tree]]:
    """Returns the statements of a resource's policy without their names."""
    policy_document = STACK.properties(policy)["PolicyDocument"]
    assert policy_document.keys() == {"Version", "Statement"}
    assert policy_document["Version"] == "2012-10-17"
    return [
        {**without(statement, "Sid"), "Resource": as_list(statement["Resource"])}
        for statement in policy_document["Statement"]
    ]
