"""Each alarm has a runbook under its name, and the documents say what all of them cost."""

import re
from typing import Final

import pytest

from tests.deploy.stack import Stack
from tests.docs.extraction import document, documents
from tests.support.alarms import metrics_of

STACK: Final = Stack(AlarmTopicArn="arn:aws:sns:us-east-1:123456789012:alarms")
ALARMS: Final = STACK.of_type("AWS::CloudWatch::Alarm")
COMPOSITES: Final = STACK.of_type("AWS::CloudWatch::CompositeAlarm")
OPERATIONS: Final = document("docs/operations.md")

SILENT: Final = {alarm for alarm, properties in ALARMS.items() if not properties.get("OKActions")}
"""Alarms that send no messages, because they only serve another one."""

PARTS: Final = ("**Means.**", "**How bad.**", "**Look at.**", "**Do.**")
"""What somebody who was woken wants to know, in this order."""


@pytest.mark.parametrize("alarm", sorted({*ALARMS, *COMPOSITES} - SILENT))
def test_an_alarm_has_a_runbook_under_its_name(alarm: str) -> None:
    """The table of alarms links to it."""
    section = OPERATIONS.section(alarm)
    assert [section.count(part) for part in PARTS] == [1] * len(PARTS), f"{alarm}: {PARTS}"
    assert [section.index(part) for part in PARTS] == sorted(map(section.index, PARTS))
    [row] = [row for row in OPERATIONS.rows("Alarms") if f"`{alarm}`" in row[0]]
    assert f"[`{alarm}`](#{alarm.lower()})" in row[0]


@pytest.mark.parametrize("alarm", sorted(SILENT))
def test_an_alarm_that_is_silent_is_explained_with_the_one_that_it_serves(alarm: str) -> None:
    [served] = [name for name, c in COMPOSITES.items() if f"${{{alarm}}}" in c["AlarmRule"]]
    text = re.sub(r"\s+", " ", OPERATIONS.section(served))
    assert f"`{alarm}`" in text


def test_documents_say_what_the_alarms_cost() -> None:
    """CloudWatch bills $0.10 a month for a metric of an alarm, and $0.50 for a composite alarm."""
    metrics = sum(len(list(metrics_of(properties))) for properties in ALARMS.values())
    cost = f"${0.1 * metrics + 0.5 * len(COMPOSITES):.2f} a month"
    texts = {found.name: re.sub(r"\s+", " ", found.prose) for found in documents()}
    assert f"The alarms cost {cost}" in texts["docs/operations.md"]
    assert f"[alarms](operations.md#alarms), which cost {cost}" in texts["docs/configuration.md"]
