"""The stage's web ACL: AWS WAF's rate-based rules, which limit how often one caller may ask.

A rule counts requests by a key, such as the address or a header, over a window of time. What is
over the limit is refused, and counts too. AWS WAF only estimates: there a rule begins and ends
later, usually within half a minute.
"""

import re
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from secrets import token_bytes
from threading import Lock
from typing import Any, Final

from local.clock import Clock
from local.errors import TemplateError
from local.exchange import Request
from local.template.template import Template

_SLICES: Final = 6
"""Parts of a window that are counted on their own: of a minute, ten seconds."""

_DEFAULT_WINDOW: Final = 300
"""AWS's, in seconds."""

_TRANSFORMATIONS: Final[Mapping[str, Callable[[str], str]]] = {
    "NONE": str,
    "LOWERCASE": str.lower,
    "COMPRESS_WHITE_SPACE": lambda text: re.sub(r"\s+", " ", text),
}


class RequestCounts:
    """How many requests of each key came within a window.

    Args:
        window: its length in seconds.
        clock: the time.
    """

    def __init__(self, window: float, clock: Clock) -> None:
        self._slice_seconds = window / _SLICES
        self._clock = clock
        self._slices: deque[tuple[int, Counter[bytes]]] = deque()

    def add(self, key: bytes) -> int:
        """Counts a request; returns the number of its key's requests, with itself."""
        now = int(self._clock() // self._slice_seconds)
        while self._slices and self._slices[0][0] <= now - _SLICES:
            self._slices.popleft()
        if not self._slices or self._slices[-1][0] != now:
            self._slices.append((now, Counter()))
        self._slices[-1][1][key] += 1
        return sum(counts[key] for _, counts in self._slices)


@dataclass(frozen=True, slots=True)
class RateRule:
    """A rate-based rule.

    Attributes:
        limit: how many requests of one key may come within the window.
        key: returns the text that a request is counted by, or None if the rule leaves it out.
        counts: the requests of the window.
    """

    limit: int
    key: Callable[[Request], str | None]
    counts: RequestCounts
    # The key may be a token. Only its digest is kept, which nobody can look up.
    _secret: bytes = field(default_factory=lambda: token_bytes(16), repr=False)

    def admits(self, request: Request) -> bool:
        """Counts a request; returns whether it is within the limit."""
        text = self.key(request)
        if text is None:
            return True
        digest = blake2b(text.encode(errors="replace"), key=self._secret, digest_size=16).digest()
        return self.counts.add(digest) <= self.limit


class WebAcl:
    """The rules of the web ACL that a template associates with its stage; often there are none.

    Args:
        template: the expanded template.
        clock: the time.

    Raises:
        TemplateError: a rule is not supported here.
    """

    def __init__(self, template: Template, clock: Clock) -> None:
        associations = template.of_type("AWS::WAFv2::WebACLAssociation")
        arns = {association.properties["WebACLArn"] for association in associations}
        self._rules = [
            _make_rule(rule, clock)
            for acl in template.of_type("AWS::WAFv2::WebACL")
            if acl.arn in arns
            for rule in sorted(acl.properties.get("Rules", ()), key=lambda rule: rule["Priority"])
        ]
        self._lock = Lock()

    def admits(self, request: Request) -> bool:
        """Whether no rule blocks a request. Rules after one that blocks it don't count it."""
        with self._lock:
            return all(rule.admits(request) for rule in self._rules)


def _make_rule(rule: Mapping[str, Any], clock: Clock) -> RateRule:
    match rule:
        case {"Action": {"Block": {}}, "Statement": {"RateBasedStatement": dict(statement)}}:
            window = float(statement.get("EvaluationWindowSec", _DEFAULT_WINDOW))
            return RateRule(
                limit=int(statement["Limit"]),
                key=_make_key(rule["Name"], statement),
                counts=RequestCounts(window, clock),
            )
    raise TemplateError(f"rule {rule['Name']} of the web ACL: only rates are limited here")


def _make_key(name: str, statement: Mapping[str, Any]) -> Callable[[Request], str | None]:
    match statement:
        case {"ScopeDownStatement": _}:
            pass
        case {"AggregateKeyType": "IP"}:
            return lambda request: request.source_ip
        case {
            "AggregateKeyType": "CUSTOM_KEYS",
            "CustomKeys": [{"Header": {"Name": str(header), "TextTransformations": steps}}],
        } if all(step["Type"] in _TRANSFORMATIONS for step in steps):
            ordered = sorted(steps, key=lambda step: int(step["Priority"]))
            return _HeaderKey(header.lower(), tuple(step["Type"] for step in ordered))
    raise TemplateError(
        f"rule {name} of the web ACL: here requests are counted by address or by one header"
    )


@dataclass(frozen=True, slots=True)
class _HeaderKey:
    """Returns the value of a header, transformed, or None if a request doesn't have it."""

    header: str
    transformations: tuple[str, ...]

    def __call__(self, request: Request) -> str | None:
        values = [value for name, value in request.headers if name.lower() == self.header]
        if not values:
            return None
        text = ",".join(values)
        for transformation in self.transformations:
            text = _TRANSFORMATIONS[transformation](text)
        return text
