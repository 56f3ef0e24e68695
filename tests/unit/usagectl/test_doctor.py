"""What doctor says of a deployment in AWS whose recorder stands still."""

from types import SimpleNamespace

import pytest

from usagectl.deployment import Deployment
from usagectl.doctor import examine
from usagectl.errors import CommandError


class Mappings:
    """Lambda, as far as its event source mappings are read. There is no other service."""

    def __init__(self, **states: str) -> None:
        self._states = states
        self.meta = SimpleNamespace(service_model=SimpleNamespace(service_name="lambda"))

    def client(self, service: str, **_: object) -> "Mappings":
        """Lambda's client."""
        if service != "lambda":
            raise CommandError(f"there is no {service} here")
        return self

    def get_event_source_mapping(self, *, UUID: str) -> dict[str, str]:  # noqa: N803 - boto3's name
        """One mapping's state."""
        return {"State": self._states[UUID]}


@pytest.mark.parametrize(
    ("rows", "access", "expected"),
    [
        ("Enabled", "Enabled", {"recorder": True, "recorder, tokens and members": True}),
        ("Disabled", "Enabled", {"recorder": False, "recorder, tokens and members": True}),
        ("Enabled", "Disabled", {"recorder": True, "recorder, tokens and members": False}),
    ],
)
def test_both_event_source_mappings_of_the_recorder_are_checked(
    rows: str, access: str, expected: dict[str, bool]
) -> None:
    """An operator may pause the one of executions, but not the one of tokens and members."""
    outputs = {"EventSourceMappingId": "rows", "AccessEventSourceMappingId": "access"}
    session = Mappings(rows=rows, access=access)
    findings = list(examine(Deployment("stack", outputs, "", session, {}), None))
    found = {f.check: f.is_well for f in findings if f.check.startswith("recorder")}
    assert found == expected
    details = " ".join(f.detail for f in findings)
    assert ("--uuid access starts it" in details) is (access == "Disabled")
