"""The real engine stores every accepted payload: no item is too large, and no key too long."""

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.database import NAMES
from workspace_usage.access.items import membership_item, token_item
from workspace_usage.listing.sizes import MAX_ROW_BYTES
from workspace_usage.recording.payloads import parse_access_token, parse_membership, parse_row
from workspace_usage.rows.row import Source, to_stored_item
from workspace_usage.values import MAX_ID

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

pytestmark = pytest.mark.xdist_group("dynamodb-local")

MANY = [f"{number}" for number in range(10_000, 10_000 + 65_533 // 8)]
"""As many texts as a list of 65,535 bytes has room for, at eight bytes each."""


@pytest.mark.parametrize("texts", [MANY, {"1": "x" * 65_530}], ids=["many", "long"])
def test_the_longest_lists_of_abilities_and_permissions_are_stored(
    client: "DynamoDBClient", texts: Any
) -> None:
    """With the longest type that a token may have."""
    token = {"id": MAX_ID, "tokenable_type": "😀" * 255, "tokenable_id": MAX_ID, "token": "0" * 64}
    item = token_item(parse_access_token({**token, "abilities": texts}))
    client.put_item(TableName=NAMES.access_tokens, Item=item)
    member = {"workspace_id": MAX_ID, "user_id": MAX_ID, "permissions": texts}
    client.put_item(TableName=NAMES.memberships, Item=membership_item(parse_membership(member)))


@pytest.mark.parametrize("credits", ["9" * 38 + "E88", "-" + "9" * 38 + "E-167", "1." + "0" * 999])
def test_the_largest_rows_are_stored(client: "DynamoDBClient", credits: str) -> None:  # noqa: A002
    """With the longest agent type, which is part of the indexes' keys."""
    payload = {
        "id": MAX_ID,
        "workspace_id": MAX_ID,
        "user_id": MAX_ID,
        "user_email": "",
        "created_at": "9999-12-31T23:59:59.999999Z",
        "agent": {"title": "x" * (MAX_ROW_BYTES - 2_500), "slug": "", "type": "😀" * 255},
        "status": "😀" * 255,
        "credits": credits,
        "root_id": MAX_ID,
    }
    for source, table in (
        (Source.CURRENT, NAMES.executions),
        (Source.ARCHIVED, NAMES.archived_executions),
    ):
        client.put_item(TableName=table, Item=to_stored_item(parse_row(source, payload)))
