"""What the local stack tells of itself."""

import json

import pytest

from local.data.demo import ANA, DemoAccount
from local.data.loading import Demo, OwnDataSet
from local.description import describe_stack
from local.stack import TEMPLATE
from local.store.clients import Endpoints
from local.template.expand import expand
from tests.support.functions import ROOT


@pytest.mark.parametrize(
    ("demo", "told"), [(ANA, {"token": ANA.token, "workspace_id": ANA.workspace_id}), (None, None)]
)
def test_a_token_is_told_only_if_the_demo_is_served(demo: DemoAccount | None, told: object) -> None:
    """The reference fills it in."""
    endpoints = Endpoints.all_at("http://127.0.0.1:1")
    response = describe_stack(expand(TEMPLATE, {}), endpoints, "http://127.0.0.1:2", demo)
    assert json.loads(response.body)["demo"] == told


def test_a_data_set_of_the_developer_s_own_has_no_token() -> None:
    """Tokens of a real data set are nobody's to show."""
    assert (Demo().account, OwnDataSet(ROOT).account) == (ANA, None)
