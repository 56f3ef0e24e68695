"""A row is shown field by field as the contract's table of items says."""

from copy import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings

from tests.support.functions import ROOT
from tests.support.strategies import stored_rows
from workspace_usage.listing.answer import Body, Item, ItemTokens, to_item
from workspace_usage.rows.position import Position
from workspace_usage.rows.row import AGENT_TYPES, MEDIA_TYPES, Row, Source, Tokens

TYPES = (*AGENT_TYPES, "music")
ROW = Row(
    source=Source.CURRENT,
    workspace_id=11,
    position=Position("2026-01-05T19:35:21.000000Z", 0, 7),
    user_id=42,
    user_email="ana@example.com",
    agent_type="chat",
    agent_title="Chat with Tess",
    agent_slug="chat-with-tess",
    status="succeeded",
    credits=Decimal("0.006145"),
    root_id=5,
    execution_origin="api",
    used_model="a-model",
    tokens=Tokens(1, 2, 3),
)


def presign(key: str) -> str:
    return f"presigned:{key}"


def show(row: Row, **changes: object) -> dict[str, object]:
    return dict(to_item(replace(row, **changes), presign))  # type: ignore[arg-type]


def edited(row: Row) -> Row:
    position = Position(row.position.created_at, Source.EDITED.rank, row.position.id)
    return replace(row, source=Source.EDITED, position=position)


def test_an_item_has_the_contracts_fields_in_the_contracts_order() -> None:
    item = show(ROW)
    assert list(item.items()) == [
        ("id", 7),
        ("created_at", "2026-01-05T19:35:21.000000Z"),
        ("user_id", 42),
        ("type", "chat"),
        ("status", "succeeded"),
        ("email", "ana@example.com"),
        ("credits", Decimal("0.006145")),
        ("name", "Chat with Tess"),
        ("slug", "chat-with-tess"),
        ("output", "This content is only available on Tess"),
        ("root_id", 5),
        ("execution_origin", "api"),
        ("source", "current"),
        ("used_model", "a-model"),
        ("tokens", {"input": 1, "output": 2, "total": 3}),
        ("link", "/dashboard/user/ai/chat/ai-chat/chat-with-tess?_chat_id=5"),
    ]


def test_every_field_is_documented() -> None:
    paths = (ROOT / "README.md", ROOT / "docs" / "api.md")
    text = "".join(path.read_text("utf-8") for path in paths)
    names = {*Item.__annotations__, *Body.__annotations__}
    assert {name for name in names if f"`{name}`" not in text and f'"{name}"' not in text} == set()


@settings(max_examples=30)
@given(stored_rows())
def test_every_row_has_the_fields_of_its_type_in_their_order(row: Row) -> None:
    item = to_item(row, presign)
    assert list(item) == list(Item.__annotations__)
    assert item["tokens"] is None or list(item["tokens"]) == list(ItemTokens.__annotations__)


def test_an_edited_chat_s_id_is_a_text() -> None:
    assert show(edited(ROW))["id"] == "chat-edited-7"
    assert show(ROW, source=Source.ARCHIVED)["id"] == 7


@pytest.mark.parametrize(
    "status", ["failed", "processing", "canceled", "Succeeded", "succeeded ", "success", "", "?"]
)
@pytest.mark.parametrize("source", Source)
def test_every_status_but_succeeded_is_failed_and_costs_nothing(
    status: str, source: Source
) -> None:
    item = show(ROW, status=status, source=source)
    assert (item["status"], item["credits"]) == ("failed", 0)


@pytest.mark.parametrize("source", Source)
@pytest.mark.parametrize("text", ["0", "0.006145", "1E-9", "12345678901234567890.123456789", "-1"])
def test_credits_of_what_succeeded_are_exact(text: str, source: Source) -> None:
    assert str(show(ROW, credits=Decimal(text), source=source)["credits"]) == text


def test_unknown_values_are_null() -> None:
    item = show(ROW, root_id=None, execution_origin=None, used_model=None, tokens=None)
    names = ("root_id", "execution_origin", "used_model", "tokens")
    assert [item[name] for name in names] == [None] * 4
    tokens = show(ROW, tokens=Tokens(None, 0, None))["tokens"]
    assert tokens == {"input": None, "output": 0, "total": None}


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("status", ["succeeded", "failed"])
@pytest.mark.parametrize("output", ["a/key.png", "", None])
def test_only_current_media_show_their_output(kind: str, status: str, output: str | None) -> None:
    row = replace(ROW, agent_type=kind, status=status, output=output)
    shown = output if kind in MEDIA_TYPES else show(ROW)["output"]
    assert show(row)["output"] == shown
    assert show(row, source=Source.ARCHIVED)["output"] == "This item was deleted."
    assert show(edited(row))["output"] == "This item was edited."


