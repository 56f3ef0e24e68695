"""Queues and events in the real template: no message is lost before its time."""

from datetime import timedelta
from typing import Final

import pytest

from tests.deploy.documented import without
from tests.deploy.stack import Stack
from workspace_usage.exporting.export import EXPORT_LIFETIME, TIME_TO_PROGRESS
from workspace_usage.recording.events import EVENTS
from workspace_usage.rollups.blocks import BUILD, LATE, MARGIN, READ, REUSE, WRITE

CALL_END: Final = timedelta(seconds=10)
"""More than a call may take to have its effect in a table after the function has ended."""

FUNCTIONS_BY_QUEUE: Final = {
    "EventQueue": "RecorderFunction",
    "AccessEventQueue": "RecorderFunction",
    "CountQueue": "CounterFunction",
    "ExportsQueue": "ExporterFunction",
}
"""The function that receives each queue's messages."""

QUEUES_BY_RULE: Final = {"EventRule": "EventQueue", "AccessEventRule": "AccessEventQueue"}
"""The queue to which each rule sends events."""

ACCESS_EVENTS: Final = {name for name in EVENTS if name.startswith(("AccessToken", "Workspace"))}
"""Events about tokens and members."""


@pytest.mark.parametrize("rule", QUEUES_BY_RULE)
def test_a_rule_sends_the_platform_s_events_from_the_bus_to_their_queue(rule: str) -> None:
    """Each event matches one rule, which is on: those of tokens and members, and all others.

    What can't be delivered is kept in the dead-letter queue.
    """
    stack = Stack(EventSource="platform")
    kinds = stack.properties("AccessEventRule")["EventPattern"]["detail-type"]
    assert set(kinds) == ACCESS_EVENTS
    assert stack.properties("EventBus") == {"Name": "stack"}
    target = {
        "Id": "queue",
        "Arn": f"${{{QUEUES_BY_RULE[rule]}.Arn}}",
        "DeadLetterConfig": {"Arn": "${DeadLetterQueue.Arn}"},
    }
    assert without(stack.properties(rule), "Description") == {
        "Name": stack.outputs[f"{rule}Name"]["Value"],
        "EventBusName": "${EventBus}",
        "EventPattern": {
            "source": ["platform"],
            "detail-type": kinds if rule == "AccessEventRule" else [{"anything-but": kinds}],
        },
        "Targets": [target],
    }


def test_no_event_is_lost_while_the_rules_are_deployed() -> None:
    """The older rule excludes access events only when everything on their way exists."""
    rule = Stack().resources["EventRule"]
    assert set(rule["DependsOn"]) >= {
        "AccessEventRule",
        "AccessEventQueuePolicy",
        "RecorderFunctionAccessBatch",
    }


def test_messages_are_kept_as_long_as_sqs_allows() -> None:
    """Two weeks. An export's message is kept as long as the export."""
    queues = Stack().of_type("AWS::SQS::Queue")
    assert queues.keys() == {*FUNCTIONS_BY_QUEUE, "DeadLetterQueue", "ExportsDeadLetterQueue"}
    for name, queue in queues.items():
        retention = EXPORT_LIFETIME if name == "ExportsQueue" else timedelta(days=14)
        assert queue["MessageRetentionPeriod"] == retention.total_seconds()


def test_every_message_fits_into_the_dead_letter_queue() -> None:
    """All three queues have SQS's maximum, which is set because older queues keep a lower one."""
    stack = Stack()
    for queue in ("EventQueue", "AccessEventQueue", "DeadLetterQueue"):
        assert stack.properties(queue)["MaximumMessageSize"] == 1024 * 1024


@pytest.mark.parametrize("queue", sorted(FUNCTIONS_BY_QUEUE.keys() - {"ExportsQueue"}))
def test_a_batch_is_not_delivered_again_while_a_function_processes_it(queue: str) -> None:
    """AWS recommends six times the function's timeout."""
    stack = Stack()
    timeout = stack.properties(FUNCTIONS_BY_QUEUE[queue])["Timeout"]
    assert stack.properties(queue)["VisibilityTimeout"] >= 6 * timeout


