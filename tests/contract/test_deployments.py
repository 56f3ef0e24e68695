"""The contract in deployments with other parameters, and when something fails.

Each test has its own stack.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pytest

from local.stack import Stack
from tests.contract.service import Clock, Service, deployed
from tests.support.generator import question, write_dataset
from tests.support.oracle import Oracle, assert_items
from usagectl.loading.loader import Loader

pytestmark = pytest.mark.xdist_group("deployments")


def test_a_deployment_has_its_own_locale_time_zone_and_minimal_date(
    tmp_path: Path,
) -> None:
    """The data set of seed 3 has the setting enabled, and rows at the edges of New York's days."""
    zone = ZoneInfo("America/New_York")
    members = write_dataset(tmp_path, 3, datetime.now(UTC), zone, rows=400)
    oracle = Oracle(tmp_path, zone)
    parameters = {"TimeZone": "America/New_York", "DefaultLocale": "pt_BR"}
    clock = Clock()
    with Stack.start(parameters=parameters, clock=clock) as stack:
        Loader(stack.resources).load(tmp_path)
        service = Service(stack, clock, oracle, members)
        random = Random(3)
        for _ in range(25):
            member, query = random.choice(members), question(random, datetime.now(UTC))
            status, expected = service.expected(member, query)
            answer = service.ask(member, query)
            assert answer.status == status, query
            if status == 200:
                assert_items(answer.body["items"], expected["items"])
        assert service.ask(None).body == {"message": "Não autenticado."}
        assert service.ask(None, path="/x").body == {"message": "Não há nada neste endereço."}
        answer = service.ask(members[0], headers={"x-workspace-id": "999"})
        assert answer.body == {"message": "Você não tem acesso a este workspace."}
        answer = service.ask(members[0], headers={"x-workspace-id": "999", "Accept-Language": "en"})
        assert answer.body == {"message": "You do not have access to this workspace."}
        service.client.close()


def test_a_deployment_can_limit_the_lifetime_of_tokens(tmp_path: Path) -> None:
    with deployed(tmp_path, TokenLifetimeMinutes="60") as service:
        member = service.members[1]
        for minutes, status in ((59, 200), (61, 401)):
            moment = datetime.now(UTC) - timedelta(minutes=minutes)
            created_at = {"S": f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}"}
            token = service.put_token(9, "aging", member.user_id, created_at=created_at)
            answer = service.ask(member, headers={"Authorization": f"Bearer {token}"})
            assert answer.status == status
        token = service.put_token(9, "ageless", member.user_id)
        assert service.ask(member, headers={"Authorization": f"Bearer {token}"}).status == 401


def test_without_the_cache_no_response_comes_from_it(tmp_path: Path) -> None:
    with deployed(tmp_path, CacheEnabled="false") as service:
        for _ in range(2):
            assert service.ask(service.members[0]).headers.get("X-Cache") != "Hit"


def test_too_many_requests_get_429_and_a_time_to_retry(tmp_path: Path) -> None:
    with deployed(tmp_path, ThrottleRate="1", ThrottleBurst="2") as service:
        answers = [service.ask(service.members[0]) for _ in range(3)]
        assert [answer.status for answer in answers] == [200, 200, 429]
        message = {"message": "Too many requests. Please try again in a moment."}
        assert answers[2].body == message
        assert answers[2].headers["Retry-After"].isdigit()
        assert answers[2].headers["Cache-Control"] == "no-store"
        service.clock.now += 1
        assert service.ask(service.members[0]).status == 200


def test_one_caller_s_requests_are_limited_and_the_others_are_answered(tmp_path: Path) -> None:
    """By a web ACL, if the deployment has one: by token, and by address if there is no token.

    The refusal is the contract's 429, which a page of the allowed origin may read. The preflight,
    the page and its files have no token, so that the limit of a token is not theirs.
    """
    origin = "https://app.example.com"
    with deployed(
        tmp_path,
        WebAclEnabled="true",
        RequestsPerToken="10",
        RequestsPerAddress="60",
        AllowedOrigin=origin,
        DefaultLocale="es",
    ) as service:
        greedy, other = service.members[0], service.members[1]
        assert greedy.token != other.token
        assert [service.ask(greedy).status for _ in range(10)] == [200] * 10
        refused = service.ask(greedy, headers={"Accept-Language": "en"})
        assert refused.status == 429
        assert refused.body == {
            "message": "Demasiadas solicitudes. Inténtalo de nuevo en unos instantes."
        }
        assert refused.headers["Retry-After"] == "60"
        assert refused.headers["Cache-Control"] == "no-store"
        assert refused.headers["Access-Control-Allow-Origin"] == origin
        spelling = {"Authorization": f"bearer  {greedy.token}"}
        assert service.ask(greedy, headers=spelling).status == 429
        assert service.ask(other).status == 200
        preflight = {"Origin": origin, "Access-Control-Request-Method": "GET"}
        url = service.stack.url
        assert service.client.options(f"{url}/workspaces/usage", headers=preflight).is_success
        pages = [service.client.get(f"{url}/").status_code for _ in range(50)]
        assert pages[:12] == [200] * 12
        assert pages[-1] == 429, "the address has sent more than 60"
        service.clock.now += int(refused.headers["Retry-After"])
        assert service.ask(greedy).status == 200


UNAVAILABLE = {"message": "The service is unavailable at the moment. Please try again shortly."}


def test_a_store_that_can_not_be_read_is_503_and_never_cached(tmp_path: Path) -> None:
    """Whether rows, tokens, members or the setting can't be read. Once they can, it is 200."""
    with deployed(tmp_path) as service:
        member, clients = service.members[0], service.stack.clients
        parameter = service.stack.template.only("AWS::SSM::Parameter").name
        clients.ssm.delete_parameter(Name=parameter)
        first = service.ask(member)
        assert (first.status, first.body) == (503, UNAVAILABLE)
        assert first.headers["Retry-After"].isdigit()
        assert first.headers["Cache-Control"] == "no-store"
        value = json.dumps({"enabled": False, "date": None})
        clients.ssm.put_parameter(Name=parameter, Value=value, Type="String")
        assert service.ask(member).status == 200
        for table in ("EditedChatsTable", "MembershipsTable", "AccessTokensTable"):
            service.clock.now += 1000
            name = service.stack.template.resources[table].name
            clients.dynamodb.delete_table(TableName=name)
            answer = service.ask(member, {"per_page": "3"})
            assert (answer.status, answer.body) == (503, UNAVAILABLE)
            assert name not in str(answer.headers)
