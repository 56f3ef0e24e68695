"""The contract, the slow and obvious way: the expected answer, computed from a data set's files.

It shares no code with the service. The service has keys, indexes and lazy merges; this keeps all
rows in one list, and filters, sorts and slices it.
"""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

MEDIA = ("image", "video", "voiceover")
TYPES = ("all", "chat", "image", "text", "voiceover", "video", "code")
LARGEST = 2**63 - 1
SPACE = "\0\t\n\v\f\r\x85\u200b\ufeff" + "".join(
    character
    for character in map(chr, range(0x10000))
    if unicodedata.category(character) in ("Zs", "Zl", "Zp")
)
"""The characters that values lose at both ends."""


@dataclass(frozen=True)
class Caller:
    """Who asks: a member of a workspace, or a direct invocation, which sees everyone."""

    workspace_id: int
    user_id: int
    sees_everyone: bool


@dataclass(frozen=True)
class PresignedUrl:
    """A link that has to be presigned; its signature is not compared."""

    key: str

    def matches(self, link: object) -> bool:
        """Returns whether ``link`` is an S3 URL of the key, signed with SigV4."""
        if not isinstance(link, str):
            return False
        parts = urlsplit(link)
        return parts.path.endswith(f"/{quote(self.key, safe='/~')}") and bool(
            re.search("X-Amz-Algorithm=AWS4-HMAC-SHA256&.*X-Amz-Signature=[0-9a-f]{64}", link)
        )


class Oracle:
    """Answers questions about a data set."""

    def __init__(self, folder: Path, zone: tzinfo = UTC) -> None:
        self.zone = zone
        self._rows = [
            {**row, "source": source}
            for source, name in (("current", "executions"), ("archived", "archived"))
            for row in _lines(folder / f"{name}.ndjson")
        ]
        self._rows += [
            {**row, "source": "edited", "id": row["user_openai_id"]}
            for row in _lines(folder / "edited.ndjson")
        ]
        self._min_date = None
        settings = folder / "settings.json"
        if settings.exists():
            setting = json.loads(settings.read_text("utf-8")).get("usage_history_min_date")
            if setting and setting["enabled"]:
                self._min_date = date.fromisoformat(setting["date"])

    def invalid(self, query: Mapping[str, str]) -> set[str]:
        """Returns the parameters that a 422 names."""
        given = _given(query)
        wrong = set()
        for name, least, most in (
            ("user_id", 1, LARGEST),
            ("page", 1, LARGEST),
            ("per_page", 1, 100),
        ):
            value = given.get(name)
            if value is not None and not (
                re.fullmatch("[1-9][0-9]*", value) and least <= int(value) <= most
            ):
                wrong.add(name)
        if given.get("type", "all") not in TYPES:
            wrong.add("type")
        dates = {name: given[name] for name in ("start_date", "end_date") if name in given}
        wrong |= {name for name, value in dates.items() if not _is_date(value)}
        if len(dates) < 2 and given.get("range", "7d") not in ("1d", "7d", "30d"):
            wrong.add("range")
        if len(dates) == 1:
            wrong |= {"start_date", "end_date"} - dates.keys()
        if len(dates) == 2 and all(map(_is_date, dates.values())):
            first, last = map(date.fromisoformat, dates.values())
            if last < first or (last - first).days + 1 > 90:
                wrong.add("end_date")
        if "cursor" in given and "page" in given:
            wrong.add("cursor")
        return wrong

    def whole(
        self, caller: Caller, query: Mapping[str, str], now: datetime
    ) -> list[dict[str, Any]]:
        """Returns all rows that a valid query lists, in order, without pages."""
        query = _given(query)
        start, end = self.window(query, now)
        wanted_user = int(query["user_id"]) if query.get("user_id") else None
        if not caller.sees_everyone:
            wanted_user = caller.user_id
        wanted_type = query.get("type") or "all"
        rows = [
            row
            for row in self._rows
            if row["workspace_id"] == caller.workspace_id
            and start <= _moment(row) < end
            and (wanted_user is None or row["user_id"] == wanted_user)
            and wanted_type in ("all", row["agent"]["type"])
        ]
        archived = {row["id"] for row in rows if row["source"] == "archived"}
        rows = [r for r in rows if not (r["source"] == "current" and r["id"] in archived)]
        rows.sort(key=lambda r: (_moment(r), r["source"] == "edited", r["id"]), reverse=True)
        return rows

    def answer(self, caller: Caller, query: Mapping[str, str], now: datetime) -> tuple[int, Any]:
        """Returns status and body; for a 422 the set of fields, for a 403 None."""
        wrong = self.invalid(query)
        if wrong:
            return 422, wrong
        query = _given(query)
        if (
            not caller.sees_everyone
            and int(query.get("user_id") or caller.user_id) != caller.user_id
        ):
            return 403, None
        page, per_page = int(query.get("page") or 1), int(query.get("per_page") or 20)
        rows = self.whole(caller, query, now)
        first = (page - 1) * per_page
        return 200, {
            "items": [item(row) for row in rows[first : first + per_page]],
            "has_more": len(rows) > first + per_page,
            "page": page,
            "per_page": per_page,
        }

    def window(self, query: Mapping[str, str], now: datetime) -> tuple[datetime, datetime]:
        """Returns the first moment that a valid query covers, and the moment after its last one."""
        today = now.astimezone(self.zone).date()
        if query.get("start_date"):
            first = date.fromisoformat(query["start_date"])
            last = date.fromisoformat(query["end_date"])
        else:
            days = {"7d": 7, "30d": 30}.get(query.get("range") or "30d", 1)
            first, last = today - timedelta(days=days - 1), today
        start, end = self._midnight(first), self._midnight(last + timedelta(days=1))
        if not query.get("start_date") and query.get("range") == "1d":
            start = end - timedelta(hours=24)
        if self._min_date is not None:
            start = max(start, self._midnight(self._min_date))
        return start, end

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.zone).astimezone(UTC)


