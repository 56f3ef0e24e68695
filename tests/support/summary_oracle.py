"""The summary's contract, the slow and obvious way: the listing's own items, added up.

It shares no code with the service.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal, localcontext
from itertools import combinations
from random import Random
from typing import Any, Final

from tests.support.generator import question
from tests.support.oracle import Caller, Oracle, item

FIELDS: Final = {
    "user": "user_id",
    "type": "type",
    "model": "used_model",
    "agent": "slug",
    "origin": "execution_origin",
    "source": "source",
    "status": "status",
}
"""For each dimension, the field of the listing's items by which they are grouped."""

GROUPINGS: Final = ["", *FIELDS, *map(",".join, combinations(FIELDS, 2)), "model,user"]
INTERVALS: Final = ("day", "week", "month", "none")

type Items = Sequence[Mapping[str, Any]]


def summary_question(random: Random, now: datetime) -> dict[str, str]:
    """Returns a query of the summary, mostly valid."""
    query = question(random, now)
    for name in ("page", "per_page"):
        query.pop(name, None)
    if random.random() < 0.8:
        query["interval"] = random.choice(INTERVALS)
    if random.random() < 0.8:
        query["group_by"] = random.choice(GROUPINGS)
    if random.random() < 0.5:
        query["limit"] = str(random.choice([1, 2, 3, 50]))
    if random.random() < 0.1:
        name = random.choice(["interval", "group_by", "limit"])
        query[name] = random.choice(
            ["year", "user,user", "user,type,model", "team", "0", "51", ","]
        )
    return query


def expected_summary(
    oracle: Oracle, caller: Caller, query: Mapping[str, str], now: datetime
) -> tuple[int, Any]:
    """Returns the status and the body, or the fields of a 422, or None for a 403."""
    given = {name: value.strip(" \u200b") for name, value in query.items()}
    given = {name: value for name, value in given.items() if value}
    filters = {n: v for n, v in given.items() if n not in ("interval", "group_by", "limit")}
    wrong = oracle.invalid(filters) | _invalid(given)
    if wrong:
        return 422, wrong
    if not caller.sees_everyone and filters.get("user_id", str(caller.user_id)) != str(
        caller.user_id
    ):
        return 403, None
    items = [item(row) for row in oracle.whole(caller, filters, now)]
    start, end = oracle.window(filters, now)
    return 200, add_up(items, given, start, end, oracle.zone)


def _invalid(given: Mapping[str, str]) -> set[str]:
    wrong = set()
    if given.get("interval", "day") not in INTERVALS:
        wrong.add("interval")
    names = given["group_by"].split(",") if "group_by" in given else []
    if len(names) > 2 or len(set(names)) < len(names) or not set(names) <= FIELDS.keys():
        wrong.add("group_by")
    limit = given.get("limit", "10")
    if not (limit.isdigit() and limit == str(int(limit)) and 1 <= int(limit) <= 50):
        wrong.add("limit")
    return wrong


def add_up(
    items: Items, query: Mapping[str, str], start: datetime, end: datetime, zone: tzinfo
) -> dict[str, Any]:
    """Returns the body of the summary of the listing's items, which come newest first.

    Args:
        items: all items of the window.
        query: the summary's query, valid.
        start, end: the window's first moment, and the moment after its last one.
        zone: the time zone of the days.
    """
    interval = query.get("interval") or "day"
    names = [name for name in (query.get("group_by") or "").split(",") if name]
    with localcontext(prec=500):
        shares = _Shares(items, names, int(query.get("limit") or 10))
        days = _days(start, end, zone)
        by_day: dict[date, list[Mapping[str, Any]]] = {day: [] for day in days}
        midnights = [_midnight(day, zone) for day in days]
        for entry in items:
            number = bisect_right(midnights, datetime.fromisoformat(entry["created_at"]))
            by_day[days[number - 1]].append(entry)
        return {
            "time_zone": str(zone),
            "start_date": str(days[0]) if days else None,
            "end_date": str(days[-1]) if days else None,
            "interval": interval,
            "group_by": names,
            **shares.of(items),
            "buckets": [
                {
                    "start_date": str(part[0]),
                    "end_date": str(part[-1]),
                    **shares.of([entry for day in part for entry in by_day[day]]),
                }
                for part in _parts(days, interval)
            ],
        }


class _Shares:
    """The groups that are named, and what is theirs of some items."""

    def __init__(self, items: Items, names: list[str], limit: int) -> None:
        self._names = names
        self._items = items
        totals = {key: _totals(some) for key, some in self._by_group(items).items()}
        ranked = sorted(
            totals,
            key=lambda key: (
                -totals[key]["credits"],
                -totals[key]["runs"],
                [(value is None, value) for value in key],
            ),
        )
        self._named = ranked[:limit] if names else []

    def _key(self, entry: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple(entry[FIELDS[name]] for name in self._names)

    def _by_group(self, items: Items) -> dict[tuple[Any, ...], list[Mapping[str, Any]]]:
        groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
        for entry in items:
            groups.setdefault(self._key(entry), []).append(entry)
        return groups

    def of(self, items: Items) -> dict[str, Any]:
        """Returns what some items add up to, and their groups."""
        by_group = self._by_group(items)
        groups = [
            {**self._values(key), **_totals(by_group[key])}
            for key in self._named
            if key in by_group
        ]
        others = [entry for entry in items if self._key(entry) not in self._named]
        other = _totals(others) if others and self._names else None
        return {"totals": _totals(items), "groups": groups, "other": other}

    def _values(self, key: tuple[Any, ...]) -> dict[str, Any]:
        values = {}
        for name, value in zip(self._names, key, strict=True):
            field = FIELDS[name]
            values[field] = value
            newest = next(entry for entry in self._items if entry[field] == value)
            if name == "user":
                values["email"] = newest["email"]
            if name == "agent":
                values["name"] = newest["name"]
        return values


def _totals(items: Items) -> dict[str, Any]:
    tokens = [entry["tokens"] or {} for entry in items]
    succeeded = sum(entry["status"] == "succeeded" for entry in items)
    return {
        "runs": len(items),
        "succeeded": succeeded,
        "failed": len(items) - succeeded,
        "credits": sum((Decimal(entry["credits"]) for entry in items), Decimal(0)),
        "tokens": {
            name: sum(some.get(name) or 0 for some in tokens)
            for name in ("input", "output", "total")
        },
    }


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def _days(start: datetime, end: datetime, zone: tzinfo) -> list[date]:
    """Returns the days that have a part of the window."""
    if start >= end:
        return []
    day = (start - timedelta(days=2)).astimezone(zone).date()
    days = [day + timedelta(days=number) for number in range(100)]
    return [
        day
        for day in days
        if start < _midnight(day + timedelta(days=1), zone) and _midnight(day, zone) < end
    ]


def _parts(days: list[date], interval: str) -> list[list[date]]:
    """Returns the days in their buckets."""
    forms = {"day": "%Y-%m-%d", "week": "%G-W%V", "month": "%Y-%m", "none": ""}
    parts: dict[str, list[date]] = {}
    for day in days:
        parts.setdefault(day.strftime(forms[interval]), []).append(day)
    return list(parts.values())
