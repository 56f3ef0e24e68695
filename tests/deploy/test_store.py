"""The real template's tables, buckets and parameter: protected, and with the designed keys."""

import json

import pytest

from tests.deploy.stack import Stack, Tree
from workspace_usage.exporting.export import EXPORT_LIFETIME

BY_USER = ["workspace_id", "user_id", "sort_key"]
BY_TYPE = ["workspace_id", "agent_type", "sort_key"]
BY_USER_AND_TYPE = ["workspace_id", "user_id", "agent_type", "sort_key"]
BY_WORKSPACE = ["workspace_id", "sort_key"]

KEYS_BY_TABLE: dict[str, list[str]] = {
    "ExecutionsTable": BY_WORKSPACE,
    "ArchivedExecutionsTable": BY_WORKSPACE,
    "EditedChatsTable": BY_WORKSPACE,
    "AccessTokensTable": ["token_id"],
    "MembershipsTable": ["workspace_id", "user_id"],
    "RollupsTable": BY_WORKSPACE,
    "ExportsTable": ["owner", "item_key"],
}
INDEXES_BY_TABLE: dict[str, dict[str, list[str]]] = {
    "ExecutionsTable": {
        "by_user": BY_USER,
        "by_type": BY_TYPE,
        "by_user_and_type": BY_USER_AND_TYPE,
    },
    "ArchivedExecutionsTable": {
        "by_user": BY_USER,
        "by_type": BY_TYPE,
        "by_user_and_type": BY_USER_AND_TYPE,
    },
    "EditedChatsTable": {"by_user": BY_USER},
    "AccessTokensTable": {"by_hash": ["token_hash"]},
    "MembershipsTable": {},
    "RollupsTable": {},
    "ExportsTable": {},
}
KEPT_TABLES = KEYS_BY_TABLE.keys() - {"ExportsTable"}
"""The tables whose items are kept for good. Exports live for a day."""

BUCKETS = ("MediaBucket", "ExportsBucket")
BUCKET_POLICIES = ("MediaBucketPolicy", "ExportsBucketPolicy")
SETTING = "MinDateParameter"
ATTRIBUTE_TYPES = {
    "workspace_id": "N",
    "user_id": "N",
    "token_id": "N",
    "sort_key": "S",
    "agent_type": "S",
    "token_hash": "S",
    "owner": "S",
    "item_key": "S",
}


def attributes_of(key_schema: Tree) -> list[str]:
    """Returns the names of a key's attributes, in their order."""
    return [attribute["AttributeName"] for attribute in key_schema]


def sort_keys_of(key_schema: Tree) -> list[str]:
    """Returns the names of a key's attributes that sort items."""
    return [key["AttributeName"] for key in key_schema if key["KeyType"] == "RANGE"]


def test_there_are_seven_tables() -> None:
    """These tests know every table of the stack."""
    assert Stack().of_type("AWS::DynamoDB::Table").keys() == KEYS_BY_TABLE.keys()


@pytest.mark.parametrize("table", KEYS_BY_TABLE)
def test_tables_and_indexes_have_the_designed_keys(table: str) -> None:
    """Each combination of scope and filter is one key condition, sorted by ``sort_key``."""
    properties = Stack().properties(table)
    assert attributes_of(properties["KeySchema"]) == KEYS_BY_TABLE[table]
    indexes = {i["IndexName"]: i for i in properties.get("GlobalSecondaryIndexes", [])}
    assert {
        name: attributes_of(index["KeySchema"]) for name, index in indexes.items()
    } == INDEXES_BY_TABLE[table]
    for index in indexes.values():
        last = index["KeySchema"][-1]["AttributeName"]
        assert sort_keys_of(index["KeySchema"]) == (["sort_key"] if last == "sort_key" else [])
    used = {
        *KEYS_BY_TABLE[table],
        *(name for keys in INDEXES_BY_TABLE[table].values() for name in keys),
    }
    declared = {a["AttributeName"]: a["AttributeType"] for a in properties["AttributeDefinitions"]}
    assert declared == {name: ATTRIBUTE_TYPES[name] for name in used}


def test_an_index_contains_whole_rows_but_only_ids_of_tokens() -> None:
    """The listing reads rows from indexes. A token is read again from the table, consistently."""
    stack = Stack()
    for table in INDEXES_BY_TABLE:
        for index in stack.properties(table).get("GlobalSecondaryIndexes", []):
            kind = "KEYS_ONLY" if index["IndexName"] == "by_hash" else "ALL"
            assert index["Projection"] == {"ProjectionType": kind}


@pytest.mark.parametrize("table", sorted(KEPT_TABLES))
def test_tables_are_protected_from_mistakes(table: str) -> None:
    """Backups, deletion protection unless the parameter says otherwise, on demand, encrypted."""
    properties = Stack().properties(table)
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert properties["DeletionProtectionEnabled"] == "true"
    unprotected = Stack(DeletionProtection="false").properties(table)
    assert unprotected["DeletionProtectionEnabled"] == "false"
    # DynamoDB encrypts every table. This property would only choose another key.
    assert "SSESpecification" not in properties


@pytest.mark.parametrize("name", sorted({*KEPT_TABLES, *BUCKETS, *BUCKET_POLICIES, SETTING}))
def test_data_stay_when_the_stack_is_deleted_but_not_when_its_creation_fails(name: str) -> None:
    """A failed creation would otherwise leave empty tables, and names that the next one needs."""
    resource = Stack().resources[name]
    assert resource["DeletionPolicy"] == "RetainExceptOnCreate"
    assert resource["UpdateReplacePolicy"] == "Retain"


