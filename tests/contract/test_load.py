"""Fifty clients at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.contract.service import Service

pytestmark = pytest.mark.xdist_group("contract")


def test_fifty_clients_at_once_get_the_right_responses(service: Service) -> None:
    """Each client sends two different requests. None gets an error or foreign rows."""

    def ask_twice(number: int) -> list[tuple[int, bool]]:
        member = service.members[number % len(service.members)]
        answers = []
        for page in ("1", "2"):
            answer = service.ask(member, {"page": page, "per_page": str(2 + number)})
            users = {entry["user_id"] for entry in answer.body["items"]}
            answers.append((answer.status, member.sees_everyone or users <= {member.user_id}))
        return answers

    with ThreadPoolExecutor(50) as clients:
        results = [result for answers in clients.map(ask_twice, range(50)) for result in answers]
    assert results == [(200, True)] * 100
