"""How exports are read: as they are now."""

from typing import Any, cast

from workspace_usage.exporting.export import Owner
from workspace_usage.exporting.store import ExportStore


class Client:
    """A table without exports, which notes what is read."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []

    def get_item(self, **request: Any) -> dict[str, Any]:
        """Returns nothing."""
        self.requests.append(request)
        return {}


def test_an_export_is_read_as_it_is_now() -> None:
    """A caller finds what they have just started, and a run goes on where the last one ended."""
    client = Client()
    assert ExportStore(cast(Any, client), "exports").read(Owner(11, 1), "a" * 32) is None
    assert [request["ConsistentRead"] for request in client.requests] == [True]
