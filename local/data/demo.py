"""The demo: a data set in the import's format, with a row for every case that a client can meet.

It has a few people with different permissions, and a few hundred executions in the 100 days before
a moment. The same moment always gives the same demo.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any, Final, Literal

from workspace_usage.rows.row import AgentType

WORKSPACE_ID: Final = 11
OTHER_WORKSPACE_ID: Final = 12
DEMO_DAYS: Final = 100
DEMO_ROWS: Final = 360

_NOON: Final = timedelta(hours=12)
_MEDIA: Final = Path(__file__).with_name("media")


type Sight = Literal["everyone", "own", "nothing"]
"""Whose executions an account sees."""


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """A user of the demo with a token, and what a request with it shows in a workspace.

    Attributes:
        token: the token.
        user_id: the user.
        workspace_id: the workspace that requests name.
        sees: what the account sees there.
        description: the same in a sentence, which begins with the user's name.
    """

    token: str
    user_id: int
    workspace_id: int
    sees: Sight
    description: str

    @property
    def name(self) -> str:
        """The user's name."""
        return self.description.partition(" ")[0]


ANA: Final = DemoAccount(
    "1|demo-ana", 1, WORKSPACE_ID, "everyone", "Ana sees everyone's executions"
)
BO: Final = DemoAccount("2|demo-bo", 2, WORKSPACE_ID, "own", "Bo sees only his own")
CY: Final = DemoAccount(
    "3|demo-cy", 3, WORKSPACE_ID, "nothing", "Cy gets 403: the token may not use agents"
)
DEE: Final = DemoAccount(
    "4|demo-dee", 4, WORKSPACE_ID, "nothing", "Dee gets 403, but sees workspace 12"
)
EVE: Final = DemoAccount(
    "5|demo-eve", 5, WORKSPACE_ID, "nothing", "Eve gets 401: the token has expired"
)
ACCOUNTS: Final = (ANA, BO, CY, DEE, EVE)

_PERMISSIONS: Final[tuple[tuple[int, int, list[str]], ...]] = (
    (WORKSPACE_ID, 1, ["read_users_activity", "manage_agents"]),
    (WORKSPACE_ID, 2, ["manage_agents"]),
    (WORKSPACE_ID, 3, []),
    (WORKSPACE_ID, 5, []),
    (OTHER_WORKSPACE_ID, 4, ["read_users_activity"]),
)
_ABILITIES: Final[Mapping[int, list[str]]] = {3: ["read_profile"], 4: ["*"]}

_AGENTS: Final[tuple[tuple[str, str, AgentType], ...]] = (
    ("Assistant", "assistant", "chat"),
    ("Assistente de viagens", "assistente-de-viagens", "chat"),
    ("Image Studio", "image-studio", "image"),
    ("Summarizer", "summarizer", "text"),
    ("Narrador em português", "narrador", "voiceover"),
    ("Clip Maker", "clip-maker", "video"),
    ("Code Reviewer", "code-reviewer", "code"),
)
_OUTPUTS: Final[Mapping[AgentType, tuple[str | None, ...]]] = {
    "image": (
        "demo/sunset.png",
        "demo/pôr do sol + praia.png",
        "https://images.example.com/sunset.png?size=large",
        "",
        None,
    ),
    "voiceover": ("demo/tone.mp3", "demo/tone.mp3", ""),
    "video": ("demo/clip.mp4", "demo/clip.mp4", None),
}
_FILES: Final[Mapping[str, str]] = {
    "demo/sunset.png": "sunset.png",
    "demo/pôr do sol + praia.png": "sunset.png",
    "demo/tone.mp3": "tone.mp3",
    "demo/clip.mp4": "clip.mp4",
}
_STATUSES: Final = ("succeeded",) * 7 + ("failed", "cancelled", "processing")
_MODELS: Final = ("gpt-5", "claude-opus-5", None)

type _Line = dict[str, Any]


