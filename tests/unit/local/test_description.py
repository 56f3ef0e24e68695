"""What the local stack tells of itself."""

import json
from collections.abc import Sequence

import pytest

from local.data.demo import ACCOUNTS, ANA, BO, DemoAccount
from local.data.loading import Demo, OwnDataSet
from local.description import describe_stack
from local.stack import TEMPLATE
from local.store.clients import Endpoints
from local.template.expand import expand
from tests.support.functions import ROOT

TOLD = {
    "token": ANA.token,
    "workspace_id": ANA.workspace_id,
    "accounts": [
        {"name": "Ana", "token": ANA.token, "workspace_id": 11, "sees": "everyone"},
        {"name": "Bo", "token": BO.token, "workspace_id": 11, "sees": "own"},
    ],
}


@pytest.mark.parametrize(("demo", "told"), [(ACCOUNTS, TOLD), ((), None)])
def test_tokens_are_told_only_if_the_demo_is_served(
    demo: Sequence[DemoAccount], told: object
) -> None:
    """The reference fills in the first one; the page offers all that show anything."""
    endpoints = Endpoints.all_at("http://127.0.0.1:1")
    response = describe_stack(expand(TEMPLATE, {}), endpoints, "http://127.0.0.1:2", demo)
    assert json.loads(response.body)["demo"] == told


def test_a_data_set_of_the_developer_s_own_has_no_accounts() -> None:
    """Tokens of a real data set are nobody's to show."""
    assert (Demo().accounts, OwnDataSet(ROOT).accounts) == (ACCOUNTS, ())
