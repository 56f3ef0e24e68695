"""The rules of the template's event bus: which queues an event goes to.

moto routes events itself; this says beforehand where one will arrive. Of EventBridge's patterns it
knows texts, ``prefix`` and ``anything-but``, on ``source`` and ``detail-type``. Any other pattern
is refused at the start rather than taken for something that it isn't.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from local.errors import TemplateError
from local.template.template import Resource, Template

_FIELDS: Final = {"source", "detail-type"}


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what it takes, and the ARNs of its targets."""

    pattern: Mapping[str, list[Any]]
    targets: tuple[str, ...]

    def takes(self, source: str, detail_type: str) -> bool:
        """Whether an event matches the pattern."""
        values = {"source": source, "detail-type": detail_type}
        return all(
            any(_matches(values[name], condition) for condition in conditions)
            for name, conditions in self.pattern.items()
        )


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of the event bus ``bus``."""

    bus: str
    rules: tuple[Rule, ...]

    def targets(self, source: str, detail_type: str) -> list[str]:
        """The ARNs that an event goes to, each once."""
        takers = (rule for rule in self.rules if rule.takes(source, detail_type))
        return list(dict.fromkeys(arn for rule in takers for arn in rule.targets))

    @property
    def sources(self) -> list[str]:
        """The sources that patterns name."""
        named = (source for rule in self.rules for source in rule.pattern.get("source", ()))
        return sorted({source for source in named if isinstance(source, str)})


def rules_of(template: Template) -> Rules:
    """The rules of the template's event bus.

    Raises:
        TemplateError: there is not exactly one bus, or a pattern is not understood here.
    """
    bus = template.only("AWS::Events::EventBus").name
    rules = template.of_type("AWS::Events::Rule")
    return Rules(bus, tuple(_rule(rule) for rule in rules))


def _rule(rule: Resource) -> Rule:
    pattern = rule.properties["EventPattern"]
    known = pattern.keys() <= _FIELDS and all(
        isinstance(condition, str) or _operator(condition) in {"prefix", "anything-but"}
        for conditions in pattern.values()
        for condition in conditions
    )
    if not known:
        raise TemplateError(f"{rule.logical_id}: its EventPattern is not understood here")
    return Rule(pattern, tuple(str(target["Arn"]) for target in rule.properties["Targets"]))


def _operator(condition: Any) -> str | None:
    """The name of a condition that is more than a text; None if it is of no form known here."""
    match condition:
        case {"prefix": str(), **others} if not others:
            return "prefix"
        case {"anything-but": str() | [*_], **others} if not others:
            return "anything-but"
    return None


def _matches(value: str, condition: str | Mapping[str, Any]) -> bool:
    match condition:
        case {"prefix": str(prefix)}:
            return value.startswith(prefix)
        case {"anything-but": [*excluded]}:
            return value not in excluded
        case {"anything-but": excluded}:
            return value != excluded
    return bool(value == condition)