def test_exports_go_with_the_stack() -> None:
    """They have no backups and no protection, since they live for a day, and can be made again."""
    stack = Stack()
    properties = stack.properties("ExportsTable")
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert "PointInTimeRecoverySpecification" not in properties
    assert "DeletionProtectionEnabled" not in properties
    assert stack.resources["ExportsTable"]["DeletionPolicy"] == "Delete"
    assert stack.resources["ExportsTable"]["UpdateReplacePolicy"] == "Delete"
    assert "SSESpecification" not in properties


def test_items_expire_only_among_current_rows_and_exports() -> None:
    """Those are archived rows. Tombstones never expire, so late events can't restore access."""
    tables = Stack().of_type("AWS::DynamoDB::Table")
    expiring = {
        name: table["TimeToLiveSpecification"]
        for name, table in tables.items()
        if "TimeToLiveSpecification" in table
    }
    specification = {"AttributeName": "purge_at", "Enabled": True}
    assert expiring == {"ExecutionsTable": specification, "ExportsTable": specification}


@pytest.mark.parametrize("name", BUCKETS)
def test_a_bucket_is_private_and_encrypted(name: str) -> None:
    """No ACL and no policy can make an object public, and objects are encrypted at rest."""
    stack = Stack()
    assert stack.of_type("AWS::S3::Bucket").keys() == {*BUCKETS}
    bucket = stack.properties(name)
    assert bucket["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }
    (ownership,) = bucket["OwnershipControls"]["Rules"]
    assert ownership == {"ObjectOwnership": "BucketOwnerEnforced"}
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}


@pytest.mark.parametrize("name", BUCKETS)
def test_a_bucket_answers_over_tls_only(name: str) -> None:
    """It refuses every request without TLS, from any caller."""
    policy = Stack().properties(f"{name}Policy")
    assert policy["Bucket"] == f"${{{name}}}"
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == (
        "Deny",
        "*",
        "s3:*",
    )
    assert set(statement["Resource"]) == {f"${{{name}.Arn}}", f"${{{name}.Arn}}/*"}
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_files_of_exports_and_unfinished_uploads_are_deleted_after_a_day() -> None:
    """All of them: the rules have no filter. There are no older versions that would stay."""
    bucket = Stack().properties("ExportsBucket")
    rules = {rule["Id"]: rule for rule in bucket["LifecycleConfiguration"]["Rules"]}
    files, uploads = rules.pop("forget-files"), rules.pop("forget-unfinished-uploads")
    assert not rules
    days = EXPORT_LIFETIME.days
    assert files == {"Id": "forget-files", "Status": "Enabled", "ExpirationInDays": days}
    assert uploads == {
        "Id": "forget-unfinished-uploads",
        "Status": "Enabled",
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": days},
    }
    assert "VersioningConfiguration" not in bucket


def test_media_never_expire() -> None:
    for rule in Stack().properties("MediaBucket")["LifecycleConfiguration"]["Rules"]:
        assert rule.keys() == {"Id", "Status", "AbortIncompleteMultipartUpload"}


def test_a_new_deployment_hides_no_rows() -> None:
    """The app setting exists after the first deployment, and is off."""
    parameter = Stack().properties(SETTING)
    assert parameter["Name"] == "/stack/usage-history-min-date"
    assert json.loads(parameter["Value"]) == {"enabled": False, "date": None}


def test_the_names_that_operators_need_are_outputs() -> None:
    """CloudFormation chooses them: names of tables, queues and other resources."""
    outputs = {name: output["Value"] for name, output in Stack().outputs.items()}
    del outputs["ApiUrl"]
    assert outputs == {
        "ApiId": "${Api}",
        "PageUrl": "https://${Api}.execute-api.us-east-1.amazonaws.com/v1/",
        "ReferenceUrl": "https://${Api}.execute-api.us-east-1.amazonaws.com/v1/docs",
        "UsageFunctionArn": "${UsageFunctionAliaslive}",
        "SummaryFunctionArn": "${SummaryFunctionAliaslive}",
        **{f"{table}Name": f"${{{table}}}" for table in KEYS_BY_TABLE},
        "MediaBucketName": "${MediaBucket}",
        "MinDateParameterName": "${MinDateParameter}",
        "EventBusName": "${EventBus}",
        "EventSourceName": "tess",
        "EventRuleName": "stack-events",
        "AccessEventRuleName": "stack-access-events",
        "EventQueueUrl": "${EventQueue}",
        "EventSourceMappingId": "${RecorderFunctionBatch}",
        "AccessEventQueueUrl": "${AccessEventQueue}",
        "AccessEventSourceMappingId": "${RecorderFunctionAccessBatch}",
        "DeadLetterQueueUrl": "${DeadLetterQueue}",
        "CountQueueUrl": "${CountQueue}",
        "ExportsBucketName": "${ExportsBucket}",
        "ExportsQueueUrl": "${ExportsQueue}",
        "ExportsDeadLetterQueueUrl": "${ExportsDeadLetterQueue}",
        "DaysTimeZone": "UTC",
        "CheckCallerParameterName": "/stack/check-caller",
        "DashboardUrl": (
            "https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1"
            "#dashboards/dashboard/${Dashboard}"
        ),
        "TableProtection": "true",
    }
