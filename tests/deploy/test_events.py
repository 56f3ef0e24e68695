"""The events' way through the real template: nothing is lost, and someone hears of trouble."""

from datetime import timedelta
from typing import Final

import pytest

from tests.deploy.stack import Stack
from workspace_usage.counts import LATE, MARGIN
from workspace_usage.rebuilding import HELD_FOR

FUNCTIONS: Final = {"EventQueue": "RecorderFunction", "CountQueue": "CounterFunction"}
"""Who takes the messages of each queue."""


def test_an_event_of_the_platform_goes_from_the_bus_to_the_queue() -> None:
    """Whatever its kind: one that nobody knows must be rejected with a reason, not lost."""
    rule = Stack(EventSource="tess").properties("EventRule")
    assert rule["EventBusName"] == "${EventBus}"
    assert rule["EventPattern"] == {"source": ["tess"]}
    (target,) = rule["Targets"]
    assert target["Arn"] == "${EventQueue.Arn}"
    assert target["DeadLetterConfig"] == {"Arn": "${DeadLetterQueue.Arn}"}


def test_queues_are_encrypted_and_keep_events_for_two_weeks() -> None:
    """Two weeks are the longest that SQS offers. What is to be counted will be asked for again."""
    queues = Stack().of_type("AWS::SQS::Queue")
    assert all(queue["SqsManagedSseEnabled"] is True for queue in queues.values())
    assert {name: queue["MessageRetentionPeriod"] for name, queue in queues.items()} == {
        "EventQueue": 14 * 24 * 3600,
        "DeadLetterQueue": 14 * 24 * 3600,
        "CountQueue": 4 * 3600,
    }


@pytest.mark.parametrize("queue", FUNCTIONS)
def test_a_batch_does_not_come_again_while_it_is_worked_on(queue: str) -> None:
    """AWS advises six times the function's timeout."""
    stack = Stack()
    timeout = stack.properties(FUNCTIONS[queue])["Timeout"]
    assert stack.properties(queue)["VisibilityTimeout"] >= 6 * timeout


def test_rows_are_counted_when_nobody_can_still_be_writing_them() -> None:
    """A recorder that saw a row in time has ended, and the row that asks is old enough itself."""
    stack = Stack()
    assert timedelta(seconds=2 * stack.properties("RecorderFunction")["Timeout"]) <= MARGIN
    assert timedelta(seconds=stack.properties("CountQueue")["DelaySeconds"]) > LATE + MARGIN


def test_a_counter_holds_a_workspace_for_longer_than_it_can_run() -> None:
    """Otherwise another would begin beside it."""
    assert timedelta(seconds=Stack().properties("CounterFunction")["Timeout"]) < HELD_FOR


def test_what_fails_too_often_is_kept() -> None:
    """After an hour of trying, not after a hiccup."""
    queue = Stack().properties("EventQueue")
    redrive = queue["RedrivePolicy"]
    assert redrive["deadLetterTargetArn"] == "${DeadLetterQueue.Arn}"
    assert redrive["maxReceiveCount"] * queue["VisibilityTimeout"] >= 3600


def test_messages_of_a_batch_fail_alone() -> None:
    """Without this, one bad message would bring all ten back."""
    mappings = Stack().of_type("AWS::Lambda::EventSourceMapping").values()
    assert all(m["FunctionResponseTypes"] == ["ReportBatchItemFailures"] for m in mappings)
    assert {mapping["EventSourceArn"]: mapping["FunctionName"] for mapping in mappings} == {
        f"${{{queue}.Arn}}": f"${{{function}}}" for queue, function in FUNCTIONS.items()
    }


def test_only_the_counter_sends_to_itself() -> None:
    """Lambda would stop it after sixteen times; for any other function that is right."""
    functions = Stack().of_type("AWS::Lambda::Function")
    loops = {name: found.get("RecursiveLoop", "Terminate") for name, found in functions.items()}
    assert [name for name, found in loops.items() if found == "Allow"] == ["CounterFunction"]


def test_only_the_rule_may_send_and_only_over_tls() -> None:
    """Nobody else can put events into the queues."""
    policy = Stack().properties("EventQueuePolicy")
    assert policy["Queues"] == ["${EventQueue}", "${DeadLetterQueue}"]
    allow, deny = policy["PolicyDocument"]["Statement"]
    assert allow["Action"] == "sqs:SendMessage"
    assert allow["Principal"] == {"Service": "events.amazonaws.com"}
    assert allow["Condition"] == {"ArnEquals": {"aws:SourceArn": "${EventRule.Arn}"}}
    assert (deny["Effect"], deny["Condition"]) == (
        "Deny",
        {"Bool": {"aws:SecureTransport": "false"}},
    )


def test_workspaces_to_be_counted_are_sent_over_tls() -> None:
    """Roles say by whom."""
    policy = Stack().properties("CountQueuePolicy")
    assert policy["Queues"] == ["${CountQueue}"]
    (deny,) = policy["PolicyDocument"]["Statement"]
    assert (deny["Effect"], deny["Action"], deny["Principal"]) == ("Deny", "sqs:*", "*")
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_alarms_watch_what_was_rejected_and_what_waits() -> None:
    """They go to the topic that was named, if one was."""
    topic = "arn:aws:sns:us-east-1:123456789012:alarms"
    watched = {
        (alarm["MetricName"], alarm["Dimensions"][0]["Value"], *alarm["AlarmActions"])
        for alarm in Stack(AlarmTopicArn=topic).of_type("AWS::CloudWatch::Alarm").values()
    }
    assert watched == {
        ("ApproximateNumberOfMessagesVisible", "${DeadLetterQueue.QueueName}", topic),
        ("ApproximateAgeOfOldestMessage", "${EventQueue.QueueName}", topic),
        ("ApproximateAgeOfOldestMessage", "${CountQueue.QueueName}", topic),
    }
    for alarm in Stack().of_type("AWS::CloudWatch::Alarm").values():
        assert not alarm["AlarmActions"]