def timeout_of(function: str) -> timedelta:
    """Returns the time after which Lambda ends a function."""
    return timedelta(seconds=Stack().properties(function)["Timeout"])


def test_a_recorder_ends_before_the_time_of_its_marks_is_over() -> None:
    """A write must end within this time from its mark; nothing else limits a slow write."""
    assert timeout_of("RecorderFunction") + CALL_END <= WRITE


def test_an_answer_ends_while_the_counts_that_it_reads_are_right() -> None:
    """What is no longer right is not removed before this time is over."""
    assert max(timeout_of("UsageFunction"), timeout_of("SummaryFunction")) <= READ


def test_a_request_to_count_arrives_when_there_is_something_to_do() -> None:
    """By then the row is old enough, and a block is believed that is read in spite of the mark."""
    delay = timedelta(seconds=Stack().properties("CountQueue")["DelaySeconds"])
    assert delay >= LATE + WRITE
    # A request is sent before its mark is put.
    assert delay >= MARGIN + timeout_of("RecorderFunction")
    assert delay >= REUSE + MARGIN + BUILD, "one request serves all marks that are put within REUSE"


@pytest.mark.parametrize("queue", QUEUES_BY_RULE.values())
def test_a_message_that_fails_too_often_is_kept(queue: str) -> None:
    """It is retried for an hour before it goes to the dead-letter queue."""
    properties = Stack().properties(queue)
    redrive = properties["RedrivePolicy"]
    assert redrive["deadLetterTargetArn"] == "${DeadLetterQueue.Arn}"
    assert redrive["maxReceiveCount"] * properties["VisibilityTimeout"] >= 3600


def test_executions_can_not_take_the_concurrency_of_revocations() -> None:
    """Each queue has its own share of the recorder."""
    mappings = Stack().of_type("AWS::Lambda::EventSourceMapping")
    for name in ("RecorderFunctionAccessBatch", "RecorderFunctionBatch"):
        assert mappings[name]["ScalingConfig"]["MaximumConcurrency"] >= 2


def test_an_export_comes_again_only_when_its_run_has_ended() -> None:
    """Sooner than other messages, since a caller waits for it, and a second run does no harm."""
    visibility = timedelta(seconds=Stack().properties("ExportsQueue")["VisibilityTimeout"])
    assert visibility >= timeout_of("ExporterFunction") + CALL_END
    (mapping,) = [
        mapping
        for mapping in Stack().of_type("AWS::Lambda::EventSourceMapping").values()
        if mapping["FunctionName"] == "${ExporterFunction}"
    ]
    assert mapping["BatchSize"] == 1, "a run has time for one export"


def test_the_exporter_knows_the_last_attempt_of_a_message() -> None:
    """With it, the export fails. SQS then keeps the message for the operator."""
    stack = Stack()
    redrive = stack.properties("ExportsQueue")["RedrivePolicy"]
    assert redrive["deadLetterTargetArn"] == "${ExportsDeadLetterQueue.Arn}"
    attempts = int(stack.environment("ExporterFunction")["EXPORT_ATTEMPTS"])
    assert attempts == redrive["maxReceiveCount"] >= 3


def test_an_export_is_not_given_up_while_it_is_tried() -> None:
    """After TIME_TO_PROGRESS another export may take its place; then no run continues it."""
    queue = Stack().properties("ExportsQueue")
    attempts = queue["RedrivePolicy"]["maxReceiveCount"]
    all_attempts = attempts * timedelta(seconds=queue["VisibilityTimeout"])
    assert all_attempts < TIME_TO_PROGRESS
    assert TIME_TO_PROGRESS < EXPORT_LIFETIME


def test_exports_can_not_take_all_concurrency() -> None:
    mapping = Stack().of_type("AWS::Lambda::EventSourceMapping")["ExporterFunctionBatch"]
    assert 2 <= mapping["ScalingConfig"]["MaximumConcurrency"] <= 20
