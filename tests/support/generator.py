"""Random data sets and random questions: always the same for a seed, and full of edge cases.

Many moments are at the edges of windows; ids are close together and far apart; some executions are
both current and archived; texts, credits and outputs are awkward.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

from tests.support.oracle import TYPES

WORKSPACES = (11, 12)
USERS = (1, 2, 3, 9_007_199_254_740_993)
KINDS = ("chat", *TYPES[1:], "music")
"""Agent types of rows: chats are the most, and one can't be asked for."""

STATUSES = ("succeeded", "succeeded", "succeeded", "failed", "cancelled", "processing", "")
CREDITS = ("0", "1", "0.006145", "12.5", "0.0000000001", "123456789012345678.0123456789", "3e2")
OUTPUTS = (
    None,
    "",
    "images/plain.png",
    "images/with space+plus&amp.png",
    "images//double/~tilde/100%.png",
    "vídeos/ação.mp4",
    "声/音.mp3",
    "/leading/slash.png",
    "../dots/./here.png",
    "http://example.com/a.png",
    "https://example.com/b.png?x=1",
    "https://example.com/b.png\r\nX: 1",
    "HTTPS://EXAMPLE.COM/C.PNG",
    "httpsx://not-a-url",
    'quote"and\\backslash.png',
)
DOMAINS = ("example.com", "example.com", "example.com", "example.org")
"""Users have changed their addresses, and back."""

SLUGS = (*[None] * 9, "..", "a/../b", "ação?x=1#y")
"""Mostly no slug of its own, but the type's; some awkward ones."""


@dataclass(frozen=True)
class Member:
    """A member of a workspace, with a token."""

    token: str
    workspace_id: int
    user_id: int
    sees_everyone: bool


def write_dataset(
    folder: Path, seed: int, now: datetime, zone: tzinfo = UTC, rows: int = 1500
) -> tuple[Member, ...]:
    """Writes a data set into ``folder`` and returns the members of its workspaces."""
    random = Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    moments = list(_moments(random, now, zone))
    files: dict[str, list[dict[str, Any]]] = {"executions": [], "archived": [], "edited": []}
    for number in range(rows):
        payload = _payload(random, number, random.choice(moments))
        match random.random():
            case n if n < 0.55:
                files["executions"].append(payload)
            case n if n < 0.80:
                files["archived"].append(payload)
            case n if n < 0.85:
                files["executions"].append(payload)
                files["archived"].append(payload)
            case _:
                agent = {**payload["agent"], "type": "chat"}
                edited = {**payload, "agent": agent, "user_openai_id": payload["id"]}
                del edited["id"]
                files["edited"].append(edited)
    for name, payloads in files.items():
        random.shuffle(payloads)
        _write(folder / f"{name}.ndjson", payloads)
    members = tuple(_members())
    write_members(folder, members, now)
    enabled = seed % 3 == 0
    day = (now - timedelta(days=20)).date().isoformat()
    setting = {"usage_history_min_date": {"enabled": enabled, "date": day}}
    (folder / "settings.json").write_text(json.dumps(setting), "utf-8")
    return members


def write_members(
    folder: Path, members: Iterable[Member], now: datetime, first_token_id: int = 1
) -> None:
    """Writes the files of members and of their tokens into ``folder``."""
    members = list(members)
    tokens = [_token(number, member, now) for number, member in enumerate(members, first_token_id)]
    _write(folder / "tokens.ndjson", tokens)
    _write(
        folder / "members.ndjson",
        [
            {
                "workspace_id": member.workspace_id,
                "user_id": member.user_id,
                "permissions": ["read_users_activity"] if member.sees_everyone else ["other"],
            }
            for member in members
        ],
    )


def question(random: Random, now: datetime) -> dict[str, str]:
    """A query, mostly valid."""
    query: dict[str, str] = {}
    if random.random() < 0.5:
        query["range"] = random.choice(["1d", "7d", "30d", "", "5d"] if _rarely(random) else RANGES)
    if random.random() < 0.4:
        end = now.date() - timedelta(days=random.choice([0, 1, 6, 29, 60, 89]))
        length = random.choice([0, 1, 6, 29, 88, 89, 90] if _rarely(random) else [0, 1, 29, 89])
        query["start_date"] = (end - timedelta(days=length)).isoformat()
        query["end_date"] = end.isoformat()
        if _rarely(random):
            del query[random.choice(["start_date", "end_date"])]
    if random.random() < 0.3:
        query["user_id"] = str(random.choice([*USERS, 77]))
    if random.random() < 0.5:
        query["type"] = random.choice(TYPES)
    if random.random() < 0.5:
        query["page"] = str(random.choice([1, 1, 2, 3, 5, 40]))
    if random.random() < 0.7:
        query["per_page"] = str(random.choice([1, 2, 7, 20, 99, 100]))
    for _ in range(random.choice([0, 0, 0, 0, 0, 0, 1, 2])):
        name = random.choice(["page", "per_page", "user_id", "type", "start_date", "range"])
        query[name] = random.choice(
            ["0", "-1", "01", "1.0", "x", "+1", "101", "Chat", "2026-02-30"]
        )
    return {
        name: f" {value}\u200b" if value and _rarely(random) else value
        for name, value in query.items()
    }


