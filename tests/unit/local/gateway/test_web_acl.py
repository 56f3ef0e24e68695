"""The web ACL limits how often one caller may ask, as its rules in the template say."""

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.errors import TemplateError
from local.exchange import Request
from local.gateway.web_acl import RequestCounts, WebAcl
from local.stack import TEMPLATE
from local.template.expand import expand
from local.template.template import Resource, Template


@dataclass
class Clock:
    """A clock that stands still until it is moved; in seconds."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def rule(statement: dict[str, Any], action: str = "Block", priority: int = 0) -> dict[str, Any]:
    """Returns a rule that limits rates."""
    return {
        "Name": "rule",
        "Priority": priority,
        "Action": {action: {}},
        "Statement": {"RateBasedStatement": statement},
    }


def by_header(limit: int, *steps: str) -> dict[str, Any]:
    """Returns the statement of a rule that counts by ``X-Key`` within a minute."""
    transformations = [{"Priority": n, "Type": step} for n, step in enumerate(steps or ["NONE"])]
    return {
        "AggregateKeyType": "CUSTOM_KEYS",
        "CustomKeys": [{"Header": {"Name": "X-Key", "TextTransformations": transformations}}],
        "EvaluationWindowSec": 60,
        "Limit": limit,
    }


def by_address(limit: int) -> dict[str, Any]:
    """Returns the statement of a rule that counts by address within a minute."""
    return {"AggregateKeyType": "IP", "EvaluationWindowSec": 60, "Limit": limit}


def web_acl(clock: Clock, *rules: dict[str, Any], associated: bool = True) -> WebAcl:
    """Returns a web ACL with these rules."""
    properties: dict[str, dict[str, Any]] = {
        "WebAcl": {"Rules": list(rules)},
        "Association": {"WebACLArn": "arn"},
    }
    types = {"WebAcl": "AWS::WAFv2::WebACL", "Association": "AWS::WAFv2::WebACLAssociation"}
    resources = {
        name: Resource(name, types[name], name, name, "arn", found)
        for name, found in properties.items()
        if name == "WebAcl" or associated
    }
    return WebAcl(Template(Path(), resources, {}), clock)


def request(*keys: str, address: str = "127.0.0.1") -> Request:
    """Returns a request with a header ``x-key`` for each of the keys."""
    return Request("GET", "/", headers=tuple(("x-key", key) for key in keys), source_ip=address)


def test_what_is_over_the_limit_is_refused_until_a_minute_has_passed() -> None:
    """Refused requests count too: a caller who goes on at the same rate stays out."""
    clock = Clock()
    acl = web_acl(clock, rule(by_header(3)))
    assert [acl.admits(request("a")) for _ in range(5)] == [True, True, True, False, False]
    clock.now += 40
    assert not acl.admits(request("a"))
    clock.now += 20
    assert [acl.admits(request("a")) for _ in range(3)] == [True, True, False]
    clock.now += 60
    assert acl.admits(request("a"))


def test_callers_have_a_limit_each() -> None:
    """Whether the key is a header or the address."""
    acl = web_acl(Clock(), rule(by_header(1)))
    assert acl.admits(request("a"))
    assert acl.admits(request("b"))
    assert not acl.admits(request("a"))
    acl = web_acl(Clock(), rule(by_address(1)))
    assert acl.admits(request(address="192.0.2.1"))
    assert acl.admits(request(address="192.0.2.2"))
    assert not acl.admits(request(address="192.0.2.1"))


def test_requests_without_the_header_are_neither_counted_nor_refused() -> None:
    acl = web_acl(Clock(), rule(by_header(1)))
    assert all(acl.admits(request()) for _ in range(9))
    assert acl.admits(request(""))
    assert not acl.admits(request(""))


def test_spellings_that_the_rule_takes_for_the_same_are_one_key() -> None:
    """In the order of the priorities."""
    acl = web_acl(Clock(), rule(by_header(1, "COMPRESS_WHITE_SPACE", "LOWERCASE")))
    assert acl.admits(request("Bearer  7|x"))
    assert not acl.admits(request("bearer\t7|X"))
    assert acl.admits(request("bearer 7|y"))
    acl = web_acl(Clock(), rule(by_header(1)))
    assert acl.admits(request("Bearer x"))
    assert acl.admits(request("bearer x"))


def test_a_rule_that_blocks_a_request_keeps_it_from_later_rules() -> None:
    """Rules are asked by priority, not in the order in which they are written."""
    acl = web_acl(Clock(), rule(by_header(2), priority=1), rule(by_address(1), priority=0))
    assert [acl.admits(request("a", address="1")) for _ in range(3)] == [True, False, False]
    assert acl.admits(request("a", address="2"))
    assert not acl.admits(request("a", address="3"))


def test_a_web_acl_that_is_not_associated_limits_nothing() -> None:
    acl = web_acl(Clock(), rule(by_address(1)), associated=False)
    assert all(acl.admits(request()) for _ in range(9))


def test_nothing_of_a_key_is_kept() -> None:
    """Only a digest with a secret of the process, which nobody can look up."""
    acl = web_acl(Clock(), rule(by_header(1)))
    acl.admits(request("very-secret"))
    (found,) = acl._rules
    kept = [key for _, counts in found.counts._slices for key in counts]
    assert len(kept) == 1
    assert b"secret" not in kept[0]
    assert "secret" not in repr(found)


@pytest.mark.parametrize(
    "unsupported",
    [
        rule(by_address(1), action="Count"),
        {"Name": "rule", "Priority": 0, "Action": {"Block": {}}, "Statement": {"GeoMatch": {}}},
        rule({"AggregateKeyType": "CONSTANT", "Limit": 1}),
        rule({"AggregateKeyType": "IP", "Limit": 1, "ScopeDownStatement": {}}),
        rule(by_header(1, "MD5")),
    ],
)
def test_a_rule_that_is_not_supported_is_refused_when_the_stack_starts(
    unsupported: dict[str, Any],
) -> None:
    """It is never ignored."""
    with pytest.raises(TemplateError, match="rule rule of the web ACL"):
        web_acl(Clock(), unsupported)


def test_the_project_s_template_has_a_web_acl_only_if_its_parameter_says_so() -> None:
    """By default no number of requests is refused. If it is enabled, the limits hold."""
    names = ("token", "address")
    for enabled, expected in (("false", {}), ("true", {"token": 20, "address": 30})):
        template = expand(
            TEMPLATE,
            {"WebAclEnabled": enabled, "RequestsPerToken": "20", "RequestsPerAddress": "30"},
        )
        clock = Clock()
        acl = WebAcl(template, clock)
        asked = Request("GET", "/", headers=(("Authorization", "Bearer x"),))
        admitted = {}
        for name, requests in zip(names, (asked, Request("GET", "/")), strict=True):
            clock.now += 1000
            admitted[name] = sum(acl.admits(requests) for _ in range(100))
        assert admitted == {name: expected.get(name, 100) for name in names}
    assert "WebAcl" not in json.dumps(sorted(expand(TEMPLATE, {}).resources))


@given(st.lists(st.tuples(st.integers(0, 25), st.sampled_from([b"a", b"b"])), max_size=60))
def test_a_key_s_requests_are_those_of_the_last_minute(steps: list[tuple[int, bytes]]) -> None:
    """In slices of ten seconds: the last six, of which the newest has just begun."""
    clock = Clock()
    counts = RequestCounts(60, clock)
    times: dict[bytes, list[int]] = defaultdict(list)
    for seconds, key in steps:
        clock.now += seconds
        now = int(clock.now // 10)
        times[key].append(now)
        assert counts.add(key) == sum(now - slice_ < 6 for slice_ in times[key])
