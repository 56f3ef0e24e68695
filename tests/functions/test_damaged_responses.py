"""Damaged responses of the store: a call is retried, or the store is unavailable; nothing else.

The response to each call of each function is damaged in every way, on the way through a proxy. The
request itself always reaches moto: a write has happened although its response did not arrive. S3
has no proxy: botocore validates its responses by itself.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from threading import Thread
from typing import Any, Final

import pytest
from botocore.config import Config
from botocore.exceptions import HTTPClientError
from botocore.retries.quota import RetryQuota

from local import aws as local_aws
from local.exchange import Request
from local.functions.configuration import versions_by_arn
from local.functions.invocation import Result
from local.gateway.gateway import Gateway
from local.log import NoLog
from local.store.clients import Endpoints
from local.template.template import Template
from tests.support.damage import DAMAGES, DRIP, Interference, Proxy
from tests.support.export_trials import (
    continued_export,
    found_export,
    started_export,
    written_export,
)
from tests.support.functions import Context, environment_of, load_function
from tests.support.harness import (
    COUNTED_WORKSPACE,
    FUNCTIONS,
    ROWS,
    TOKEN_SECRET,
    Harness,
    Trial,
    deep_page,
    execution,
    fill,
    first_page,
    grown_counts,
    new_counts,
    old_mark,
    rejection,
    setting,
    sums,
    token,
    token_by_hash,
    token_by_id,
    unfinished_count,
)
from tests.support.provisioned import Provisioned
from workspace_usage.aws.client_validation import reject_damaged_responses
from workspace_usage.aws.clients import CALL_ATTEMPTS
from workspace_usage.aws.reader import DYNAMODB, Reader
from workspace_usage.errors import StoreUnavailable


@pytest.fixture(scope="module")
def harness(
    provisioned: Provisioned, endpoints: Endpoints, template: Template
) -> Iterator[Harness]:
    """The harness, with rows in its workspaces, and a member of the first."""
    with pytest.MonkeyPatch.context() as patch, Proxy(endpoints.dynamodb) as proxy:
        Thread(target=proxy.serve_forever, args=(0.05,), daemon=True).start()
        for name, value in {
            **replace(Endpoints.all_at(proxy.url), s3=endpoints.s3).variables,
            **local_aws.CREDENTIALS,
            **local_aws.NO_CONFIGURATION,
            "AWS_DEFAULT_REGION": local_aws.REGION,
        }.items():
            patch.setenv(name, value)
        patch.setattr("time.sleep", lambda _: None)
        # So many calls fail here that botocore would stop retrying them.
        patch.setattr(RetryQuota, "acquire", lambda *_: True)
        loaded = {}
        for name in FUNCTIONS:
            environment = environment_of(template, f"{name.capitalize()}Function")
            loaded[name] = load_function(name, environment, patch)
        made = Harness(proxy, provisioned.clients, template, loaded)
        fill(made)
        yield made
        proxy.shutdown()
        provisioned.restore()


CASES: list[tuple[Callable[[Harness], Trial], str, str]] = [
    (token_by_id, "GetItem", "AccessTokens"),
    (token_by_id, "GetItem", "Memberships"),
    (token_by_hash, "Query", "AccessTokens"),
    (first_page, "Query", "Executions"),
    (first_page, "Query", "EditedChats"),
    (setting, "GetParameter", ""),
    (deep_page, "GetItem", "Rollups"),
    (deep_page, "Query", "Rollups"),
    (sums, "Query", "Rollups"),
    (execution, "GetItem", "Executions"),
    (execution, "SendMessage", ""),
    (execution, "PutItem", "Rollups"),
    (execution, "TransactWriteItems", ""),
    (token, "PutItem", "AccessTokens"),
    (rejection, "SendMessage", ""),
    (new_counts, "Query", "Rollups"),
    (new_counts, "Query", "Executions"),
    (new_counts, "BatchWriteItem", "Rollups"),
    (new_counts, "TransactWriteItems", "Rollups"),
    (grown_counts, "BatchWriteItem", "Rollups"),
    (grown_counts, "TransactWriteItems", "Rollups"),
    (old_mark, "DeleteItem", "Rollups"),
    (unfinished_count, "SendMessage", ""),
    (started_export, "Query", "Exports"),
    (started_export, "TransactWriteItems", "Exports"),
    (started_export, "SendMessage", ""),
    (found_export, "GetItem", "Exports"),
    (written_export, "GetItem", "Exports"),
    (written_export, "TransactWriteItems", "Exports"),
    (written_export, "Query", "Executions"),
    (continued_export, "SendMessage", ""),
]
"""What is tried, and which of its calls gets damaged responses: an operation, and a table."""

MEMBER: Final = (
    ("Authorization", f"Bearer 7|{TOKEN_SECRET}"),
    ("x-workspace-id", str(COUNTED_WORKSPACE)),
)
"""The headers of a member's request."""


