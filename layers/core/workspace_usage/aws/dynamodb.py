"""DynamoDB's items as they are stored and sent, and how a long answer is followed to its end."""

from collections.abc import Mapping
from typing import Any

type StoredItem = Mapping[str, Mapping[str, Any]]
"""An item in DynamoDB JSON: attribute name → ``{"S": …}`` or ``{"N": …}``."""

type WritableItem = dict[str, dict[str, Any]]
"""A table's item, in DynamoDB JSON."""
