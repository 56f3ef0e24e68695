"""The rules of the template's event bus: which queues an event goes to.

moto routes events itself; this module tells beforehand where an event will arrive. It supports
these parts of EventBridge's patterns: texts, ``prefix`` and ``anything-but``, for ``source`` and
``detail-type``. A template with any other pattern is refused when the stack starts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from local.errors import TemplateError
from local.template.template import Resource, Template

_FIELDS: Final = {"source", "detail-type"}


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its event pattern, and the ARNs of its targets."""

    pattern: Mapping[str, list[Any]]
    targets: tuple[str, ...]

    def matches(self, source: str, detail_type: str) -> bool:
        """Whether an event matches the pattern."""
        values = {"source": source, "detail-type": detail_type}
        return all(
            any(_matches(values[name], condition) for condition in conditions)
            for name, conditions in self.pattern.items()
        )


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of an event bus, whose name is ``bus``."""

    bus: str
    rules: tuple[Rule, ...]

    def targets(self, source: str, detail_type: str) -> list[str]:
        """Returns the ARNs that an event goes to, each once."""
        matching = (rule for rule in self.rules if rule.matches(source, detail_type))
        return list(dict.fromkeys(arn for rule in matching for arn in rule.targets))

    @property
    def sources(self) -> list[str]:
        """The sources that the patterns name."""
        conditions = (c for rule in self.rules for c in rule.pattern.get("source", ()))
        return sorted({condition for condition in conditions if isinstance(condition, str)})


def rules_of(template: Template) -> Rules:
    """Returns the rules of the template's event bus.

    Raises:
        TemplateError: there is not exactly one bus, or a pattern is not supported here.
    """
    bus = template.only("AWS::Events::EventBus").name
    return Rules(bus, tuple(_rule(rule) for rule in event_rules(template)))


def event_rules(template: Template) -> list[Resource]:
    """Returns the template's rules for events. Rules on a schedule are left out: none runs here."""
    rules = template.of_type("AWS::Events::Rule")
    return [rule for rule in rules if "EventPattern" in rule.properties]


def _rule(rule: Resource) -> Rule:
    pattern = rule.properties["EventPattern"]
    is_supported = pattern.keys() <= _FIELDS and all(
        isinstance(condition, str) or _operator(condition) in {"prefix", "anything-but"}
        for conditions in pattern.values()
        for condition in conditions
    )
    if not is_supported:
        raise TemplateError(f"{rule.logical_id}: its EventPattern is not supported here")
    return Rule(pattern, tuple(str(target["Arn"]) for target in rule.properties["Targets"]))


def _operator(condition: Any) -> str | None:
    """Returns the name of a condition's operator, or None if it is not supported."""
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
