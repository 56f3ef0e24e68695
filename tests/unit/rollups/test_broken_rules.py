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
    (_no_marks, USUAL, 0),
    (_marks_relied_on_for_a_day, BUSY, 0),
    (_rows_counted_at_once, BUSY, 3),
    (_no_margin, BUSY, 0),
    (_late_commits, ROUGH, 2),
    (_unconditional_commits, ROUGH, 17),
    (_marks_removed_without_building, USUAL, 0),
    (_gaps_always_believed, USUAL, 1),
    (_unread_parts_believed, USUAL, 0),
    (_days_believed_after_a_restart, ROUGH, 4),
    (_one_label_for_each_value, USUAL, 0),
]
"""How a rule is broken, the style of histories that show it soon, and the seed of one that does.

After a change of the code, other things may happen in that history. Then one of the next shows it,
and the test takes longer: find a better seed.
"""

_CHECK_PROBABILITY: Final = 0.3
"""Histories with fewer looks show as much, and are shorter."""


@pytest.mark.parametrize(("break_rule", "style", "first"), BROKEN_RULES)
def test_without_this_rule_some_history_goes_wrong(
    break_rule: Callable[[Patch], None], style: Style, first: int
) -> None:
    """Within a hundred histories. With the rule, the same histories find nothing wrong."""
    with pytest.MonkeyPatch.context() as patch:
        shrink(patch)
        break_rule(patch)
        seed = next(seed for seed in range(first, first + 100) if not _is_right(seed, style))
    with pytest.MonkeyPatch.context() as patch:
        shrink(patch)
        assert _is_right(seed, style)


def _is_right(seed: int, style: Style) -> bool:
    """Returns whether a history finds nothing wrong."""
    try:
        History(seed, style=style, check_probability=_CHECK_PROBABILITY).run()
    except AssertionError:
        return False
    return True
