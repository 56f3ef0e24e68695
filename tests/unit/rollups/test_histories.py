"""Whatever happens, all that is believed of counts is right, and nothing is left to do at the end.

``HISTORIES=2000`` in the environment has that many histories run instead of a few.
"""

import os
from typing import Final

import pytest

from tests.support.histories import History, shrink

HISTORIES: Final = int(os.environ.get("HISTORIES", "64"))
CHUNKS: Final = 8


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_counts_are_right_whatever_happens(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    """Random histories (``tests.support.histories``) find nothing wrong.

    Most pages far down are found by counts: histories without counts would show nothing.
    """
    shrink(monkeypatch)
    pages = counted_pages = 0
    for seed in range(chunk, HISTORIES, CHUNKS):
        history = History(seed)
        try:
            history.run()
        except AssertionError as error:
            error.add_note(f"seed {seed}, {history.world.now}")
            raise
        pages += history.figures.pages
        counted_pages += history.figures.counted_pages
    assert counted_pages > pages / 2