GROUPS: Final = len(DAMAGES) // CALL_ATTEMPTS
"""Calls whose attempts are all damaged meet every damage if there are this many of them."""


@pytest.mark.parametrize(
    ("number", "begin", "operation", "table"),
    [(number, *case) for number, case in enumerate(CASES)],
    ids=[f"{begin.__name__}: {operation} {table}".rstrip() for begin, operation, table in CASES],
)
def test_a_damaged_response_is_never_a_result(
    harness: Harness,
    capsys: pytest.CaptureFixture[str],
    number: int,
    begin: Callable[[Harness], Trial],
    operation: str,
    table: str,
) -> None:
    """Damage that happens once costs one more attempt. Otherwise the store is unavailable, whatever
    it has done. What is then tried again later happens once.

    The attempts of a call are damaged in different ways. Which way comes first differs from case to
    case: a function makes the first attempt of many calls itself, and botocore makes the others.
    """
    damages = [*DAMAGES[number % len(DAMAGES) :], *DAMAGES[: number % len(DAMAGES)]]
    text = harness.table(table) if table else ""
    with harness.proxy.damaging(Interference(operation, text, damages, remaining=1)) as once:
        assert begin(harness)()
    assert once.remaining == 0, "the call was not made"
    for group in range(GROUPS):
        trial = begin(harness)
        always = Interference(operation, text, damages[group::GROUPS])
        with harness.proxy.damaging(always):
            assert not trial()
        # One more if a connection ended that was kept from an earlier call.
        assert always.most_attempts >= CALL_ATTEMPTS, "an attempt was not given up"
    assert trial()
    assert '"message":"failed"' not in capsys.readouterr().out, "there was no unexpected error"


def test_a_response_that_drips_takes_no_longer_than_an_attempt_may(harness: Harness) -> None:
    """Each byte arrives in time, but the whole response never would."""
    request: Any = {"TableName": harness.table("AccessTokens"), "Key": {"token_id": {"N": "7"}}}
    url, seconds = harness.proxy.url, 0.2
    limits = Config(read_timeout=seconds, retries={"total_max_attempts": 2})
    client = local_aws.session().client("dynamodb", endpoint_url=url, config=limits)
    reject_damaged_responses(client)
    reader = Reader(DYNAMODB, url, local_aws.REGION, lambda *_: "gave up", response_seconds=seconds)
    with harness.proxy.damaging(Interference("GetItem", "", [DRIP])):
        assert reader.get_item(**request) == "gave up"
        with pytest.raises(HTTPClientError):
            client.get_item(**request)
    client.close()


def test_nothing_is_cached_because_of_a_damaged_response(harness: Harness) -> None:
    """The gateway answers 503, and the next request gets the right answer."""
    gateway = gateway_of(harness)
    request = Request("GET", "/workspaces/usage", "per_page=3", MEMBER)
    for operation, table in (("GetItem", "AccessTokens"), ("Query", "Executions")):
        for damage in DAMAGES:
            with harness.proxy.damaging(Interference(operation, harness.table(table), [damage])):
                assert gateway.handle(request).status == 503
    response = gateway.handle(request)
    assert (response.status, dict(response.headers)["X-Cache"]) == (200, "Miss")
    ids = [item["id"] for item in json.loads(response.body)["items"]]
    assert ids == [ROWS, ROWS - 1, ROWS - 2]


def test_an_export_is_not_started_because_of_a_damaged_response(harness: Harness) -> None:
    """The gateway answers 503 each time, and never that too many exports are running."""
    gateway = gateway_of(harness)
    request = Request("POST", "/workspaces/usage/exports", "", MEMBER, b'{"format": "csv"}')
    exports = harness.table("Exports")
    for operation, text in (("TransactWriteItems", exports), ("SendMessage", "")):
        for damage in DAMAGES:
            with harness.proxy.damaging(Interference(operation, text, [damage])):
                assert gateway.handle(request).status == 503
    assert [gateway.handle(request).status for _ in range(3)] == [202, 202, 429]


def gateway_of(harness: Harness) -> Gateway:
    """Returns a gateway in front of the harness's functions."""

    def invoke(name: str) -> Callable[[bytes, float], Result]:
        def answer(event: bytes, _: float) -> Result:
            try:
                result = harness.functions[name].lambda_handler(json.loads(event), Context())
            except StoreUnavailable as error:
                return Result.error(type(error).__name__, str(error))
            return Result(json.dumps(result).encode())

        return answer

    functions = {
        arn: invoke(name)
        for name in ("authorizer", "usage", "summary", "exports", "page")
        for arn in versions_by_arn(
            harness.template, harness.template.resources[f"{name.capitalize()}Function"]
        )
    }
    return Gateway(harness.template, functions, lambda: 0.0, NoLog())