def item(row: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the item of the answer, with a ``PresignedUrl`` where a link has to be presigned."""
    source, kind, output = row["source"], row["agent"]["type"], row.get("output")
    succeeded = row["status"] == "succeeded"
    detail = row.get("detailed_credits") or {}
    tokens = None
    if detail.get("billing") == "tokens":
        tokens = {name: detail.get(f"{name}_tokens") for name in ("input", "output", "total")}
    link: str | PresignedUrl | None = None
    if source == "current" and kind == "chat":
        root = row.get("root_id")
        conversation = row["id"] if root is None else root
        slug = quote(row["agent"]["slug"], safe="")
        if slug not in (".", ".."):
            link = f"/dashboard/user/ai/chat/ai-chat/{slug}?_chat_id={conversation}"
    elif source == "current" and kind in MEDIA and succeeded and output:
        is_url = output[:8].lower().startswith(("http://", "https://"))
        link = output if is_url else PresignedUrl(output)
    return {
        "id": f"chat-edited-{row['id']}" if source == "edited" else row["id"],
        "created_at": row["created_at"],
        "user_id": row["user_id"],
        "type": kind,
        "status": "succeeded" if succeeded else "failed",
        "email": row["user_email"],
        "credits": (row.get("credits") or 0) if succeeded else 0,
        "name": row["agent"]["title"],
        "slug": row["agent"]["slug"],
        "output": {
            "current": output if kind in MEDIA else "This content is only available on Tess",
            "archived": "This item was deleted.",
            "edited": "This item was edited.",
        }[source],
        "root_id": row.get("root_id"),
        "execution_origin": (row.get("metadata") or {}).get("execution_origin"),
        "source": source,
        "used_model": None if source == "edited" else row.get("used_model"),
        "tokens": tokens,
        "link": link,
    }


def assert_items(
    actual: Sequence[Mapping[str, object]], expected: Sequence[Mapping[str, object]]
) -> None:
    """Compares the items of an answer with the oracle's: the same fields, in the same order."""
    assert [entry["id"] for entry in actual] == [entry["id"] for entry in expected]
    for got, wanted in zip(actual, expected, strict=True):
        assert list(got) == list(wanted)
        link = wanted["link"]
        if isinstance(link, PresignedUrl):
            assert link.matches(got["link"]), (got["link"], link)
            assert {**got, "link": link} == wanted
        else:
            assert got == wanted


def parse(text: str | bytes) -> Any:
    """Returns the value of an answer's JSON, with exact numbers."""
    return json.loads(text, parse_float=Decimal)


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [parse(line) for line in path.read_text("utf-8").split("\n") if line]


def _given(query: Mapping[str, str]) -> dict[str, str]:
    """Returns the parameters that count, without white space around them; empty ones don't."""
    values = {name: value.strip(SPACE) for name, value in query.items()}
    return {name: value for name, value in values.items() if value}


def _moment(row: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(row["created_at"])


def _is_date(text: str) -> bool:
    if not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
