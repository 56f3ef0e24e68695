"""The real template's queues, and who may use them: as docs/resources.md has them."""

from datetime import timedelta
from typing import Final

import pytest

from tests.deploy.documented import QUEUES, STACK, refusal_without_tls, statements_of, without
from tests.deploy.stack import Tree


def seconds(text: str) -> int:
    """Returns a duration such as ``3 min`` or ``14 days``."""
    number, unit = text.split()
    unit = {"min": "minutes", "day": "days"}.get(unit, unit)
    return int(timedelta(**{unit: int(number)}).total_seconds())


@pytest.mark.parametrize("queue", QUEUES)
def test_a_queue_has_the_documented_properties_and_no_others(queue: str) -> None:
    """It goes with the stack. Its messages are encrypted."""
    _, _, _, first, again, attempts, dead_letters, kept = QUEUES[queue]
    expected: dict[str, Tree] = {
        "SqsManagedSseEnabled": True,
        "MessageRetentionPeriod": seconds(kept),
    }
    if first:
        expected["DelaySeconds"] = seconds(first)
    if again:
        expected["VisibilityTimeout"] = seconds(again)
    if attempts:
        expected["RedrivePolicy"] = {
            "deadLetterTargetArn": f"${{{dead_letters.strip('`')}.Arn}}",
            "maxReceiveCount": int(attempts),
        }
    resource = STACK.resources[queue]
    assert without(resource, "Type", "Properties") == {
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
    }
    # Another test compares the sizes of messages.
    assert without(resource["Properties"], "MaximumMessageSize") == expected


def test_functions_receive_messages_as_documented() -> None:
    """Of a batch, only the messages that fail come again. The mappings are on."""
    mappings = STACK.of_type("AWS::Lambda::EventSourceMapping").values()
    expected = {
        f"${{{queue}.Arn}}": {
            "EventSourceArn": f"${{{queue}.Arn}}",
            "FunctionName": f"${{{function.strip('`')}}}",
            "BatchSize": int(messages),
            "ScalingConfig": {"MaximumConcurrency": int(runs)},
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
        }
        for queue, (function, messages, runs, *_) in QUEUES.items()
        if function
    }
    assert {mapping["EventSourceArn"]: mapping for mapping in mappings} == expected


POLICIES_OF_QUEUES: Final = {
    "EventQueuePolicy": ["EventQueue", "DeadLetterQueue"],
    "AccessEventQueuePolicy": ["AccessEventQueue"],
    "CountQueuePolicy": ["CountQueue"],
    "ExportsQueuePolicy": ["ExportsQueue", "ExportsDeadLetterQueue"],
}
RULES_BY_QUEUE: Final = {
    "EventQueue": ["EventRule"],
    "AccessEventQueue": ["AccessEventRule"],
    "DeadLetterQueue": ["EventRule", "AccessEventRule"],
}
"""The rules that may send to a queue: their own, and what they can't deliver."""


def test_only_the_rules_may_send_to_queues_and_only_over_tls() -> None:
    """What functions may send is in their roles. These policies only deny requests without TLS."""
    assert STACK.of_type("AWS::SQS::QueuePolicy").keys() == POLICIES_OF_QUEUES.keys()
    assert {queue for queues in POLICIES_OF_QUEUES.values() for queue in queues} == QUEUES.keys()
    for policy, queues in POLICIES_OF_QUEUES.items():
        assert STACK.properties(policy)["Queues"] == [f"${{{queue}}}" for queue in queues]
        *allow, deny = statements_of(policy)
        assert deny == refusal_without_tls("sqs", [f"${{{queue}.Arn}}" for queue in queues])
        expected = []
        for queue in queues:
            arns = [f"${{{rule}.Arn}}" for rule in RULES_BY_QUEUE.get(queue, [])]
            if arns:
                expected.append(
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "events.amazonaws.com"},
                        "Action": "sqs:SendMessage",
                        "Resource": [f"${{{queue}.Arn}}"],
                        "Condition": {
                            "ArnEquals": {"aws:SourceArn": arns if len(arns) > 1 else arns[0]}
                        },
                    }
                )
        assert allow == expected
