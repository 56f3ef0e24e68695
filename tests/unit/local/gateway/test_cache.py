"""The stage cache keeps responses for its lifetime, and the throttle follows the clock."""

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from local.exchange import Response
from local.gateway.cache import MAX_CACHED_BYTES, StageCache
from local.gateway.throttle import TokenBucket


@dataclass
class Clock:
    """A clock that stands still until it is moved; in seconds."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def answer(text: str) -> Response:
    """A response with this text."""
    return Response(200, (("A", "b"),), text.encode())


# --- The cache ------------------------------------------------------------------------------------


def test_a_response_is_cached_for_its_lifetime() -> None:
    """It is gone at the second at which its lifetime ends."""
    clock = Clock()
    cache = StageCache(60, clock)
    cache.put("key", answer("a"))
    for now, living in ((1000.0, True), (1059.9, True), (1060.0, False), (1000000.0, False)):
        clock.now = now
        assert (cache.get("key") == answer("a")) is living
        assert (cache.get("key") is None) is not living


def test_reading_a_response_does_not_extend_its_lifetime() -> None:
    """The lifetime begins when it is stored."""
    clock = Clock()
    cache = StageCache(60, clock)
    cache.put("key", answer("a"))
    clock.now += 59
    assert cache.get("key") == answer("a")
    clock.now += 1
    assert cache.get("key") is None


def test_keys_differ() -> None:
    """A missing value differs from an empty one, and the order of values counts."""
    cache = StageCache(60, Clock())
    keys = [("a", None), ("a", ""), (None, "a"), ("", "a"), ("A", None), ()]
    for number, key in enumerate(keys):
        assert cache.get(key) is None
        cache.put(key, answer(str(number)))
    found = [cache.get(key) for key in keys]
    assert found == [answer(str(number)) for number in range(len(keys))]


def test_a_response_that_is_stored_again_has_a_new_lifetime() -> None:
    """Older responses expire before it."""
    clock = Clock()
    cache = StageCache(60, clock)
    cache.put("a", answer("old"))
    cache.put("b", answer("other"))
    clock.now += 30
    cache.put("a", answer("new"))
    assert cache.get("a") == answer("new")
    clock.now += 30
    assert (cache.get("a"), cache.get("b")) == (answer("new"), None)
    clock.now += 30
    assert cache.get("a") is None


def test_a_response_that_is_too_large_is_not_cached() -> None:
    """One with the largest size is."""
    cache = StageCache(60, Clock())
    for size, kept in ((MAX_CACHED_BYTES, True), (MAX_CACHED_BYTES + 1, False)):
        cache.put(size, Response(200, (), b"x" * size))
        assert (cache.get(size) is not None) is kept


def test_a_response_that_is_too_large_does_not_replace_a_cached_one() -> None:
    """The cached one keeps its lifetime."""
    cache = StageCache(60, Clock())
    cache.put("a", answer("small"))
    cache.put("a", Response(200, (), b"x" * (MAX_CACHED_BYTES + 1)))
    assert cache.get("a") == answer("small")


def test_with_a_lifetime_of_zero_nothing_is_cached() -> None:
    """This turns a method's cache off in API Gateway."""
    cache = StageCache(0, Clock())
    cache.put("a", answer("a"))
    assert cache.get("a") is None


@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.sampled_from("abc"), st.booleans()),
        max_size=30,
    )
)
def test_the_cache_returns_what_was_stored_last_within_the_lifetime(
    steps: Sequence[tuple[int, str, bool]],
) -> None:
    """In any order of puts and gets."""
    clock = Clock()
    cache = StageCache(60, clock)
    stored: dict[str, tuple[float, Response]] = {}
    for number, (seconds, key, store) in enumerate(steps):
        clock.now += seconds
        if store:
            cache.put(key, answer(str(number)))
            stored[key] = (clock.now, answer(str(number)))
        at, response = stored.get(key, (0.0, None))
        assert cache.get(key) == (response if clock.now - at < 60 else None)


# --- The throttle ---------------------------------------------------------------------------------


def taken(bucket: TokenBucket, asked: int) -> int:
    """The number of requests that pass."""
    return sum(bucket.take() for _ in range(asked))


def test_a_burst_passes_at_once_and_nothing_after_it() -> None:
    """While the clock stands still."""
    bucket = TokenBucket(rate=2, burst=5, clock=Clock())
    assert taken(bucket, 100) == 5
    assert not bucket.take()


def test_tokens_come_back_with_the_clock() -> None:
    """The rate is the number a second; half a token is none."""
    clock = Clock()
    bucket = TokenBucket(rate=2, burst=5, clock=clock)
    taken(bucket, 5)
    for seconds, gained in ((0.25, 0), (0.25, 1), (0.0, 0), (1.0, 2), (1.25, 2), (0.25, 1)):
        clock.now += seconds
        assert taken(bucket, 100) == gained


def test_at_most_a_burst_is_saved() -> None:
    """Even after a long time without requests."""
    clock = Clock()
    bucket = TokenBucket(rate=2, burst=5, clock=clock)
    clock.now += 1_000_000
    assert taken(bucket, 100) == 5
    clock.now += 1_000_000
    assert taken(bucket, 100) == 5


@given(
    st.integers(1, 20),
    st.integers(1, 20),
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 30)), max_size=20),
)
def test_over_any_time_no_more_than_the_burst_and_the_rate_pass(
    rate: int, burst: int, steps: Sequence[tuple[int, int]]
) -> None:
    """And fewer requests are never refused. Quarters of a second add up exactly."""
    clock = Clock()
    bucket = TokenBucket(rate, burst, clock)
    tokens = float(burst)
    for quarters, asked in steps:
        clock.now += quarters / 4
        tokens = min(burst, tokens + rate * quarters / 4)
        passed = taken(bucket, asked)
        assert passed == min(asked, int(tokens))
        tokens -= passed
