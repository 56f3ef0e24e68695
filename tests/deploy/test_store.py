"""The tables, the bucket and the parameter of the real template: safe, and shaped as designed."""

import json

import pytest

from tests.deploy.stack import Stack, Tree

BY_USER = ["workspace_id", "user_id", "sort_key"]
BY_TYPE = ["workspace_id", "agent_type", "sort_key"]
BY_USER_AND_TYPE = ["workspace_id", "user_id", "agent_type", "sort_key"]
ROWS = ["workspace_id", "sort_key"]

KEYS: dict[str, list[str]] = {
    "ExecutionsTable": ROWS,
    "ArchivedExecutionsTable": ROWS,
    "EditedChatsTable": ROWS,
    "AccessTokensTable": ["token_id"],
    "MembershipsTable": ["workspace_id", "user_id"],
    "RollupsTable": ROWS,
}
INDEXES: dict[str, dict[str, list[str]]] = {
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
}
TYPES = {
    "workspace_id": "N",
    "user_id": "N",
    "token_id": "N",
    "sort_key": "S",
    "agent_type": "S",
    "token_hash": "S",
}


def names(key_schema: Tree) -> list[str]:
    return [attribute["AttributeName"] for attribute in key_schema]


def range_keys(key_schema: Tree) -> list[str]:
    return [key["AttributeName"] for key in key_schema if key["KeyType"] == "RANGE"]


def test_there_are_six_tables() -> None:
    """Every table of the stack is one that these tests know."""
    assert Stack().of_type("AWS::DynamoDB::Table").keys() == KEYS.keys()


@pytest.mark.parametrize("table", KEYS)
def test_tables_and_indexes_have_the_designed_keys(table: str) -> None:
    """Each combination of scope and filter is one key condition, sorted by the position."""
    properties = Stack().properties(table)
    assert names(properties["KeySchema"]) == KEYS[table]
    indexes = {i["IndexName"]: i for i in properties.get("GlobalSecondaryIndexes", [])}
    assert {name: names(index["KeySchema"]) for name, index in indexes.items()} == INDEXES[table]
    for index in indexes.values():
        last = index["KeySchema"][-1]["AttributeName"]
        assert range_keys(index["KeySchema"]) == (["sort_key"] if last == "sort_key" else [])
    used = {*KEYS[table], *(name for keys in INDEXES[table].values() for name in keys)}
    declared = {a["AttributeName"]: a["AttributeType"] for a in properties["AttributeDefinitions"]}
    assert declared == {name: TYPES[name] for name in used}


def test_an_index_of_rows_holds_the_whole_row_and_that_of_tokens_only_the_id() -> None:
    """Rows are answered from an index; a token is read again by its id, consistently."""
    stack = Stack()
    for table in INDEXES:
        for index in stack.properties(table).get("GlobalSecondaryIndexes", []):
            kind = "KEYS_ONLY" if index["IndexName"] == "by_hash" else "ALL"
            assert index["Projection"] == {"ProjectionType": kind}


@pytest.mark.parametrize("table", KEYS)
def test_data_outlives_mistakes(table: str) -> None:
    """Recoverable, protected, kept when the stack goes, billed on demand, encrypted."""
    stack = Stack()
    properties = stack.properties(table)
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert properties["DeletionProtectionEnabled"] is True
    assert stack.resources[table]["DeletionPolicy"] == "Retain"
    assert stack.resources[table]["UpdateReplacePolicy"] == "Retain"
    # DynamoDB encrypts every table; this property would only name another key than its own.
    assert "SSESpecification" not in properties


def test_only_rows_that_were_moved_go_by_time() -> None:
    """What is left of a revoked token or a removed membership stays, so that it can't come back."""
    tables = Stack().of_type("AWS::DynamoDB::Table")
    purged = {
        name: table["TimeToLiveSpecification"]
        for name, table in tables.items()
        if "TimeToLiveSpecification" in table
    }
    assert purged == {"ExecutionsTable": {"AttributeName": "purge_at", "Enabled": True}}


def test_the_bucket_is_private_and_encrypted() -> None:
    """Nothing makes an object public, by ACL or by policy, and objects are encrypted at rest."""
    stack = Stack()
    bucket = stack.properties("MediaBucket")
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
    assert stack.resources["MediaBucket"]["DeletionPolicy"] == "Retain"


def test_the_bucket_answers_over_tls_only() -> None:
    """Every request that is not encrypted on its way is refused, whoever sends it."""
    policy = Stack().properties("MediaBucketPolicy")
    assert policy["Bucket"] == "${MediaBucket}"
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == (
        "Deny",
        "*",
        "s3:*",
    )
    assert set(statement["Resource"]) == {"${MediaBucket.Arn}", "${MediaBucket.Arn}/*"}
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_history_begins_unlimited() -> None:
    """The app setting exists from the first deployment on, and is off."""
    parameter = Stack().properties("MinDateParameter")
    assert parameter["Name"] == "/stack/usage-history-min-date"
    assert json.loads(parameter["Value"]) == {"enabled": False, "date": None}


def test_what_an_operator_needs_is_an_output() -> None:
    """Names that only the deployment knows: tables, bucket, parameter, function."""
    outputs = {name: output["Value"] for name, output in Stack().outputs.items()}
    del outputs["ApiUrl"]
    assert outputs == {
        "ApiId": "${Api}",
        "UsageFunctionArn": "${UsageFunctionAliaslive}",
        **{f"{table}Name": f"${{{table}}}" for table in KEYS},
        "MediaBucketName": "${MediaBucket}",
        "MinDateParameterName": "${MinDateParameter}",
        "EventBusName": "${EventBus}",
        "EventQueueUrl": "${EventQueue}",
        "EventSourceMappingId": "${RecorderFunctionBatch}",
        "AccessEventQueueUrl": "${AccessEventQueue}",
        "AccessEventSourceMappingId": "${RecorderFunctionAccessBatch}",
        "DeadLetterQueueUrl": "${DeadLetterQueue}",
        "CountQueueUrl": "${CountQueue}",
        "DaysTimeZone": "UTC",
    }
