"""Access tokens: as presented, as stored, and how one is checked against the other.

The tokens are Laravel Sanctum's.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from typing import Final

from workspace_usage.errors import Unauthorized
from workspace_usage.values import parse_id

USE_AGENTS: Final = "use_agents"
"""The ability that a token needs for this service. A token with ``*`` has every ability."""

_AUTHORIZATION: Final = re.compile(r"bearer +(?:bearer +)?(?P<token>\S+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class BearerToken:
    """A token as a caller presents it. It keeps no secret that could reach a log or a table.

    Attributes:
        token_id: the id in the token, or None if the token is a bare secret.
        digest: the lower-case hex SHA-256 of the secret.
    """

    token_id: int | None
    digest: str

    @classmethod
    def from_header(cls, authorization: str | None) -> "BearerToken":
        """Parses ``Bearer <id>|<secret>`` or ``Bearer <secret>``, the scheme in any case.

        The two forms are Sanctum's (``PersonalAccessToken::findToken``). ``Bearer Bearer``, which
        some clients send and Laravel accepts, counts as one ``Bearer``.

        Raises:
            Unauthorized: the header is missing or has no such token.
        """
        match = _AUTHORIZATION.fullmatch((authorization or "").strip(" "))
        if match is None:
            raise Unauthorized
        prefix, bar, secret = match["token"].partition("|")
        if not bar:
            return cls(None, _digest(prefix))
        token_id = parse_id(prefix)
        if token_id is None or not secret:
            raise Unauthorized
        return cls(token_id, _digest(secret))


def _digest(secret: str) -> str:
    # "surrogatepass": half a surrogate pair, which a client may send, has a digest as well.
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token as stored.

    Attributes:
        token_id: the token's id.
        tokenable_type: the Laravel model of its owner, such as ``App\\Models\\User``.
        tokenable_id: the owner's id.
        token_hash: the lower-case hex SHA-256 of its secret.
        abilities: what it was issued for.
        created_at: when it was issued (aware), or None if that is unknown.
        expires_at: when it expires (aware), or None if it doesn't.
    """

    token_id: int
    tokenable_type: str
    tokenable_id: int
    token_hash: str
    abilities: frozenset[str]
    created_at: datetime | None
    expires_at: datetime | None

    @property
    def user_id(self) -> int:
        """The id of the user who owns the token."""
        return self.tokenable_id

    def allows(self, ability: str) -> bool:
        """Returns whether the token has ``ability``, by its name or by ``*``."""
        return ability in self.abilities or "*" in self.abilities


@dataclass(frozen=True, slots=True)
class TokenPolicy:
    """What a deployment requires of tokens.

    Attributes:
        lifetime: how long a token lives after its ``created_at``, or None for no limit besides its
            ``expires_at``.
        tokenable_type: the Laravel model that must own tokens, or None for any. Two models may use
            the same ids. So a platform that issues tokens to models other than its users must set
            this.
    """

    lifetime: timedelta | None = None
    tokenable_type: str | None = None

    def check(
        self, presented: BearerToken, stored: AccessToken | None, now: datetime
    ) -> AccessToken:
        """Returns the stored token if it is the one that was presented and is alive at ``now``.

        Raises:
            Unauthorized: it is unknown, has another secret, is expired, or belongs to another
                model.
        """
        if (
            stored is None
            or not compare_digest(presented.digest, stored.token_hash)
            or not self._is_alive(stored, now)
            or self.tokenable_type not in (None, stored.tokenable_type)
        ):
            raise Unauthorized
        return stored

    def _is_alive(self, token: AccessToken, now: datetime) -> bool:
        if token.expires_at is not None and now >= token.expires_at:
            return False
        if self.lifetime is None:
            return True
        # A token of unknown age may be too old.
        return token.created_at is not None and now - token.created_at < self.lifetime
