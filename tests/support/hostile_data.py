"""A workspace whose texts try to be more than text, and whose numbers have the most digits."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

HOSTILE_WORKSPACE_ID: Final = 9_223_372_036_854_775_806
HOSTILE_TOKEN: Final = "9|hostile"
LARGE_USER_ID: Final = 9_223_372_036_854_775_807
LARGE_ID: Final = 9_007_199_254_740_993
"""The first whole number that JavaScript's numbers can't hold."""

SMALL_CREDITS: Final = "0.00000000000000000000123456789012345"
LARGE_CREDITS: Final = "12345678901234567890.123456789"

LONG: Final = "W" * 10_000
OVERRIDE: Final = "\u202eevil\u2066\u200f"
"""Characters that would turn what follows around."""


@dataclass(frozen=True)
class Hostile:
    """The texts of one run."""

    title: str
    email: str = "zoe@example.com"
    slug: str = "agent"
    kind: str = "chat"
    output: str | None = None
    model: str | None = "a-model"
    credits: str = "1"


RUNS: Final = (
    Hostile("<img src=x onerror=alert(1)>", email="<b>bold</b>@example.com"),
    Hostile('"><script>alert(1)</script>', slug='" onclick="alert(1)', model="'\"><i onload=x>"),
    Hostile(f"{OVERRIDE}after", email=f"{OVERRIDE}@example.com", model=OVERRIDE),
    Hostile(LONG, email=f"{LONG}@example.com", slug=LONG, model=LONG),
    Hostile("markup type", kind="<svg onload=alert(1)>"),
    Hostile("property type", kind="constructor"),
    Hostile("script link", slug="javascript:alert(1)", kind="image", output="javascript:alert(1)"),
    Hostile("data link", kind="video", output="data:text/html,<script>alert(1)</script>"),
    Hostile("markup output", kind="voiceover", output="<svg onload=alert(1)>"),
    Hostile("foreign picture", kind="image", output='https://evil.example/"onerror="x.png'),
    Hostile("long output", kind="image", output=LONG[:1000]),
    Hostile("climbing slug", slug="../../../../evil.example"),
    Hostile("slashes", slug="//evil.example/x"),
    Hostile("small", credits=SMALL_CREDITS),
    Hostile("large", credits=LARGE_CREDITS),
    Hostile("negative", credits="-3.5"),
)


def write_hostile_data(folder: Path, now: datetime) -> None:
    """Writes the data set into a folder that exists. Its runs lie in the minutes before ``now``."""
    files: dict[str, list[dict[str, Any]]] = {
        "tokens": [_token(now)],
        "members": [
            {
                "workspace_id": HOSTILE_WORKSPACE_ID,
                "user_id": LARGE_USER_ID,
                "permissions": ["read_users_activity"],
            }
        ],
        "executions": list(_executions(now)),
    }
    for name, lines in files.items():
        text = "".join(f"{json.dumps(line)}\n" for line in lines)
        (folder / f"{name}.ndjson").write_text(text, "utf-8")


def _token(now: datetime) -> dict[str, Any]:
    number, _, secret = HOSTILE_TOKEN.partition("|")
    return {
        "id": int(number),
        "tokenable_type": "App\\Models\\User",
        "tokenable_id": LARGE_USER_ID,
        "name": "hostile",
        "token": sha256(secret.encode()).hexdigest(),
        "abilities": ["*"],
        "last_used_at": None,
        "expires_at": None,
        "created_at": _timestamp(now - timedelta(days=1)),
    }


def _executions(now: datetime) -> Iterator[dict[str, Any]]:
    for number, run in enumerate(RUNS):
        yield {
            "id": LARGE_ID - number,
            "workspace_id": HOSTILE_WORKSPACE_ID,
            "user_id": LARGE_USER_ID - number % 2,
            "user_email": run.email,
            "created_at": _timestamp(now - timedelta(minutes=number)),
            "agent": {"title": run.title, "slug": run.slug, "type": run.kind},
            "status": "succeeded",
            "credits": run.credits,
            "output": run.output,
            "root_id": None,
            "metadata": None,
            "used_model": run.model,
            "detailed_credits": None,
        }


def _timestamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
