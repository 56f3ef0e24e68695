"""The contract in a deployment with other parameters than the defaults."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from tests.contract.service import Service
from tests.support.generator import question
from tests.support.oracle import assert_items

pytestmark = pytest.mark.xdist_group("elsewhere")


def test_a_deployment_has_its_own_time_zone_and_minimal_date(elsewhere: Service) -> None:
    """The data set has rows at the edges of the zone's days."""
    random = Random(3)
    for _ in range(25):
        member, query = random.choice(elsewhere.members), question(random, datetime.now(UTC))
        status, expected = elsewhere.expected(member, query)
        answer = elsewhere.ask(member, query)
        assert answer.status == status, query
        if status == 200:
            assert_items(answer.body["items"], expected["items"])


def test_a_deployment_has_its_own_language(elsewhere: Service) -> None:
    """For callers who ask for none: in the gateway's answers and in the functions'."""
    member = elsewhere.members[0]
    foreign = {"x-workspace-id": "999"}
    assert elsewhere.ask(None).body == {"message": "Não autenticado."}
    assert elsewhere.ask(None, path="/x").body == {"message": "Não há nada neste endereço."}
    for headers, message in (
        (foreign, "Você não tem acesso a este workspace."),
        (foreign | {"Accept-Language": "en"}, "You do not have access to this workspace."),
    ):
        assert elsewhere.ask(member, headers=headers).body == {"message": message}


def test_a_deployment_can_limit_the_lifetime_of_tokens(elsewhere: Service) -> None:
    """It begins when the token was made."""
    member, lifetime = elsewhere.members[1], timedelta(days=2)
    for age, status in (
        (lifetime - timedelta(minutes=1), 200),
        (lifetime + timedelta(minutes=1), 401),
    ):
        created_at = {"S": f"{datetime.now(UTC) - age:%Y-%m-%dT%H:%M:%S.%fZ}"}
        token = elsewhere.put_token(9, "aging", member.user_id, created_at=created_at)
        answer = elsewhere.ask(member, headers={"Authorization": f"Bearer {token}"})
        assert answer.status == status


def test_without_the_cache_no_response_comes_from_it(elsewhere: Service) -> None:
    for _ in range(2):
        answer = elsewhere.ask(elsewhere.members[0])
        assert (answer.status, answer.headers.get("X-Cache")) == (200, None)
