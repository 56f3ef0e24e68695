"""The real template's tables and buckets: as the documents have them."""

import re
from typing import Any, Final

import pytest

from tests.deploy.documented import KEPT, STACK, refusal_without_tls, statements_of, without
from tests.deploy.stack import Stack, Tree
from tests.docs.extraction import document

DATA_MODEL: Final = document("docs/data-model.md")


@pytest.mark.parametrize("name", KEPT)
def test_a_resource_is_kept_as_documented(name: str) -> None:
    """With its policy, if it is a bucket.

    What stays goes only if the stack's creation fails: empty tables, and names that the next one
    needs.
    """
    stays = KEPT[name][0] == "stays"
    for resource in (name, f"{name}Policy"):
        if resource in STACK.resources:
            assert without(STACK.resources[resource], "Type", "Properties") == {
                "DeletionPolicy": "RetainExceptOnCreate" if stays else "Delete",
                "UpdateReplacePolicy": "Retain" if stays else "Delete",
            }


def key_schema(attributes: list[str], sort_key: str) -> list[dict[str, str]]:
    """Returns the keys of a table or an index."""
    keys = [{"AttributeName": name, "KeyType": "HASH"} for name in attributes]
    return [*keys, {"AttributeName": sort_key, "KeyType": "RANGE"}] if sort_key else keys


def documented_tables() -> dict[str, Any]:
    """Returns the keys and the indexes of docs/data-model.md by the tables' logical ids."""
    found: dict[str, Any] = {}
    types: dict[str, str] = {}
    keys_of_indexes: dict[str, list[str]] = {}
    cells: list[str] = []
    for table, *row in DATA_MODEL.rows("Data model"):
        cells = [c.replace("the same", before) for c, before in zip(row, cells or row, strict=True)]
        partition, sort, indexes = cells
        types |= dict(re.findall(r"`(\w+)` ([NS])\b", " ".join(cells)))
        # Another row may have said what the keys of an index are.
        for name, attributes in re.findall(r"`(\w+)` \(([^)]+)\)", indexes):
            keys_of_indexes[name] = re.findall(r"`(\w+)`", attributes)
        names = re.findall(r"`(by_\w+)`", indexes)
        sort_key = re.sub(r"`(\w*)`.*", r"\1", sort)
        found[f"{table}Table"] = {
            "key": re.findall(r"`(\w+)`", partition),
            "sort_key": sort_key,
            "indexes": {name: keys_of_indexes[name] for name in names},
            "projection": "KEYS_ONLY" if "keys only" in indexes else "ALL",
        }
    return {name: {**table, "types": types} for name, table in found.items()}


TABLES: Final = documented_tables()


@pytest.mark.parametrize("table", STACK.of_type("AWS::DynamoDB::Table"))
def test_a_table_has_the_documented_keys_and_protection_and_nothing_else(table: str) -> None:
    """All are billed on demand. No property chooses another key than DynamoDB's own."""
    keys, (stays, restored, deleted) = TABLES[table], KEPT[table]
    sort_key = keys["sort_key"]
    schemas = {name: key_schema(key, sort_key) for name, key in keys["indexes"].items()}
    schema = key_schema(keys["key"], sort_key)
    used = {key["AttributeName"] for found in (schema, *schemas.values()) for key in found}
    expected: dict[str, Tree] = {
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": schema,
        "AttributeDefinitions": {name: keys["types"][name] for name in used},
    }
    if schemas:
        expected["GlobalSecondaryIndexes"] = [
            {
                "IndexName": name,
                "KeySchema": found,
                "Projection": {"ProjectionType": keys["projection"]},
            }
            for name, found in schemas.items()
        ]
    if restored:
        assert restored == "35 days", "what DynamoDB keeps unless RecoveryPeriodInDays says less"
        expected["PointInTimeRecoverySpecification"] = {"PointInTimeRecoveryEnabled": True}
    if stays == "stays":
        expected["DeletionProtectionEnabled"] = "true"
    if deleted:
        attribute = deleted.removeprefix("by `").removesuffix("`")
        expected["TimeToLiveSpecification"] = {"AttributeName": attribute, "Enabled": True}
    found = dict(STACK.properties(table))
    found["AttributeDefinitions"] = {
        definition["AttributeName"]: definition["AttributeType"]
        for definition in found["AttributeDefinitions"]
    }
    assert found == expected


def test_the_parameter_switches_the_protection_of_tables_off() -> None:
    tables = Stack(DeletionProtection="false").of_type("AWS::DynamoDB::Table")
    values = {name: table.get("DeletionProtectionEnabled") for name, table in tables.items()}
    assert values == {name: None if KEPT[name][0] == "goes" else "false" for name in tables}


@pytest.mark.parametrize("bucket", STACK.of_type("AWS::S3::Bucket"))
def test_a_bucket_is_private_encrypted_and_forgets_only_what_is_documented(bucket: str) -> None:
    """The rules hold for all objects, since they have no filter. There are no older versions."""
    rules = []
    for what, days in re.findall(r"([\w ]+) after (\d+) days?", KEPT[bucket][2]):
        number = int(days)
        rules.append(
            {"ExpirationInDays": number}
            if what == "files"
            else {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": number}}
        )
    found = dict(STACK.properties(bucket))
    lifecycle = found.pop("LifecycleConfiguration")
    assert [without(rule, "Id") for rule in lifecycle.pop("Rules")] == [
        {"Status": "Enabled", **rule} for rule in rules
    ]
    assert not lifecycle
    encryption = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    assert found == {
        "BucketEncryption": {"ServerSideEncryptionConfiguration": [encryption]},
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "PublicAccessBlockConfiguration": {
            "BlockPublicAcls": True,
            "BlockPublicPolicy": True,
            "IgnorePublicAcls": True,
            "RestrictPublicBuckets": True,
        },
    }
    assert STACK.properties(f"{bucket}Policy")["Bucket"] == f"${{{bucket}}}"
    arns = [f"${{{bucket}.Arn}}", f"${{{bucket}.Arn}}/*"]
    assert statements_of(f"{bucket}Policy") == [refusal_without_tls("s3", arns)]
