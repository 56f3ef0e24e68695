"""The data files: AWS's prices, and what was measured."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

_FOLDER: Final = Path(__file__).parent

ANSWER_KINDS: Final = ("page_of_20", "page_of_100", "summary")
"""The sections of ``measured.toml`` that describe an answer."""


@dataclass(frozen=True, slots=True)
class Prices:
    """AWS's prices.

    Attributes:
        region: where they hold.
        month: when they were looked up.
        cache_hours: dollars for an hour of a cache, by its size in GB.
        units: dollars for one of each thing, by the thing's name in ``prices.toml``.
    """

    region: str
    month: str
    cache_hours: Mapping[str, float]
    units: Mapping[str, float]

    @classmethod
    def read(cls) -> Self:
        """Returns the prices of ``prices.toml``."""
        content = tomllib.loads((_FOLDER / "prices.toml").read_text("utf-8"))
        return cls(
            region=content.pop("region"),
            month=content.pop("month"),
            cache_hours=content.pop("cache_hour"),
            units={name: price["dollars"] / price["per"] for name, price in content.items()},
        )

    def of(self, **amounts: float) -> float:
        """Returns the dollars for some amounts, by the names of what is bought."""
        return sum(self.units[name] * amount for name, amount in amounts.items())


@dataclass(frozen=True, slots=True)
class Work:
    """What a piece of work takes; ``measured.toml`` explains the figures."""

    cpu_ms: float
    wait_ms: float
    read_units: float
    log_lines: tuple[int, ...]
    answer_bytes: int = 0


@dataclass(frozen=True, slots=True)
class RequestOverhead:
    """What comes with each request to the API."""

    access_log_bytes: int
    header_bytes: int


@dataclass(frozen=True, slots=True)
class LogOverhead:
    """What the logs have besides the functions' lines: bytes of Lambda's own, bytes a line."""

    lambda_lines: tuple[int, ...]
    bytes_per_line: int


@dataclass(frozen=True, slots=True)
class EventWork:
    """What an event takes; ``batch`` is the largest number of events in a run."""

    cpu_ms: float
    wait_ms: float
    read_units: float
    write_units: float
    log_lines: tuple[int, ...]
    batch: int


@dataclass(frozen=True, slots=True)
class CountingWork:
    """What counting a million rows takes."""

    read_units: float
    write_units: float
    seconds: float


@dataclass(frozen=True, slots=True)
class ExportWork:
    """What an export of a million rows takes."""

    read_units: float
    seconds: float
    megabytes: float
    part_megabytes: float
    queue_requests: int


@dataclass(frozen=True, slots=True)
class CheckWork:
    """What one run of the checks takes."""

    billed_ms: float
    read_units: float
    log_lines: tuple[int, ...]
    api_requests: int
    queue_requests: int
    key_requests: int


@dataclass(frozen=True, slots=True)
class Polling:
    """How Lambda polls a queue: connections, each of which waits for some seconds."""

    connections: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured, by the sections of ``measured.toml``.

    Attributes:
        authorizer: one decision.
        answers: one answer of each kind, by the kind.
    """

    authorizer: Work
    answers: Mapping[str, Work]
    request: RequestOverhead
    log: LogOverhead
    event: EventWork
    counting: CountingWork
    export: ExportWork
    check: CheckWork
    polling: Polling

    @classmethod
    def read(cls) -> Self:
        """Returns the figures of ``measured.toml``."""
        content = tomllib.loads((_FOLDER / "measured.toml").read_text("utf-8"))
        sections = {name: _with_tuples(section) for name, section in content.items()}
        return cls(
            authorizer=Work(**sections["authorizer"]),
            answers={kind: Work(**sections[kind]) for kind in ANSWER_KINDS},
            request=RequestOverhead(**sections["request"]),
            log=LogOverhead(**sections["log"]),
            event=EventWork(**sections["event"]),
            counting=CountingWork(**sections["counting"]),
            export=ExportWork(**sections["export"]),
            check=CheckWork(**sections["check"]),
            polling=Polling(**sections["polling"]),
        )


def _with_tuples(section: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(v) if isinstance(v, list) else v for name, v in section.items()}
