"""Each of these rules of counting is needed: without it, some history goes wrong.

This shows as well that histories notice it. A rule is broken by a patch. How long a mark stays,
which watermark a reader uses, and what is never counted is tested step by step (``test_counter``):
it goes wrong too rarely.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import pytest

from tests.support.histories import BUSY, ROUGH, USUAL, History, Style, shrink
from workspace_usage.aws import transactions
from workspace_usage.rollups import blocks, counter, marks, totals, writing
from workspace_usage.rollups.blocks import MARGIN, UNREAD, Marks
from workspace_usage.rollups.items import Watermark
from workspace_usage.rollups.marks import MarkWriter
from workspace_usage.values import format_timestamp, from_milliseconds

type Patch = pytest.MonkeyPatch

_DAY: Final = timedelta(days=1)


def _no_marks(patch: Patch) -> None:
    patch.setattr(MarkWriter, "mark", lambda *_: None)


def _marks_relied_on_for_a_day(patch: Patch) -> None:
    patch.setattr(marks, "REUSE", _DAY)


def _rows_counted_at_once(patch: Patch) -> None:
    patch.setattr(counter, "horizon", lambda now: format_timestamp(now - timedelta(seconds=5)))


def _no_margin(patch: Patch) -> None:
    patch.setattr(blocks, "MARGIN", timedelta())


def _late_commits(patch: Patch) -> None:
    patch.setattr(writing, "COMMIT", -_DAY)


def _unconditional_commits(patch: Patch) -> None:
    write = transactions.write_all_or_nothing

    def write_anyway(client: Any, writes: Any) -> bool:
        for made in writes:
            made.get("Put", {}).pop("ConditionExpression", None)
        return write(client, writes)

    patch.setattr(writing, "write_all_or_nothing", write_anyway)


def _marks_removed_without_building(patch: Patch) -> None:
    patch.setattr(counter._Run, "_renew_span", _end_of_margin)


def _gaps_always_believed(patch: Patch) -> None:
    is_stale = Marks.is_stale
    patch.setattr(Marks, "is_stale", lambda self, b: b.read_at != 0 and is_stale(self, b))


def _unread_parts_believed(patch: Patch) -> None:
    is_stale = Marks.is_stale
    patch.setattr(Marks, "is_stale", lambda self, b: b.read_at != UNREAD and is_stale(self, b))


def _one_label_for_each_value(patch: Patch) -> None:
    labels_of = totals.labels_of

    def first_label(rows: Any) -> Any:
        found = labels_of(rows)
        return {name: {v: {min(some)} for v, some in by.items()} for name, by in found.items()}

    patch.setattr(totals, "labels_of", first_label)


def _days_believed_after_a_restart(patch: Patch) -> None:
    restart = Watermark.restart

    def keep_epoch(basis: str, old: Watermark | None, now: datetime) -> Watermark:
        new = restart(basis, old, now)
        return new if old is None else replace(new, epoch=old.epoch)

    patch.setattr(Watermark, "restart", keep_epoch)


def _end_of_margin(run: Any, span: str) -> datetime:
    return from_milliseconds(run.counts.marks.marked_at[span]) + MARGIN


BROKEN_RULES: Final = [
    (_no_marks, USUAL),
    (_marks_relied_on_for_a_day, BUSY),
    (_rows_counted_at_once, BUSY),
    (_no_margin, BUSY),
    (_late_commits, ROUGH),
    (_unconditional_commits, ROUGH),
    (_marks_removed_without_building, USUAL),
    (_gaps_always_believed, USUAL),
    (_unread_parts_believed, USUAL),
    (_days_believed_after_a_restart, ROUGH),
    (_one_label_for_each_value, USUAL),
]
"""How a rule is broken, and the style of histories that show it soon."""


@pytest.mark.parametrize(("break_rule", "style"), BROKEN_RULES)
def test_without_this_rule_some_history_goes_wrong(
    monkeypatch: pytest.MonkeyPatch, break_rule: Callable[[Patch], None], style: Style
) -> None:
    """Within a hundred histories; most often one of the first shows it."""
    shrink(monkeypatch)
    break_rule(monkeypatch)
    with pytest.raises(AssertionError):
        _run_histories(style)


def _run_histories(style: Style) -> None:
    for seed in range(100):
        History(seed, style=style).run()
