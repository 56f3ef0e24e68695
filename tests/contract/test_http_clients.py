"""What HTTP clients expect besides: compression, pages of another origin, and request ids."""

import gzip
import json
import zlib

import httpx
import pytest

from tests.contract.service import ORIGIN, PATH, Answer, Service
from tests.support.generator import Member
from tests.support.local_functions import wait_until

PREFLIGHT = {
    "Origin": ORIGIN,
    "Access-Control-Request-Method": "GET",
    "Access-Control-Request-Headers": "authorization,x-workspace-id",
}


# --- Compression ----------------------------------------------------------------------------------


def sent(service: Service, member: Member, accepted: str, query: str) -> tuple[str | None, bytes]:
    """The Content-Encoding and the body of an answer, as they come over the network."""
    headers = {
        "Authorization": f"Bearer {member.token}",
        "x-workspace-id": str(member.workspace_id),
        "Accept-Encoding": accepted,
    }
    url = f"{service.stack.url}{PATH}?{query}"
    # Not the service's client, which reads and decompresses each response to compare it.
    with httpx.stream("GET", url, headers=headers, timeout=300) as response:
        content = b"".join(response.iter_raw())
        assert response.headers["Content-Length"] == str(len(content))
        assert response.headers["Content-Type"] == "application/json"
        return response.headers.get("Content-Encoding"), content


@pytest.mark.xdist_group("contract")
def test_a_large_answer_is_compressed_for_clients_that_accept_it(
    service: Service, everyone: Member
) -> None:
    """The JSON is the same to the byte, whoever asked first while the cache has the answer."""
    query = "per_page=100"
    coding, small = sent(service, everyone, "gzip, deflate, br", query)
    plain_coding, plain = sent(service, everyone, "identity", query)
    assert (coding, plain_coding) == ("gzip", None)
    assert len(small) < len(plain)
    assert gzip.decompress(small) == plain
    coding, small = sent(service, everyone, "gzip;q=0.5, deflate", query)
    assert (coding, zlib.decompress(small)) == ("deflate", plain)
    assert sent(service, everyone, "br, gzip", query) == (None, plain)


@pytest.mark.xdist_group("contract")
def test_a_small_answer_is_not_compressed(service: Service, everyone: Member) -> None:
    coding, content = sent(service, everyone, "gzip", "type=none")
    assert coding is None
    assert len(content) < 1024
    assert "message" in json.loads(content)


# --- Pages of another origin ----------------------------------------------------------------------


def cors_headers(headers: httpx.Headers) -> dict[str, str]:
    """The headers that are about other origins."""
    return {name: value for name, value in headers.items() if "access-control" in name}


@pytest.mark.xdist_group("contract")
def test_without_an_allowed_origin_no_page_of_another_origin_is_let_in(
    service: Service, everyone: Member
) -> None:
    """OPTIONS is 404, as any unknown method, and answers have no headers for it."""
    answers = [
        service.ask(everyone, headers=PREFLIGHT, method="OPTIONS"),
        service.ask(everyone, headers={"Origin": ORIGIN}),
        service.ask(None, headers={"Origin": ORIGIN}),
    ]
    assert [answer.status for answer in answers] == [404, 200, 401]
    assert not any(cors_headers(answer.headers) for answer in answers)


@pytest.mark.xdist_group("restricted")
def test_pages_of_the_allowed_origin_may_ask_and_read_answers_of_every_kind(
    restricted: Service,
) -> None:
    """The preflight needs no token. The headers depend on no request, and are cached with a 200."""
    member, url = restricted.members[0], f"{restricted.stack.url}{PATH}"
    preflight = restricted.client.options(url, headers=PREFLIGHT)
    assert (preflight.status_code, preflight.content) == (204, b"")
    assert cors_headers(preflight.headers) == {
        "access-control-allow-origin": ORIGIN,
        "access-control-allow-methods": "GET,POST",
        "access-control-allow-headers": (
            "authorization,x-workspace-id,accept-language,content-type,if-none-match"
        ),
        "access-control-max-age": "7200",
    }
    answers = [
        restricted.ask(member),
        restricted.ask(member, headers={"Origin": ORIGIN}),
        restricted.ask(None),
        restricted.ask(member, headers={"x-workspace-id": "999"}),
        restricted.ask(None, path="/x"),
        restricted.ask(None, path="/x", method="OPTIONS"),
        restricted.ask(member, headers={"x-workspace-id": ""}),
        restricted.ask(member, {"page": "0"}),
        _without_a_table(restricted, member),
        *(restricted.ask(restricted.members[1]) for _ in range(11)),
    ]
    assert answers[1].hit
    assert {answer.status for answer in answers} == {200, 401, 403, 404, 422, 429, 503}
    for answer in answers:
        assert cors_headers(answer.headers) == {
            "access-control-allow-origin": ORIGIN,
            "access-control-expose-headers": "x-amzn-RequestId,Retry-After,ETag,Location",
        }, answer.status


def _without_a_table(service: Service, member: Member) -> Answer:
    """The answer while a table can't be read."""
    service.stack.clients.dynamodb.delete_table(TableName=service.name("AccessTokensTable"))
    answer = service.ask(member)
    service.repair()
    return answer


# --- Request ids ----------------------------------------------------------------------------------


@pytest.mark.xdist_group("operated")
def test_the_ids_of_an_answer_are_in_the_logs(operated: Service, operated_log: list[str]) -> None:
    """In the access log's line, and in those of each function that was asked."""
    member = operated.members[0]
    asked = {
        "answered": operated.ask(member),
        "refused": operated.ask(member, {"page": "0"}),
        "from the cache": operated.ask(member),
        "unauthorized": operated.ask(None),
        "unknown path": operated.ask(None, path="/nothing"),
    }
    ids = [answer.headers["x-amz-apigw-id"] for answer in asked.values()]
    wait_until(lambda: all(_writers(operated_log, number) for number in ids))
    writers = {
        name: _writers(operated_log, answer.headers["x-amzn-RequestId"])
        for name, answer in asked.items()
    }
    both = {"Api", "AuthorizerFunction", "UsageFunction"}
    assert writers == {
        "answered": both,
        "refused": both,
        "from the cache": both - {"UsageFunction"},
        "unauthorized": both - {"UsageFunction"},
        "unknown path": {"Api"},
    }
    for number in ids:
        assert _writers(operated_log, number) == {"Api"}


def _writers(lines: list[str], request_id: str) -> set[str]:
    """Who wrote lines in which an id is the value of one of the ids' fields."""
    found = set()
    for line in list(lines):
        writer, _, text = line.partition("  ")
        if request_id in text:
            entry = json.loads(text)
            ids = ("correlation_id", "requestId", "extendedRequestId")
            assert request_id in [entry.get(name) for name in ids]
            found.add(writer)
    return found
