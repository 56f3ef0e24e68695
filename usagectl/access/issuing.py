"""Issues access tokens in Laravel Sanctum's format."""

import secrets
import string
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final
from zlib import crc32

from workspace_usage.access.tokens import AccessToken

SECRET_LENGTH: Final = 40
"""How many random characters a secret has, as in Sanctum."""

FIRST_ID: Final = 2**62
"""The smallest id of a token that is issued here. The platform's ids count up from 1."""

_ALPHABET: Final = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token.

    Attributes:
        token: what is stored: the hash of the secret, not the secret.
        plain_text: what the owner sends. It can't be shown again.
    """

    token: AccessToken
    plain_text: str


def draw_id() -> int:
    """Returns a random id, which the platform never uses and which is hardly ever drawn twice."""
    return FIRST_ID + secrets.randbelow(FIRST_ID)


def issue(
    token_id: int,
    user_id: int,
    tokenable_type: str,
    abilities: frozenset[str],
    now: datetime,
    expires_at: datetime | None,
) -> IssuedToken:
    """Returns a new token for a user: ``<id>|<40 random characters><their CRC-32>``.

    Sanctum's ``HasApiTokens::generateTokenString`` makes the same form.
    """
    random_text = "".join(secrets.choice(_ALPHABET) for _ in range(SECRET_LENGTH))
    secret = f"{random_text}{crc32(random_text.encode()):08x}"
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
