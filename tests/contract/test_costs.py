"""The figures of the costs that are measured by running the functions: logs, and answers."""

import gzip
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import httpx
import pytest

from local.data.demo import write_demo
from local.log import NoLog, ServedRequest
from local.stack import Stack
from tests.support.functions import ROOT
from tools.costs.data import Measured
from usagectl.loading.loader import Loader
from usagectl.send import read_event, send

HEADERS: Final = {"Authorization": "Bearer 1|demo-ana", "x-workspace-id": "11"}
MEASURED: Final = Measured.read()

LISTING: Final = "/workspaces/usage"
QUESTIONS: Final[Mapping[str, tuple[str, dict[str, str]]]] = {
    "page_of_20": (LISTING, {"range": "30d", "per_page": "20"}),
    "page_of_100": (LISTING, {"range": "30d", "per_page": "100"}),
    "summary": (f"{LISTING}/summary", {"range": "30d", "group_by": "type"}),
}
"""What is asked for each kind of answer."""

ACCURACY: Final = 0.03
"""Ids and numbers in the lines have a few digits more or less."""


@dataclass
class Sizes(NoLog):
    """Keeps how long the lines of the log are, by the function, or by ``access``."""

    lines: list[tuple[str, int]] = field(default_factory=list)

    def request(self, served: ServedRequest) -> None:
        """Keeps the length of the line in the access log."""
        self.lines.append(("access", len(served.access_line.encode())))

    def function(self, name: str, line: str) -> None:
        """Keeps the length of a function's line."""
        self.lines.append((name, len(line.encode())))

    def take(self, count: int) -> dict[str, list[int]]:
        """Waits for some lines, and returns their lengths."""
        deadline = time.monotonic() + 60
        while len(self.lines) < count:
            assert time.monotonic() < deadline, self.lines
            time.sleep(0.01)
        taken: dict[str, list[int]] = {}
        for name, length in self.lines:
            taken.setdefault(name, []).append(length)
        self.lines = []
        return taken


@pytest.fixture(scope="module")
def log() -> Sizes:
    """What the stack has logged."""
    return Sizes()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, log: Sizes) -> Iterator[Stack]:
    """A stack with the demo's data."""
    folder = tmp_path_factory.mktemp("demo")
    write_demo(folder, datetime.now(UTC))
    with Stack.start(parameters={"CacheEnabled": "false"}, log=log) as running:
        Loader(running.resources).load(folder)
        yield running


@pytest.mark.parametrize("kind", QUESTIONS)
def test_logs_and_answers_are_as_large_as_the_costs_say(
    stack: Stack, log: Sizes, kind: str
) -> None:
    """The second time, when no line tells of a cold start."""
    path, query = QUESTIONS[kind]
    for attempt in (1, 2):
        del log.lines[:]
        response = httpx.get(f"{stack.url}{path}", params=query, headers=HEADERS, timeout=300)
        assert response.status_code == 200, attempt
        lines = log.take(5)
    (access,) = lines.pop("access")
    assert access == pytest.approx(MEASURED.request.access_log_bytes, rel=ACCURACY)
    authorizer = lines.pop("AuthorizerFunction")
    assert authorizer == pytest.approx(list(MEASURED.authorizer.log_lines), rel=ACCURACY)
    (answer,) = lines.values()
    assert answer == pytest.approx(list(MEASURED.answers[kind].log_lines), rel=ACCURACY)
    compressed = len(gzip.compress(response.content, 6))
    assert compressed == pytest.approx(MEASURED.answers[kind].answer_bytes, rel=0.1)


def test_the_log_of_an_event_is_as_large_as_the_costs_say(stack: Stack, log: Sizes) -> None:
    """Its first run has a line for the cold start, too."""
    event = read_event(ROOT / "events" / "event-execution-recorded.json")
    bus = stack.template.resources["EventBus"].name
    del log.lines[:]
    assert send(stack.clients.events, bus, [event]) == 1
    _, line = log.take(2)["RecorderFunction"]
    assert line == pytest.approx(MEASURED.event.log_lines[0], rel=ACCURACY)
