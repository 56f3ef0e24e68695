"""Who may see what: access tokens, memberships, and the scope that a membership gives.

A scope is a type, not a flag. Everything that reads rows requires one, and one can only be had from
a membership that was read, or for a caller that IAM let in. A filter that gets lost along the way
can therefore not widen what is seen. When access can't be determined, it is denied.
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
"""The ability that a token needs for this service (``*`` has every ability)."""

_AUTHORIZATION: Final = re.compile(r"bearer +(?:bearer +)?(?P<token>\S+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class BearerToken:
    """What a caller presents: a token's id, when it is in the token, and the secret's digest.

    The secret itself is forgotten here: it can't reach a log or a table.
    """

    token_id: int | None
    digest: str

    @classmethod
    def from_header(cls, authorization: str | None) -> "BearerToken":
        """Reads ``Bearer <id>|<secret>`` or ``Bearer <secret>``, the scheme in any case.

        The two forms are Laravel Sanctum's (``PersonalAccessToken::findToken``). ``Bearer Bearer``,
        which some clients send and Laravel lets pass, counts as one.

        Raises:
            Unauthorized: there is no such token in it.
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
    # "surrogatepass": whatever a client sends has a digest, half a surrogate pair included.
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A Sanctum token as stored; ``token_hash`` is the lower-case hex SHA-256 of its secret."""

    token_id: int
    tokenable_type: str
    tokenable_id: int
    token_hash: str
    abilities: frozenset[str]
    created_at: datetime | None
    expires_at: datetime | None

    @property
    def user_id(self) -> int:
        """The user whom the token speaks for."""
        return self.tokenable_id

    def allows(self, ability: str) -> bool:
        """Whether the token was issued with ``ability``, or with all (``*``)."""
        return ability in self.abilities or "*" in self.abilities


@dataclass(frozen=True, slots=True)
class TokenPolicy:
    """What a deployment asks of tokens.

    Attributes:
        lifetime: how long a token lives after its ``created_at``; None: until its ``expires_at``.
        tokenable_type: the Laravel model that tokens must belong to; None: any. Two models may
            have the same id, so a platform that issues tokens to more than its users sets this.
    """

    lifetime: timedelta | None = None
    tokenable_type: str | None = None

    def check(
        self, presented: BearerToken, stored: AccessToken | None, now: datetime
    ) -> AccessToken:
        """The stored token, if it is the one presented and alive at ``now``.

        Raises:
            Unauthorized: it is unknown, another's, dead, or of another kind of owner.
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
        # A token of unknown age can't be shown to be young enough.
        return token.created_at is not None and now - token.created_at < self.lifetime