# Links


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("source", [Source.ARCHIVED, Source.EDITED])
def test_archived_and_edited_rows_have_no_link(kind: str, source: Source) -> None:
    assert show(ROW, source=source, agent_type=kind, output="https://x/y")["link"] is None


@pytest.mark.parametrize("status", ["succeeded", "failed", "processing"])
@pytest.mark.parametrize(("root_id", "conversation"), [(5, 5), (0, 0), (None, 7)])
def test_a_chat_links_to_its_conversation(
    status: str, root_id: int | None, conversation: int
) -> None:
    link = show(ROW, status=status, root_id=root_id)["link"]
    path = "/dashboard/user/ai/chat/ai-chat/chat-with-tess"
    assert link == f"{path}?_chat_id={conversation}"


@pytest.mark.parametrize(
    ("slug", "segment"),
    [
        ("chat-with-tess", "chat-with-tess"),
        ("A_b.c~9", "A_b.c~9"),
        ("a?x=1#y", "a%3Fx%3D1%23y"),
        ("../../login", "..%2F..%2Flogin"),
        ("a\r\nSet-Cookie: b", "a%0D%0ASet-Cookie%3A%20b"),
        ("\\evil.example", "%5Cevil.example"),
        ("%2e%2e", "%252e%252e"),
        ("...", "..."),
        ("ação", "a%C3%A7%C3%A3o"),
    ],
)
def test_a_slug_is_one_segment_of_the_path(slug: str, segment: str) -> None:
    link = show(ROW, agent_slug=slug)["link"]
    assert link == f"/dashboard/user/ai/chat/ai-chat/{segment}?_chat_id=5"


@pytest.mark.parametrize("slug", [".", ".."])
def test_a_slug_that_cannot_be_a_segment_has_no_link(slug: str) -> None:
    """Browsers resolve dots before they send a request, even percent-encoded ones."""
    item = show(ROW, agent_slug=slug)
    assert (item["slug"], item["link"]) == (slug, None)


@pytest.mark.parametrize("kind", sorted(MEDIA_TYPES))
@pytest.mark.parametrize(
    ("output", "link"),
    [
        ("https://cdn.example.com/a.png?x=1", "https://cdn.example.com/a.png?x=1"),
        ("http://cdn.example.com/a.png", "http://cdn.example.com/a.png"),
        ("HTTPS://CDN.example.com/A.png", "HTTPS://CDN.example.com/A.png"),
        ("media/a b.png", "presigned:media/a b.png"),
        ("/media/a.png", "presigned:/media/a.png"),
        ("https", "presigned:https"),
        ("https:/a.png", "presigned:https:/a.png"),
        ("ftp://example.com/a.png", "presigned:ftp://example.com/a.png"),
        ("javascript:alert(1)", "presigned:javascript:alert(1)"),
        ("//example.com/a.png", "presigned://example.com/a.png"),
        (" https://example.com", "presigned: https://example.com"),
        # An odd URL is shown, and an odd key signed, as it was stored.
        ("https://cdn.example.com/a b/../ü\r\n.png", "https://cdn.example.com/a b/../ü\r\n.png"),
        ("../a//b/\r\n.png", "presigned:../a//b/\r\n.png"),
        ("", None),
        (None, None),
    ],
)
def test_media_link_to_their_output(kind: str, output: str | None, link: str | None) -> None:
    row = replace(ROW, agent_type=kind, output=output)
    assert show(row)["link"] == link
    for status in ("failed", "processing", ""):
        assert show(row, status=status)["link"] is None


@pytest.mark.parametrize("kind", sorted(set(TYPES) - MEDIA_TYPES - {"chat"}))
@pytest.mark.parametrize("output", ["a/key.txt", "https://example.com", None])
def test_other_types_have_no_link(kind: str, output: str | None) -> None:
    assert show(ROW, agent_type=kind, output=output)["link"] is None


def test_only_links_are_presigned() -> None:
    def refuse(key: str) -> str:
        raise AssertionError(key)

    for kind in TYPES:
        for source in Source:
            for output, status in ((None, "succeeded"), ("", "succeeded"), ("key", "failed")):
                row = replace(ROW, agent_type=kind, source=source, output=output, status=status)
                to_item(row, refuse)
