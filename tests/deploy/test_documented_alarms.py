"""The real template's alarms: they watch, and tell, what the documents say."""

import re

import pytest

from tests.deploy.documented_alarms import (
    ALARMS,
    COMPOSITES,
    OPERATIONS,
    OPTIONS,
    PAGER,
    ROWS,
    STACK,
    TOPIC,
    WINDOWS,
    comparable_alarm,
    documented_alarm,
    documented_rule,
    needs,
)
from tests.deploy.stack import Stack


@pytest.mark.parametrize("alarm", sorted({*ALARMS, *ROWS}))
def test_an_alarm_watches_what_is_documented(alarm: str) -> None:
    """Metrics, statistics, expressions, the limit, periods, and what it does without data."""
    assert STACK.resources[alarm].keys() == {"Type", "Condition", "Properties"}
    assert comparable_alarm(ALARMS[alarm]) == documented_alarm(alarm)


@pytest.mark.parametrize("alarm", COMPOSITES)
def test_an_alarm_on_other_alarms_has_the_documented_rule(alarm: str) -> None:
    properties = COMPOSITES[alarm]
    names = {"AlarmDescription", "AlarmRule", "AlarmActions", "OKActions"}
    assert properties.keys() == names
    assert properties["AlarmRule"].strip() == documented_rule(alarm)


def test_a_stack_without_checks_or_web_acl_has_no_alarms_on_them() -> None:
    """The alarm that pages does not name them either."""
    stack, both = Stack(), {*ALARMS, *COMPOSITES}
    options = {alarm: option for alarm in both - WINDOWS.keys() if (option := needs(alarm))}
    assert set(options.values()) == OPTIONS.keys()
    assert both - stack.resources.keys() == options.keys()
    for option in OPTIONS:
        present = both & Stack(**{option: "true"}).resources.keys()
        assert both - present == {alarm for alarm in options if options[alarm] != option}
    rule = stack.properties("CallersNoticeAlarm")["AlarmRule"]
    assert set(re.findall(r"\w+Alarm", rule)) <= stack.resources.keys()


def test_an_alarm_tells_the_documented_topic_when_it_begins_and_when_it_ends() -> None:
    """A window tells nobody. Without a topic for pages, all go to the other; without both, none."""
    pages = {names for names, _, page in OPERATIONS.rows("Alarms") if page == "yes"}
    for alarm in (*ALARMS, *COMPOSITES):
        is_page = any(f"`{alarm}`" in names for names in pages)
        expected = [] if alarm in WINDOWS else [PAGER] if is_page else [TOPIC]
        for stack, topics in (
            (STACK, expected),
            (Stack(AlarmTopicArn=TOPIC, **OPTIONS), [TOPIC] if expected else []),
            (Stack(**OPTIONS), []),
        ):
            for actions in ("AlarmActions", "OKActions"):
                assert (stack.properties(alarm).get(actions) or []) == topics, alarm


def test_an_alarm_s_description_names_its_section_of_the_runbook() -> None:
    for alarm in (*ALARMS, *COMPOSITES):
        section = WINDOWS.get(alarm, alarm)
        assert STACK.properties(alarm)["AlarmDescription"].endswith(
            f" See docs/operations.md, {section}."
        )
