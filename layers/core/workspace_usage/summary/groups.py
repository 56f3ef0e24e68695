"""Groups: which of them an answer names, and how they and their sums are written there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from workspace_usage.rollups.shown import LABELS, Key
from workspace_usage.rollups.sums import Sums
from workspace_usage.rollups.totals import EXACT, Cell
from workspace_usage.summary.answer import Dimension, Division, Group, Totals

_FIELDS: Final[Mapping[Dimension, str]] = {
    "user": "user_id",
    "type": "type",
    "model": "used_model",
    "agent": "slug",
    "origin": "execution_origin",
    "source": "source",
    "status": "status",
}
"""The field that has a group's value for a dimension."""


def to_totals(total: Cell) -> Totals:
    """Returns a sum as the answer has it."""
    return {
        "runs": total.runs,
        "succeeded": total.succeeded,
        "failed": total.runs - total.succeeded,
        "credits": EXACT.normalize(total.credits),
        "tokens": {"input": total.input, "output": total.output, "total": total.total},
    }


def rank(groups: Mapping[Key, Cell]) -> list[Key]:
    """Returns the groups' keys: those with the most credits first, then runs, then the least key.

    Numbers are compared as numbers, texts by their characters' code points; null comes last.
    """

    def place(key: Key) -> Any:
        total = groups[key]
        return EXACT.minus(total.credits), -total.runs, [(value is None, value) for value in key]

    return sorted(groups, key=place)


@dataclass(frozen=True, slots=True)
class Naming:
    """The groups that an answer names.

    Attributes:
        dimensions: what rows are grouped by.
        keys: the groups' keys, in the answer's order.
        sums: has the labels of values.
    """

    dimensions: Sequence[Dimension]
    keys: Sequence[Key]
    sums: Sums

    def divide(self, groups: Mapping[Key, Cell]) -> Division:
        """Returns what groups add up to: together, each that is named, and all others."""
        total = to_totals(Cell.of(groups.values()))
        if not self.dimensions:
            return {"totals": total, "groups": [], "other": None}
        named = [self._to_group(key, groups[key]) for key in self.keys if key in groups]
        others = [groups[key] for key in groups.keys() - self.keys]
        other = to_totals(Cell.of(others)) if others else None
        return {"totals": total, "groups": named, "other": other}

    def _to_group(self, key: Key, total: Cell) -> Group:
        fields: dict[str, object] = {}
        for dimension, value in zip(self.dimensions, key, strict=True):
            fields[_FIELDS[dimension]] = value
            if dimension in LABELS:
                fields[LABELS[dimension]] = self.sums.labels[dimension][value]
        return cast(Group, {**fields, **to_totals(total)})
