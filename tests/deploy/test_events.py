"""The events' way through the real template: nothing is lost, and someone hears of trouble."""

from datetime import timedelta
from typing import Final

import pytest

from tests.deploy.stack import Stack, as_list
from workspace_usage.recording.events import EVENTS
from workspace_usage.rollups.counts import LATE, MARGIN
from workspace_usage.rollups.rebuilding import HELD_FOR

FUNCTIONS: Final = {
    "EventQueue": "RecorderFunction",
    "AccessEventQueue": "RecorderFunction",
    "CountQueue": "CounterFunction",
}
"""Who takes the messages of each queue."""

RULES: Final = {"EventRule": "EventQueue", "AccessEventRule": "AccessEventQueue"}
"""Where each rule leads."""

ACCESS_EVENTS: Final = {name for name in EVENTS if name.startswith(("AccessToken", "Workspace"))}
"""Events on who may come in."""


@pytest.mark.parametrize("rule", RULES)
def test_an_event_of_the_platform_goes_from_the_bus_to_its_queue(rule: str) -> None:
    """What can't be delivered is kept."""
    found = Stack(EventSource="tess").properties(rule)
    assert found["EventBusName"] == "${EventBus}"
    assert found["EventPattern"]["source"] == ["tess"]
    (target,) = found["Targets"]
    assert target["Arn"] == f"${{{RULES[rule]}.Arn}}"
    assert target["DeadLetterConfig"] == {"Arn": "${DeadLetterQueue.Arn}"}


def test_each_event_goes_one_way() -> None:
    """Tokens and members by their own; an event of a kind that nobody knows is not lost."""
    stack = Stack()
    own = stack.properties("AccessEventRule")["EventPattern"]["detail-type"]
    assert set(own) == ACCESS_EVENTS
    (others,) = stack.properties("EventRule")["EventPattern"]["detail-type"]
    assert set(others["anything-but"]) == ACCESS_EVENTS


def test_no_event_falls_between_the_rules_while_they_are_deployed() -> None:
    """A stack with one rule narrows it when the other rule's way is whole."""
    rule = Stack().resources["EventRule"]
    assert set(rule["DependsOn"]) >= {
        "AccessEventRule",
        "AccessEventQueuePolicy",
        "RecorderFunctionAccessBatch",
    }


def test_queues_are_encrypted_and_keep_events_for_two_weeks() -> None:
    """Two weeks are the longest that SQS offers. What is to be counted will be asked for again."""
    queues = Stack().of_type("AWS::SQS::Queue")
    assert all(queue["SqsManagedSseEnabled"] is True for queue in queues.values())
    assert {name: queue["MessageRetentionPeriod"] for name, queue in queues.items()} == {
        "EventQueue": 14 * 24 * 3600,
        "AccessEventQueue": 14 * 24 * 3600,
        "DeadLetterQueue": 14 * 24 * 3600,
        "CountQueue": 4 * 3600,
    }


def test_what_was_delivered_fits_into_the_dead_letter_queue() -> None:
    """All three take the most that SQS offers; older queues would keep the size they began with."""
    stack = Stack()
    for queue in ("EventQueue", "AccessEventQueue", "DeadLetterQueue"):
        assert stack.properties(queue)["MaximumMessageSize"] == 1024 * 1024


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


@pytest.mark.parametrize("name", RULES.values())
def test_what_fails_too_often_is_kept(name: str) -> None:
    """After an hour of trying, not after a hiccup."""
    queue = Stack().properties(name)
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


def test_revocations_have_a_share_of_the_recorder_that_executions_can_not_take() -> None:
    """Each queue's batches run beside the other's."""
    mappings = Stack().of_type("AWS::Lambda::EventSourceMapping")
    most = {
        name: mapping["ScalingConfig"]["MaximumConcurrency"] for name, mapping in mappings.items()
    }
    assert most["RecorderFunctionAccessBatch"] >= 2
    assert most["RecorderFunctionBatch"] >= 2


def test_only_the_counter_sends_to_itself() -> None:
    """Lambda would stop it after sixteen times; for any other function that is right."""
    functions = Stack().of_type("AWS::Lambda::Function")
    loops = {name: found.get("RecursiveLoop", "Terminate") for name, found in functions.items()}
    assert [name for name, found in loops.items() if found == "Allow"] == ["CounterFunction"]


def test_only_the_rules_may_send_and_only_over_tls() -> None:
    """Nobody else can put events into the queues, and no rule into the other's."""
    stack, allowed = Stack(), []
    for name, queues in {
        "EventQueuePolicy": {"EventQueue", "DeadLetterQueue"},
        "AccessEventQueuePolicy": {"AccessEventQueue"},
    }.items():
        policy = stack.properties(name)
        assert set(policy["Queues"]) == {f"${{{queue}}}" for queue in queues}
        *allow, deny = policy["PolicyDocument"]["Statement"]
        assert set(as_list(deny["Resource"])) == {f"${{{queue}.Arn}}" for queue in queues}
        assert (deny["Effect"], deny["Action"], deny["Principal"]) == ("Deny", "sqs:*", "*")
        assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        allowed += allow
    for statement in allowed:
        assert (statement["Effect"], statement["Action"]) == ("Allow", "sqs:SendMessage")
        assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert {
        statement["Resource"]: as_list(statement["Condition"]["ArnEquals"]["aws:SourceArn"])
        for statement in allowed
    } == {
        "${EventQueue.Arn}": ["${EventRule.Arn}"],
        "${AccessEventQueue.Arn}": ["${AccessEventRule.Arn}"],
        "${DeadLetterQueue.Arn}": ["${EventRule.Arn}", "${AccessEventRule.Arn}"],
    }


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
        ("ApproximateAgeOfOldestMessage", "${AccessEventQueue.QueueName}", topic),
        ("ApproximateAgeOfOldestMessage", "${CountQueue.QueueName}", topic),
    }
    for alarm in Stack().of_type("AWS::CloudWatch::Alarm").values():
        assert not alarm["AlarmActions"]


def test_a_revocation_that_waits_is_noticed_after_two_minutes() -> None:
    """Sooner than rows that are late: somebody may come in who should not."""
    alarm = Stack().properties("OldAccessEventsAlarm")
    assert (alarm["Threshold"], alarm["EvaluationPeriods"], alarm["Period"]) == (120, 1, 60)
