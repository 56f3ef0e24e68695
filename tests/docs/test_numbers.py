"""Numbers that documents state in words or digits are those of the code and the template."""

import pytest

from benchmarks.far_pages import UNCOUNTED_ROWS
from tests.deploy.stack import read_template
from tests.support.functions import ROOT
from workspace_usage.aws.clients import CALL_ATTEMPTS
from workspace_usage.aws.connections import CONNECT_SECONDS, RESPONSE_SECONDS
from workspace_usage.listing.answer import MAX_PER_PAGE
from workspace_usage.listing.min_date import REFRESH_INTERVAL
from workspace_usage.listing.sizes import MAX_EMPTY_ROW_BYTES, MAX_ROW_BYTES, PRESIGNED_URL_BYTES
from workspace_usage.recording.recorder import NEW_ROWS_PER_COUNT_REQUEST, ROW_WRITE_ATTEMPTS
from workspace_usage.recording.versions import MAX_CLOCK_SKEW
from workspace_usage.rollups.blocks import ENOUGH_ROWS
from workspace_usage.rollups.build import MAX_ROWS
from workspace_usage.rollups.counter import MIN_ROWS
from workspace_usage.rollups.facets import FENCE_STEP
from workspace_usage.rows.row import MAX_KEY_BYTES
from workspace_usage.rows.window import MAX_WINDOW_DAYS

LINK_SECONDS = read_template()["Parameters"]["LinkLifetimeSeconds"]["Default"]
HOURS = {3_600: "an hour"}

STATEMENTS = {
    "README.md": [f"at most {MAX_WINDOW_DAYS} days", f"at most {MAX_PER_PAGE} rows"],
    "docs/api.md": [f"for {HOURS[LINK_SECONDS]}"],
    "docs/architecture.md": [
        f"{CONNECT_SECONDS} s to connect, {RESPONSE_SECONDS} s for the whole response, "
        f"{CALL_ATTEMPTS} attempts"
    ],
    "docs/events.md": [
        f"| {CALL_ATTEMPTS} attempts |",
        f"{ROW_WRITE_ATTEMPTS} attempts",
        f"{round(MAX_CLOCK_SKEW.total_seconds() / 60)} minutes".replace("5 ", "five "),
    ],
    "docs/import.md": [
        f"{MAX_ROW_BYTES:,} bytes",
        f"{MAX_EMPTY_ROW_BYTES:,} of these bytes",
        f"{PRESIGNED_URL_BYTES:,} are reserved",
        f"{MAX_KEY_BYTES:,} bytes",
    ],
    "docs/performance.md": [
        f"at least {MIN_ROWS} at a time",
        f"{UNCOUNTED_ROWS} such rows",
        f"at most {FENCE_STEP} more",
        f"at most {MAX_ROWS:,} rows",
        f"until it has {ENOUGH_ROWS:,} rows",
        f"for every {NEW_ROWS_PER_COUNT_REQUEST} of them",
    ],
}
"""What documents say, by the constants of the code."""


@pytest.mark.parametrize(("name", "texts"), STATEMENTS.items())
def test_a_document_states_the_limits_of_the_code(name: str, texts: list[str]) -> None:
    document = " ".join((ROOT / name).read_text("utf-8").split())
    assert [text for text in texts if text not in document] == []


def test_a_changed_setting_counts_within_the_minute_that_documents_promise() -> None:
    assert REFRESH_INTERVAL.total_seconds() == 60
