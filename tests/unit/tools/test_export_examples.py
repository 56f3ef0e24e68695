"""Examples of exports: only what differs from run to run is replaced."""

from typing import Any

import pytest

from tools.openapi.examples import GET_EXPORT, ExampleAnswer, ExampleRequest
from tools.openapi.export_examples import EXPORT_ID, with_fixed_values

LINK = (
    "http://127.0.0.1:{port}/exports/11/1/{id}/usage-11.csv.gz?X-Amz-Algorithm=AWS4-HMAC-SHA256"
    "&X-Amz-Credential=local%2F2026112{day}%2Fus-east-1&X-Amz-Date=2026112{day}T121033Z"
    "&X-Amz-Expires=3600&X-Amz-Signature={id}"
)


def answer(export_id: str, day: int, **fields: Any) -> ExampleAnswer:
    """Returns an answer about an export that is asked for on a day of November."""
    body = {
        "id": export_id,
        "status": "done",
        "format": "csv",
        "created_at": f"2026-11-2{day}T12:10:32.376000Z",
        "rows": 15,
        "link": LINK.format(port=4000 + day, id=export_id, day=day),
        "expires_at": f"2026-11-2{day + 1}T12:10:32.376000Z",
        **fields,
    }
    request = ExampleRequest("done", "Done", GET_EXPORT, path_parameters={"id": export_id})
    return ExampleAnswer(request, 200, body)


def test_two_runs_have_the_same_example() -> None:
    assert with_fixed_values(answer("aa", 1)) == with_fixed_values(answer("bb", 3))


def test_the_example_says_that_values_are_made_up() -> None:
    fixed = with_fixed_values(answer("aa", 1)).request
    assert "made up" in fixed.note
    assert fixed.target == f"/workspaces/usage/exports/{EXPORT_ID}"


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "failed", "message": "It failed."},
        {"format": "ndjson"},
        {"rows": 16},
        {"link": None},
        {"link": LINK.format(port=1, id="aa", day=1).replace("usage-11", "usage-12")},
        {"link": LINK.format(port=1, id="aa", day=1).replace("3600", "60")},
        {"expires_at": "2026-11-22T12:10:33.376000Z"},
    ],
)
def test_what_the_demo_answers_else_is_kept(fields: dict[str, Any]) -> None:
    """Status, format, rows, the file's name, how long the link and the export live."""
    assert with_fixed_values(answer("aa", 1, **fields)) != with_fixed_values(answer("aa", 1))