def write_demo(folder: Path, now: datetime) -> tuple[DemoAccount, ...]:
    """Writes the demo of the moment ``now`` into ``folder``; returns its accounts.

    Raises:
        OSError: the folder can't be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, list[_Line]] = {
        "tokens": [_token(account, now) for account in ACCOUNTS],
        "members": [
            {"workspace_id": workspace_id, "user_id": user_id, "permissions": permissions}
            for workspace_id, user_id, permissions in _PERMISSIONS
        ],
        "executions": [],
        "archived": [],
        "edited": [],
    }
    for name, line in _runs(now):
        files[name].append(line)
    for name, lines in files.items():
        text = "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines)
        (folder / f"{name}.ndjson").write_text(text, "utf-8")
    setting = {"enabled": False, "date": f"{now - timedelta(days=60):%Y-%m-%d}"}
    (folder / "settings.json").write_text(json.dumps({"usage_history_min_date": setting}), "utf-8")
    for key, file in _FILES.items():
        path = folder / "media" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_MEDIA / file, path)
    return ACCOUNTS


def _token(account: DemoAccount, now: datetime) -> _Line:
    number, _, secret = account.token.partition("|")
    return {
        "id": int(number),
        "tokenable_type": "App\\Models\\User",
        "tokenable_id": account.user_id,
        "name": "demo",
        "token": sha256(secret.encode()).hexdigest(),
        "abilities": _ABILITIES.get(account.user_id, ["use_agents"]),
        "last_used_at": None,
        "expires_at": _timestamp(now - timedelta(days=1)) if account is EVE else None,
        "created_at": _timestamp(now - timedelta(days=30)),
    }


def _runs(now: datetime) -> Iterator[tuple[str, _Line]]:
    """Yields each run with the name of its file, oldest first."""
    random = Random(WORKSPACE_ID)  # noqa: S311 - the same demo every time
    for number in range(DEMO_ROWS):
        # Newer days have more runs, so that every range shows some rows.
        age = (
            timedelta(minutes=1)
            + timedelta(days=DEMO_DAYS - 1) * (1 - (number + 1) / DEMO_ROWS) ** 1.5
        )
        run = _run(random, 1_000 + number, _moment(now, age))
        if number % 9 == 4:
            yield "edited", _as_edited(run)
        elif number % 5 == 2:
            yield "archived", run
        else:
            yield "executions", run
    yield from _rare_cases(random, now)


def _moment(now: datetime, age: timedelta) -> datetime:
    """Returns the moment of a row: ``age`` before noon, or in what has passed of today.

    So whole days hold the same rows, and add up to the same, at whatever time the demo is made.
    """
    midnight = _midnight(now)
    moment = midnight + _NOON - age
    if moment < midnight:
        return moment
    return midnight + (moment - midnight) / _NOON * (now - midnight)


def _midnight(now: datetime) -> datetime:
    """Returns the first moment of the day of ``now`` in UTC."""
    return datetime.combine(now.astimezone(UTC).date(), time(), UTC)


def _rare_cases(random: Random, now: datetime) -> Iterator[tuple[str, _Line]]:
    """Yields rare cases: ties, a row that is being archived, the first and last moment of a day."""
    midnight = _midnight(now)
    # Rows of each source at the same moment; as texts, their ids would be in another order.
    tie = midnight - timedelta(hours=15)
    yield "executions", _run(random, 999, tie)
    yield "executions", _run(random, 2_000, tie)
    yield "archived", _run(random, 1_999, tie)
    yield "edited", _as_edited(_run(random, 2_001, tie))
    # A row in both tables, as while it is being archived: it is listed once.
    moving = _run(random, 2_010, midnight - timedelta(hours=38))
    yield "executions", moving
    yield "archived", moving
    # The last moment of a day and the first of the next, a week ago.
    yield "executions", _run(random, 2_020, midnight - timedelta(days=6, microseconds=1))
    yield "executions", _run(random, 2_021, midnight - timedelta(days=6))
    # A row of another workspace, which nobody in this one may see.
    foreign = _run(random, 2_030, now - timedelta(hours=2))
    yield "executions", {**foreign, "workspace_id": OTHER_WORKSPACE_ID, "user_id": DEE.user_id}


def _run(random: Random, number: int, moment: datetime) -> _Line:
    title, slug, kind = random.choice(_AGENTS)
    user_id = random.choice((1, 1, 2, 2, 3))
    by_tokens = kind in {"chat", "text", "code"}
    input_tokens, output_tokens = random.randrange(20, 4_000), random.randrange(1, 2_000)
    return {
        "id": number,
        "workspace_id": WORKSPACE_ID,
        "user_id": user_id,
        "user_email": f"{('ana', 'bo', 'cy')[user_id - 1]}@example.com",
        "created_at": _timestamp(moment),
        "agent": {"title": title, "slug": slug, "type": kind},
        "status": random.choice(_STATUSES),
        "credits": random.randrange(1, 90_000) / 1_000_000
        if by_tokens
        else random.randrange(1, 30),
        "output": random.choice(_OUTPUTS[kind]) if kind in _OUTPUTS else "An answer in full.",
        "root_id": number - random.randrange(1, 40) if random.random() < 0.4 else None,
        "metadata": {"execution_origin": "api"} if random.random() < 0.5 else None,
        "used_model": random.choice(_MODELS),
        "detailed_credits": {
            "billing": "tokens",
            "input_tokens": input_tokens,
            "output_tokens": output_tokens,
            "total_tokens": input_tokens + output_tokens,
        }
        if by_tokens
        else {"billing": "units"},
    }


def _as_edited(run: _Line) -> _Line:
    """Returns ``run`` as an edited chat."""
    title, slug, kind = _AGENTS[0]
    edited = {**run, "user_openai_id": run["id"]}
    edited["agent"] = {"title": title, "slug": slug, "type": kind}
    del edited["id"]
    return edited


def _timestamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
