"""The time that functions leave: enough for what they have begun, and less than all they have."""

from datetime import timedelta
from types import ModuleType

import pytest

from local.template.template import Template
from workspace_api.history import TIME_TO_ANSWER
from workspace_usage.aws.backoff import wait_before_retry
from workspace_usage.aws.clients import UPLOAD_SECONDS
from workspace_usage.aws.connections import CONNECT_SECONDS, RESPONSE_SECONDS
from workspace_usage.recording import recorder as recording
from workspace_usage.rollups.blocks import BUILD, WRITE


def lifetime_of(template: Template, function: str) -> timedelta:
    """Returns the time after which Lambda ends a function."""
    return timedelta(seconds=int(template.resources[f"{function}Function"].properties["Timeout"]))


@pytest.mark.parametrize("function", ["Usage", "Summary"])
def test_an_answer_that_is_late_fails_before_lambda_ends_the_function(
    template: Template, function: str
) -> None:
    """One more attempt of a read fits into the time that is left."""
    left = timedelta(milliseconds=TIME_TO_ANSWER)
    assert timedelta(seconds=CONNECT_SECONDS + RESPONSE_SECONDS) <= left
    assert left < lifetime_of(template, function)


def test_a_message_that_the_recorder_begins_can_be_applied(
    recorder: ModuleType, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also a row that others keep changing: all pauses between the attempts fit.

    Lambda ends the function while the mark of the row's hour is still good.
    """
    pauses: list[float] = []
    monkeypatch.setattr("random.uniform", lambda _, longest: longest)
    monkeypatch.setattr("time.sleep", pauses.append)
    for attempt in range(1, recording.ROW_WRITE_ATTEMPTS):
        wait_before_retry(attempt, recording._BACKOFF_SECONDS)
    left = timedelta(milliseconds=recorder.TIME_TO_APPLY)
    assert timedelta(seconds=sum(pauses)) < left < lifetime_of(template, "Recorder") <= WRITE


def test_a_block_that_the_counter_begins_can_be_committed(
    counter: ModuleType, template: Template
) -> None:
    """If that takes longer than BUILD, the block is not committed anyway."""
    left = timedelta(milliseconds=counter.TIME_TO_STOP)
    assert BUILD <= left < lifetime_of(template, "Counter") / 2


def test_a_part_that_the_exporter_begins_can_be_uploaded(
    exporter: ModuleType, template: Template
) -> None:
    left = timedelta(milliseconds=exporter.TIME_FOR_A_PART)
    assert timedelta(seconds=UPLOAD_SECONDS) < left < lifetime_of(template, "Exporter") / 2
