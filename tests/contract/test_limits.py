"""What callers get when they ask too often, and when something fails."""

from collections.abc import Iterator
from itertools import cycle, islice

import pytest

from tests.contract.service import ORIGIN, Service

pytestmark = pytest.mark.xdist_group("restricted")

UNAVAILABLE = {
    "message": "El servicio no está disponible en este momento. Inténtalo de nuevo en breve."
}
TOO_MANY = {"message": "Demasiadas solicitudes. Inténtalo de nuevo en unos instantes."}


def test_too_many_requests_get_429_and_a_time_to_retry(restricted: Service) -> None:
    """The stage's limit is one of all callers together: 15 requests at once, and 15 a second."""
    askers = islice(cycle(restricted.members), 16)
    answers = [restricted.ask(member) for member in askers]
    assert [answer.status for answer in answers] == [200] * 15 + [429]
    refused = answers[-1]
    assert refused.body == TOO_MANY
    assert refused.headers["Retry-After"].isdigit()
    assert refused.headers["Cache-Control"] == "no-store"
    restricted.clock.now += 1
    assert restricted.ask(restricted.members[0]).status == 200


def test_one_caller_s_requests_are_limited_and_the_others_are_answered(
    restricted: Service,
) -> None:
    """By a web ACL, if the deployment has one: by token, and by address if there is no token.

    The refusal is the contract's 429, which a page of the allowed origin may read. The preflight,
    the page and its files have no token, so that the limit of a token is not theirs.
    """
    greedy, other = restricted.members[0], restricted.members[1]
    assert [restricted.ask(greedy).status for _ in range(10)] == [200] * 10
    restricted.clock.now += 1  # or the stage's limit refuses requests, too
    refused = restricted.ask(greedy, headers={"Accept-Language": "en"})
    assert (refused.status, refused.body) == (429, TOO_MANY)
    assert refused.headers["Retry-After"] == "60"
    assert refused.headers["Cache-Control"] == "no-store"
    assert refused.headers["Access-Control-Allow-Origin"] == ORIGIN
    spelling = {"Authorization": f"bearer  {greedy.token}"}
    assert restricted.ask(greedy, headers=spelling).status == 429
    assert restricted.ask(other).status == 200
    preflight = {"Origin": ORIGIN, "Access-Control-Request-Method": "GET"}
    client, url = restricted.client, restricted.stack.url
    assert client.options(f"{url}/workspaces/usage", headers=preflight).is_success
    pages = list(_pages(restricted, 50))
    assert pages[:12] == [200] * 12
    assert pages[-1] == 429, "the address has sent more than 60"
    restricted.clock.now += int(refused.headers["Retry-After"])
    assert restricted.ask(greedy).status == 200


def _pages(service: Service, number: int) -> Iterator[int]:
    """Yields the statuses of requests for the page, which the stage's limit lets through."""
    for _ in range(number):
        service.clock.now += 0.1
        yield service.client.get(f"{service.stack.url}/").status_code


def test_a_store_that_can_not_be_read_is_503_and_never_cached(restricted: Service) -> None:
    """Whether rows, members or tokens can't be read. Once they can, it is 200."""
    member = restricted.members[0]
    for table in ("EditedChatsTable", "MembershipsTable", "AccessTokensTable"):
        name = restricted.name(table)
        restricted.stack.clients.dynamodb.delete_table(TableName=name)
        answer = restricted.ask(member, {"per_page": "3"})
        assert (answer.status, answer.body) == (503, UNAVAILABLE)
        assert answer.headers["Retry-After"].isdigit()
        assert answer.headers["Cache-Control"] == "no-store"
        assert name not in str(answer.headers)
    restricted.repair()
    assert restricted.ask(member, {"per_page": "3"}).status == 200
