"""The real template's stored settings, lifetimes and outputs."""

import json
from typing import Final

from tests.deploy.documented import KEPT, without
from tests.deploy.stack import Stack
from workspace_usage.exporting.export import EXPORT_LIFETIME

SETTING: Final = "MinDateParameter"


def test_files_of_exports_live_as_long_as_their_exports() -> None:
    """And so do unfinished uploads, since a run can continue one until the export expires."""
    rules = Stack().properties("ExportsBucket")["LifecycleConfiguration"]["Rules"]
    uploads = {"DaysAfterInitiation": EXPORT_LIFETIME.days}
    assert [without(rule, "Id", "Status") for rule in rules] == [
        {"ExpirationInDays": EXPORT_LIFETIME.days},
        {"AbortIncompleteMultipartUpload": uploads},
    ]


def test_media_never_expire() -> None:
    for rule in Stack().properties("MediaBucket")["LifecycleConfiguration"]["Rules"]:
        assert rule.keys() == {"Id", "Status", "AbortIncompleteMultipartUpload"}


def test_a_new_deployment_hides_no_rows() -> None:
    """The app setting exists after the first deployment, and is off."""
    parameter = without(Stack().properties(SETTING), "Description")
    assert json.loads(parameter.pop("Value")) == {"enabled": False, "date": None}
    assert parameter == {"Name": "/stack/usage-history-min-date", "Type": "String"}


def test_the_names_that_operators_need_are_outputs() -> None:
    """CloudFormation chooses them: names of tables, queues and other resources.

    Tools read from the others what the deployment's parameters are.
    """
    parameters = {
        "StageName": "live",
        "EventSource": "platform",
        "TimeZone": "America/Sao_Paulo",
        "DeletionProtection": "false",
    }
    outputs = {name: output["Value"] for name, output in Stack(**parameters).outputs.items()}
    del outputs["ApiUrl"]
    assert outputs == {
        "ApiId": "${Api}",
        "PageUrl": "https://${Api}.execute-api.us-east-1.amazonaws.com/live/",
        "ReferenceUrl": "https://${Api}.execute-api.us-east-1.amazonaws.com/live/docs",
        "UsageFunctionArn": "${UsageFunctionAliaslive}",
        "SummaryFunctionArn": "${SummaryFunctionAliaslive}",
        **{f"{name}Name": f"${{{name}}}" for name in KEPT},
        "EventBusName": "${EventBus}",
        "EventSourceName": "platform",
        "EventRuleName": "stack-events",
        "AccessEventRuleName": "stack-access-events",
        "EventQueueUrl": "${EventQueue}",
        "EventSourceMappingId": "${RecorderFunctionBatch}",
        "AccessEventQueueUrl": "${AccessEventQueue}",
        "AccessEventSourceMappingId": "${RecorderFunctionAccessBatch}",
        "DeadLetterQueueUrl": "${DeadLetterQueue}",
        "CountQueueUrl": "${CountQueue}",
        "ExportsQueueUrl": "${ExportsQueue}",
        "ExportsDeadLetterQueueUrl": "${ExportsDeadLetterQueue}",
        "DaysTimeZone": "America/Sao_Paulo",
        "CheckCallerParameterName": "/stack/check-caller",
        "DashboardUrl": (
            "https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1"
            "#dashboards/dashboard/${Dashboard}"
        ),
        "TableProtection": "false",
    }
    assert "DashboardUrl" not in Stack(DashboardEnabled="false").outputs