RANGES = ["1d", "7d", "30d", ""]


def _rarely(random: Random) -> bool:
    return random.random() < 0.1


def _moments(random: Random, now: datetime, zone: tzinfo) -> Iterator[datetime]:
    """Yields few moments, so that many rows share one: edges of windows, and others in between."""
    today = now.astimezone(zone).date()
    for days in (0, 1, 5, 6, 7, 20, 28, 29, 30, 59, 60, 88, 89, 90, -1):
        midnight = datetime.combine(today - timedelta(days=days), time(), zone).astimezone(UTC)
        for microseconds in (-1, 0, 1):
            yield midnight + timedelta(microseconds=microseconds)
        yield midnight + timedelta(hours=1)
        yield midnight - timedelta(hours=1)
    for _ in range(400):
        yield now - timedelta(microseconds=random.randrange(100 * 24 * 3600 * 10**6))


def _payload(random: Random, number: int, moment: datetime) -> dict[str, Any]:
    kind, user = random.choice(KINDS), random.choice(USERS)
    far = random.choice([0, 0, 0, 10**6, 10**12, 2**63 - 2**20])
    payload: dict[str, Any] = {
        "id": 1 + number + far,
        "workspace_id": random.choice((11, 11, 11, 12)),
        "user_id": user,
        "user_email": f"user{user}@{random.choice(DOMAINS)}",
        "created_at": f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
        "agent": {
            "title": f"Agente {kind} “{number % 7}”",
            "slug": random.choice(SLUGS) or f"{kind}-agent",
            "type": kind,
        },
        "status": random.choice(STATUSES),
        "credits": _Literal(random.choice(CREDITS)),
        "output": random.choice(OUTPUTS),
        "root_id": random.choice([None, 0, 5, 123456789]),
        "metadata": random.choice(
            [None, {}, {"execution_origin": None}, {"execution_origin": "api"}]
        ),
        "used_model": random.choice([None, "gpt-5", "claude-opus-5", "модель-ü", "🦊 ,\"'"]),
        "detailed_credits": random.choice(
            [
                None,
                {"billing": "units", "input_tokens": 1},
                {"billing": "tokens", "input_tokens": 10, "output_tokens": 0, "total_tokens": 10},
                {"billing": "tokens", "input_tokens": None},
                {"billing": "tokens", "output_tokens": 2**63 - 1, "total_tokens": 2**63 - 1},
            ]
        ),
        "unknown_field": "is ignored",
    }
    for name in ("root_id", "metadata", "used_model", "detailed_credits", "output"):
        if payload[name] is None and random.random() < 0.5:
            del payload[name]
    return payload


class _Literal(float):
    """A number that is written into JSON with exactly the digits of a text."""

    digits: str

    def __new__(cls, digits: str) -> "_Literal":
        number = super().__new__(cls, digits)
        number.digits = digits
        return number


def _members() -> Iterator[Member]:
    number = 0
    for workspace_id in WORKSPACES:
        for user_id in USERS[:3]:
            number += 1
            secret = sha256(f"{workspace_id}/{user_id}".encode()).hexdigest()[:40]
            token = f"{number}|{secret}" if number % 2 else secret
            yield Member(token, workspace_id, user_id, sees_everyone=user_id == 1)


def _token(number: int, member: Member, now: datetime) -> dict[str, Any]:
    secret = member.token.rpartition("|")[2]
    return {
        "id": number,
        "tokenable_type": "App\\Models\\User",
        "tokenable_id": member.user_id,
        "name": "test",
        "token": sha256(secret.encode()).hexdigest(),
        "abilities": ["use_agents"] if number % 2 else ["*"],
        "last_used_at": None,
        "expires_at": f"{now + timedelta(days=1):%Y-%m-%dT%H:%M:%S.%fZ}" if number % 2 else None,
        "created_at": f"{now - timedelta(days=1):%Y-%m-%dT%H:%M:%S.%fZ}",
    }


def _write(path: Path, payloads: list[dict[str, Any]]) -> None:
    path.write_text("".join(f"{_to_json(payload)}\n" for payload in payloads), "utf-8")


def _to_json(payload: dict[str, Any]) -> str:
    number = payload.get("credits")
    if not isinstance(number, _Literal):
        return json.dumps(payload)
    text = json.dumps({**payload, "credits": "CREDITS"}, ensure_ascii=False)
    return text.replace('"CREDITS"', number.digits)
