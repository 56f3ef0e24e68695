"""Events that an operator sends: they are checked before the first is sent."""

import json
from pathlib import Path
from typing import Any, cast

import pytest

from tests.support.functions import ROOT
from usagectl.errors import CommandError
from usagectl.send import MAX_CALL_BYTES, Envelope, read_event, send

SAMPLE = json.loads((ROOT / "events" / "event-execution-recorded.json").read_text("utf-8"))


class Bus:
    """EventBridge, as far as it takes events."""

    def __init__(self, refuses: str = "") -> None:
        self.calls: list[list[str]] = []
        self._refuses = refuses

    def put_events(self, *, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803 - boto3's name
        """Takes events, but not the one that it is told to refuse."""
        details = [entry["Detail"] for entry in Entries]
        size = sum(len(text.encode()) for e in Entries for text in list(e.values())[1:])
        assert 0 < len(details) <= 10
        assert size <= MAX_CALL_BYTES
        self.calls.append(details)
        return {
            "Entries": [
                {"ErrorCode": "InternalFailure"} if detail == self._refuses else {"EventId": 1}
                for detail in details
            ]
        }


def write_event(path: Path, **fields: str) -> Path:
    """Writes the sample event with other fields in its detail."""
    path.write_text(json.dumps({**SAMPLE, "detail": {**SAMPLE["detail"], **fields}}), "utf-8")
    return path


def test_an_event_that_is_too_large_for_the_bus_is_refused(tmp_path: Path) -> None:
    """The sentence names the file, its size and the limit, which counts bytes, not characters."""
    size = read_event(write_event(tmp_path / "event.json", note="")).size
    fits = "x" * (MAX_CALL_BYTES - size)
    assert read_event(write_event(tmp_path / "event.json", note=fits)).size == MAX_CALL_BYTES
    too_long = "é" * ((MAX_CALL_BYTES - size) // 2 + 1)
    with pytest.raises(CommandError) as error:
        read_event(write_event(tmp_path / "event.json", note=too_long))
    size += 2 * len(too_long)
    assert str(error.value) == (
        f"{tmp_path}/event.json: the event has {size:,} bytes; EventBridge takes at most 1,048,575."
    )


def test_a_text_that_is_not_unicode_is_refused(tmp_path: Path) -> None:
    """Also in a field that nobody reads."""
    with pytest.raises(CommandError, match=r"must not contain half of a surrogate pair\.$"):
        read_event(write_event(tmp_path / "event.json", note="\ud800"))


def test_events_are_sent_in_calls_that_the_bus_takes() -> None:
    """Ten events at most, and together no more bytes than one event may have; in their order."""
    bus = Bus()
    small = [Envelope("source", "type", str(number)) for number in range(25)]
    large = [Envelope("source", "type", f"{number}{'x' * 400_000}") for number in range(3)]
    assert send(cast(Any, bus), "bus", [*small, *large]) == 28
    assert [len(call) for call in bus.calls] == [10, 10, 7, 1]
    sent = [detail for call in bus.calls for detail in call]
    assert sent == [event.detail for event in [*small, *large]]


def test_an_event_that_the_bus_refuses_ends_it() -> None:
    """The sentence says which one, so that the others can be sent."""
    events = [Envelope("source", "type", str(number)) for number in range(1, 13)]
    sentence = r"^The bus refuses event 12 of 12: InternalFailure; those before it are sent\.$"
    with pytest.raises(CommandError, match=sentence):
        send(cast(Any, Bus(refuses="12")), "bus", events)
