"""Checks whether a deleted stack of this name has left tables or buckets with data.

They don't make the deployment fail. But the new stack would have new, empty ones beside them.
"""

from collections.abc import Iterator
from typing import Final

from tools.deploy.findings import Finding, fine, warning
from tools.deploy.retained import find_retained
from tools.deploy.target import Target

_SUBJECT: Final = "data of a deleted stack"
_WITH_DATA: Final = {"AWS::DynamoDB::Table", "AWS::S3::Bucket"}


def check_leftovers(target: Target) -> Iterator[Finding]:
    """Yields one warning that names all tables and buckets that are left."""
    names = [found.name for found in find_retained(target) if found.type in _WITH_DATA]
    if names:
        yield warning(
            _SUBJECT,
            f"{', '.join(names)}: the new stack would not use them; take them over with"
            f" `make take-over ENV={target.environment.name}`, or delete them (docs/deploy.md)",
        )
    else:
        yield fine(_SUBJECT, "there are none")
