"""A dictionary that knows what was looked up in it."""

from collections.abc import Mapping
from typing import Any


class LookupRecorder(dict[str, Any]):
    """A dictionary that records the names that are looked up, one by one.

    Attributes:
        names: the names, whether they were found or not.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.names.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        """Returns the value of a name, or the default."""
        self.names.add(name)
        return super().get(name, default)
