"""Events in the real template: no event is lost, and alarms tell of trouble."""

from datetime import timedelta
from typing import Final

import pytest

from tests.deploy.stack import Stack, as_list
from workspace_usage.recording.events import EVENTS
from workspace_usage.rollups.blocks import BUILD, LATE, MARGIN, READ, REUSE, WRITE

CALL_END: Final = timedelta(seconds=10)
"""More than a call may take to have its effect in a table after the function has ended."""

FUNCTIONS_BY_QUEUE: Final = {
    "EventQueue": "RecorderFunction",
    "AccessEventQueue": "RecorderFunction",
    "CountQueue": "CounterFunction",
}
"""The function that receives each queue's messages."""

QUEUES_BY_RULE: Final = {"EventRule": "EventQueue", "AccessEventRule": "AccessEventQueue"}
"""The queue to which each rule sends events."""

ACCESS_EVENTS: Final = {name for name in EVENTS if name.startswith(("AccessToken", "Workspace"))}
"""Events about tokens and members."""


@pytest.mark.parametrize("rule", QUEUES_BY_RULE)
def test_a_rule_sends_the_platform_s_events_from_the_bus_to_their_queue(rule: str) -> None:
    """Events that can't be delivered are kept in the dead-letter queue."""
    properties = Stack(EventSource="tess").properties(rule)
    assert properties["EventBusName"] == "${EventBus}"
    assert properties["EventPattern"]["source"] == ["tess"]
    (target,) = properties["Targets"]
    assert target["Arn"] == f"${{{QUEUES_BY_RULE[rule]}.Arn}}"
    assert target["DeadLetterConfig"] == {"Arn": "${DeadLetterQueue.Arn}"}


def test_each_event_matches_exactly_one_rule() -> None:
    """Events of tokens and members match one rule. All other events match the other one."""
    stack = Stack()
    kinds = stack.properties("AccessEventRule")["EventPattern"]["detail-type"]
    assert set(kinds) == ACCESS_EVENTS
    (others,) = stack.properties("EventRule")["EventPattern"]["detail-type"]
    assert set(others["anything-but"]) == ACCESS_EVENTS


def test_no_event_is_lost_while_the_rules_are_deployed() -> None:
    """The older rule excludes access events only when everything on their way exists."""
    rule = Stack().resources["EventRule"]
    assert set(rule["DependsOn"]) >= {
        "AccessEventRule",
        "AccessEventQueuePolicy",
        "RecorderFunctionAccessBatch",
    }


def test_queues_are_encrypted_and_keep_messages_for_two_weeks() -> None:
    """Two weeks are SQS's maximum."""
    queues = Stack().of_type("AWS::SQS::Queue")
    assert queues.keys() == {*FUNCTIONS_BY_QUEUE, "DeadLetterQueue"}
    for queue in queues.values():
        assert queue["SqsManagedSseEnabled"] is True
        assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600


def test_every_message_fits_into_the_dead_letter_queue() -> None:
    """All three queues have SQS's maximum, which is set because older queues keep a lower one."""
    stack = Stack()
    for queue in ("EventQueue", "AccessEventQueue", "DeadLetterQueue"):
        assert stack.properties(queue)["MaximumMessageSize"] == 1024 * 1024


@pytest.mark.parametrize("queue", FUNCTIONS_BY_QUEUE)
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


def test_a_message_of_a_batch_is_retried_without_the_others() -> None:
    """Without partial responses, one bad message would cause a retry of all ten."""
    mappings = Stack().of_type("AWS::Lambda::EventSourceMapping").values()
    assert all(m["FunctionResponseTypes"] == ["ReportBatchItemFailures"] for m in mappings)
    assert {mapping["EventSourceArn"]: mapping["FunctionName"] for mapping in mappings} == {
        f"${{{queue}.Arn}}": f"${{{function}}}" for queue, function in FUNCTIONS_BY_QUEUE.items()
    }


def test_executions_can_not_take_the_concurrency_of_revocations() -> None:
    """Each queue has its own share of the recorder."""
    mappings = Stack().of_type("AWS::Lambda::EventSourceMapping")
    for name in ("RecorderFunctionAccessBatch", "RecorderFunctionBatch"):
        assert mappings[name]["ScalingConfig"]["MaximumConcurrency"] >= 2


def test_only_the_counter_may_send_messages_to_itself() -> None:
    """Lambda stops other functions that do so, after about sixteen invocations."""
    functions = Stack().of_type("AWS::Lambda::Function")
    may_loop = [
        name for name, function in functions.items() if function.get("RecursiveLoop") == "Allow"
    ]
    assert may_loop == ["CounterFunction"]


def test_only_the_rules_may_send_events_to_the_queues_and_only_over_tls() -> None:
    """Each rule may send to its own queue and to the dead-letter queue."""
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


def test_requests_to_count_are_sent_over_tls() -> None:
    """The functions' roles allow sending; the queue's policy only denies."""
    policy = Stack().properties("CountQueuePolicy")
    assert policy["Queues"] == ["${CountQueue}"]
    (deny,) = policy["PolicyDocument"]["Statement"]
    assert (deny["Effect"], deny["Action"], deny["Principal"]) == ("Deny", "sqs:*", "*")
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
