"""The events' way through the real template: nothing is lost, and someone hears of trouble."""

from tests.deploy.stack import Stack


def test_an_event_of_the_platform_goes_from_the_bus_to_the_queue() -> None:
    """Whatever its kind: one that nobody knows must be rejected with a reason, not lost."""
    rule = Stack(EventSource="tess").properties("EventRule")
    assert rule["EventBusName"] == "${EventBus}"
    assert rule["EventPattern"] == {"source": ["tess"]}
    (target,) = rule["Targets"]
    assert target["Arn"] == "${EventQueue.Arn}"
    assert target["DeadLetterConfig"] == {"Arn": "${DeadLetterQueue.Arn}"}


def test_queues_are_encrypted_and_keep_events_for_two_weeks() -> None:
    """Two weeks are the longest that SQS offers."""
    for queue in Stack().of_type("AWS::SQS::Queue").values():
        assert queue["SqsManagedSseEnabled"] is True
        assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600


def test_a_batch_does_not_come_again_while_it_is_worked_on() -> None:
    """AWS advises six times the function's timeout."""
    stack = Stack()
    timeout = stack.properties("RecorderFunction")["Timeout"]
    assert stack.properties("EventQueue")["VisibilityTimeout"] >= 6 * timeout


def test_what_fails_too_often_is_kept() -> None:
    """After an hour of trying, not after a hiccup."""
    queue = Stack().properties("EventQueue")
    redrive = queue["RedrivePolicy"]
    assert redrive["deadLetterTargetArn"] == "${DeadLetterQueue.Arn}"
    assert redrive["maxReceiveCount"] * queue["VisibilityTimeout"] >= 3600


def test_messages_of_a_batch_fail_alone() -> None:
    """Without this, one bad message would bring all ten back."""
    (mapping,) = Stack().of_type("AWS::Lambda::EventSourceMapping").values()
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["EventSourceArn"] == "${EventQueue.Arn}"


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
    }
    for alarm in Stack().of_type("AWS::CloudWatch::Alarm").values():
        assert not alarm["AlarmActions"]
