"""Access tokens that an operator issues: Laravel Sanctum's format, kept as its hash alone."""

import secrets
import string
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final
from zlib import crc32

from workspace_usage.access.tokens import AccessToken

ENTROPY: Final = 40
"""Random characters of a secret, as many as Sanctum's."""

FIRST_ID: Final = 2**62
"""Ids of tokens issued here are drawn from above it; the platform's count up from 1."""

_ALPHABET: Final = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token: what is stored, and what its owner sends. The latter can't be had again."""

    token: AccessToken
    plain_text: str


def draw_id() -> int:
    """Returns an id that no token of the platform will have, and hardly one of another operator."""
    return FIRST_ID + secrets.randbelow(FIRST_ID)


def issue(
    token_id: int,
    user_id: int,
    tokenable_type: str,
    abilities: frozenset[str],
    now: datetime,
    expires_at: datetime | None,
) -> IssuedToken:
    """A new token for a user: ``<id>|<40 random characters><their CRC-32>``.

    That is the form of Sanctum's ``HasApiTokens::generateTokenString``.
    """
    entropy = "".join(secrets.choice(_ALPHABET) for _ in range(ENTROPY))
    secret = f"{entropy}{crc32(entropy.encode()):08x}"
    token = AccessToken(
        token_id=token_id,
        tokenable_type=tokenable_type,
        tokenable_id=user_id,
        token_hash=sha256(secret.encode()).hexdigest(),
        abilities=abilities,
        created_at=now,
        expires_at=expires_at,
    )
    return IssuedToken(token, f"{token.token_id}|{secret}")
