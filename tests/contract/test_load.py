"""Fifty clients at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.contract.service import Service

pytestmark = pytest.mark.xdist_group("contract")


def test_fifty_clients_at_once_get_the_right_responses(service: Service) -> None:
    """Their requests are all different. None gets an error or foreign rows."""

    def ask(number: int) -> bool:
        member = service.members[number % len(service.members)]
        answer = service.ask(
            member, {"page": str(number % 5 + 1), "per_page": str(2 + number // 5)}
        )
        assert answer.status == 200
        users = {item["user_id"] for item in answer.body["items"]}
        return member.sees_everyone or users <= {member.user_id}

    with ThreadPoolExecutor(50) as clients:
        assert all(clients.map(ask, range(50)))
