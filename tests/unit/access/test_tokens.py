"""A token that is not shown to be valid is refused, whatever the caller sends."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tests.support.strategies import any_text
from workspace_usage.access.tokens import USE_AGENTS, AccessToken, BearerToken, TokenPolicy
from workspace_usage.errors import Unauthorized
from workspace_usage.values import MAX_ID

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
SECRET = "a-secret"
DIGEST = sha256(SECRET.encode()).hexdigest()
TOKEN = AccessToken(
    token_id=7,
    tokenable_type="App\\Models\\User",
    tokenable_id=42,
    token_hash=DIGEST,
    abilities=frozenset({USE_AGENTS}),
    created_at=NOW - timedelta(days=10),
    expires_at=None,
)
PRESENTED = BearerToken(7, DIGEST)

ids = st.integers(1, MAX_ID)
# What a header may hold between spaces.
secrets = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=50).filter(
    lambda text: not any(character.isspace() for character in text)
)


# What a caller presents


@given(secrets, st.sampled_from(["Bearer", "bearer", "BEARER", "bEaReR"]), st.integers(1, 3))
def test_a_bare_secret_is_a_token_without_an_id(secret: str, scheme: str, spaces: int) -> None:
    assume("|" not in secret)
    presented = BearerToken.from_header(f"{scheme}{' ' * spaces}{secret}")
    assert presented == BearerToken(None, sha256(secret.encode()).hexdigest())


@pytest.mark.parametrize("scheme", ["Bearer Bearer", "bearer BEARER", "Bearer   Bearer  "])
@pytest.mark.parametrize("token", [f"7|{SECRET}", SECRET, "Bearer"])
def test_a_scheme_that_is_sent_twice_counts_as_one(scheme: str, token: str) -> None:
    """Some clients send it twice, and Laravel accepts it."""
    expected = BearerToken.from_header(f"Bearer {token}")
    assert BearerToken.from_header(f"{scheme} {token}") == expected


@given(ids, secrets)
@example(7, "with|another|bar")
@example(7, "|")
def test_an_id_ends_at_the_first_bar(number: int, secret: str) -> None:
    presented = BearerToken.from_header(f"Bearer {number}|{secret}")
    assert presented == BearerToken(number, sha256(secret.encode()).hexdigest())


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        " ",
        "Bearer",
        "Bearer ",
        "Bearer  ",
        "bearer\t",
        SECRET,
        f"7|{SECRET}",
        "Basic dXNlcjpwYXNz",
        f"Token {SECRET}",
        f"Bearer{SECRET}",
        f"Bearer:{SECRET}",
        f"Bearer {SECRET} more",
        f"Bearer Bearer Bearer {SECRET}",
        f"Bearer Basic {SECRET}",
        f"Bearer\tBearer {SECRET}",
        f"Bearer, Bearer {SECRET}",
        f"Bearer\t{SECRET}",
        f"Bearer {SECRET}\n",
        f"\nBearer {SECRET}",
        f"Bearer {SECRET}, Bearer {SECRET}",
        f"Bearer\u00a0{SECRET}",
        f"Bearer {SECRET}\r\nX: y",
        "Bearer |",
        "Bearer 7|",
        f"Bearer |{SECRET}",
        f"Bearer 0|{SECRET}",
        f"Bearer 07|{SECRET}",
        f"Bearer -7|{SECRET}",
        f"Bearer 7.0|{SECRET}",
        f"Bearer x|{SECRET}",
        f"Bearer \u0667|{SECRET}",
        f"Bearer {MAX_ID + 1}|{SECRET}",
        f"Bearer {'9' * 100}|{SECRET}",
    ],
)
def test_any_other_header_is_unauthorized(header: str | None) -> None:
    with pytest.raises(Unauthorized):
        BearerToken.from_header(header)


@given(st.one_of(any_text(), any_text().map("Bearer {}".format)))
@example("Bearer \ud800")
@example("Bearer 7|\udfff")
@example("Bearer " + "x" * 100_000)
@example(" " * 100_000)
def test_no_text_of_a_header_causes_another_error(header: str) -> None:
    try:
        presented = BearerToken.from_header(header)
    except Unauthorized:
        return
    assert len(presented.digest) == 64
    with pytest.raises(Unauthorized):
        TokenPolicy().check(presented, TOKEN, NOW)


def test_a_presented_token_does_not_hold_its_secret() -> None:
    assert SECRET not in repr(BearerToken.from_header(f"Bearer 7|{SECRET}"))


def test_an_unauthorized_caller_is_not_told_why() -> None:
    with pytest.raises(Unauthorized) as caught:
        BearerToken.from_header(f"Bearer x|{SECRET}")
    assert str(caught.value) == ""


# Whether it is accepted


def test_the_token_that_is_presented_is_accepted() -> None:
    """In either form."""
    assert TokenPolicy().check(PRESENTED, TOKEN, NOW) is TOKEN
    assert TokenPolicy().check(BearerToken(None, DIGEST), TOKEN, NOW).user_id == 42


def test_an_unknown_token_is_unauthorized() -> None:
    with pytest.raises(Unauthorized):
        TokenPolicy().check(PRESENTED, None, NOW)


@pytest.mark.parametrize("length", [0, 1, 32, 63])
def test_a_prefix_of_a_hash_is_not_the_hash(length: int) -> None:
    """On either side of the comparison."""
    for token, presented in (
        (replace(TOKEN, token_hash=DIGEST[:length]), PRESENTED),
        (TOKEN, BearerToken(7, DIGEST[:length])),
    ):
        with pytest.raises(Unauthorized):
            TokenPolicy().check(presented, token, NOW)


@given(st.integers(0, 63), st.sampled_from("0123456789abcdef"))
def test_a_hash_that_differs_anywhere_is_unauthorized(place: int, digit: str) -> None:
    assume(DIGEST[place] != digit)
    other = DIGEST[:place] + digit + DIGEST[place + 1 :]
    with pytest.raises(Unauthorized):
        TokenPolicy().check(PRESENTED, replace(TOKEN, token_hash=other), NOW)


def test_hashes_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []

    def compare_digest(a: str, b: str) -> bool:
        compared.append({a, b})
        return a == b

    monkeypatch.setattr("workspace_usage.access.tokens.compare_digest", compare_digest)
    other = BearerToken(7, sha256(b"another").hexdigest())
    with pytest.raises(Unauthorized):
        TokenPolicy().check(other, TOKEN, NOW)
    TokenPolicy().check(PRESENTED, TOKEN, NOW)
    assert compared == [{other.digest, DIGEST}, {DIGEST}]


@pytest.mark.parametrize(
    ("age", "is_alive"),
    [(-timedelta(days=1), True), (-MICROSECOND, True), (timedelta(), False), (MICROSECOND, False)],
)
def test_a_token_is_dead_from_expires_at_on(age: timedelta, is_alive: bool) -> None:
    """``age`` is the time since ``expires_at``."""
    assert_alive(TokenPolicy(), replace(TOKEN, expires_at=NOW - age), is_alive)


@pytest.mark.parametrize(
    ("age", "is_alive"),
    [
        (timedelta(), True),
        (timedelta(minutes=60) - MICROSECOND, True),
        (timedelta(minutes=60), False),
        (timedelta(days=400), False),
    ],
)
def test_a_token_is_dead_once_its_lifetime_is_over(age: timedelta, is_alive: bool) -> None:
    token = replace(TOKEN, created_at=NOW - age)
    assert_alive(TokenPolicy(lifetime=timedelta(minutes=60)), token, is_alive)
    assert_alive(TokenPolicy(), token, is_alive=True)


def test_a_token_is_dead_as_soon_as_one_of_its_limits_is_reached() -> None:
    policy = TokenPolicy(lifetime=timedelta(minutes=60))
    young = replace(TOKEN, created_at=NOW - timedelta(minutes=59))
    assert_alive(policy, replace(young, expires_at=NOW + MICROSECOND), is_alive=True)
    assert_alive(policy, replace(young, expires_at=NOW), is_alive=False)
    assert_alive(policy, replace(TOKEN, expires_at=NOW + MICROSECOND), is_alive=False)


def test_where_tokens_have_a_lifetime_a_token_of_unknown_age_is_dead() -> None:
    ageless = replace(TOKEN, created_at=None)
    assert_alive(TokenPolicy(lifetime=timedelta(minutes=60)), ageless, is_alive=False)
    assert_alive(TokenPolicy(), ageless, is_alive=True)


@pytest.mark.parametrize(
    ("required", "is_alive"),
    [
        (None, True),
        ("App\\Models\\User", True),
        ("App\\Models\\Admin", False),
        ("App\\Models", False),
        ("app\\models\\user", False),
    ],
)
def test_a_deployment_may_require_tokens_of_one_model(required: str | None, is_alive: bool) -> None:
    assert_alive(TokenPolicy(tokenable_type=required), TOKEN, is_alive)


def assert_alive(policy: TokenPolicy, token: AccessToken, is_alive: bool) -> None:
    if is_alive:
        assert policy.check(PRESENTED, token, NOW) is token
    else:
        with pytest.raises(Unauthorized):
            policy.check(PRESENTED, token, NOW)


@pytest.mark.parametrize(
    ("abilities", "allowed"),
    [
        ({USE_AGENTS}, True),
        ({"*"}, True),
        ({"read", USE_AGENTS, "write"}, True),
        (set(), False),
        ({"use_agent", "use_agents "}, False),
        ({"USE_AGENTS"}, False),
        ({"use_*", "use_agents:*", "**"}, False),
    ],
)
def test_a_token_has_an_ability_by_its_name_or_by_the_star(
    abilities: set[str], allowed: bool
) -> None:
    assert replace(TOKEN, abilities=frozenset(abilities)).allows(USE_AGENTS) == allowed
