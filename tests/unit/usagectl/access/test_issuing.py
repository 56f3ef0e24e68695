"""Tokens that an operator issues."""

import json
import re
from datetime import UTC, datetime
from hashlib import sha256
from zlib import crc32

import pytest

from usagectl.access.issuing import FIRST_ID, SECRET_LENGTH, draw_id, issue
from workspace_usage.access.tokens import BearerToken, TokenPolicy
from workspace_usage.values import MAX_ID

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_an_issued_token_has_sanctums_format() -> None:
    """Its form, its checksum and its hash. The service accepts it."""
    issued = issue(draw_id(), 42, "App\\Models\\User", frozenset({"use_agents"}), NOW, None)
    match = re.fullmatch(r"([0-9]+)\|([A-Za-z0-9]{40})([0-9a-f]{8})", issued.plain_text)
    assert match is not None
    assert int(match[3], 16) == crc32(match[2].encode())
    assert issued.token.token_hash == sha256((match[2] + match[3]).encode()).hexdigest()
    assert FIRST_ID <= int(match[1]) == issued.token.token_id <= MAX_ID
    presented = BearerToken.from_header(f"Bearer {issued.plain_text}")
    assert TokenPolicy().check(presented, issued.token, NOW).user_id == 42
    other = issue(draw_id(), 42, "App\\Models\\User", frozenset(), NOW, None)
    assert other.token.token_hash != issued.token.token_hash
    assert json.dumps(other.plain_text) != json.dumps(issued.plain_text)


def test_a_checksum_that_begins_with_a_zero_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secrets.choice", lambda _: "K")
    issued = issue(draw_id(), 42, "App\\Models\\User", frozenset(), NOW, None)
    assert crc32(b"K" * SECRET_LENGTH) < 16**7
    secret, checksum = issued.plain_text[:-8], issued.plain_text[-8:]
    assert secret.endswith("|" + "K" * SECRET_LENGTH)
    assert int(checksum, 16) == crc32(b"K" * SECRET_LENGTH)
