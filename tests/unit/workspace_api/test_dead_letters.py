"""Reasons of dead letters: only characters that SQS accepts, which moto does not check."""

import pytest

from workspace_api.dead_letters import make_sendable


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("tab\tline\nreturn\rspace é 中 😀", "tab\tline\nreturn\rspace é 中 😀"),
        ("\x00\x0b\x1f", "???"),
        ("\ud800 \udfff", "? ?"),
        ("\ue000\ufffd\ufffe\uffff", "\ue000\ufffd??"),
    ],
)
def test_a_question_mark_replaces_each_character_that_sqs_refuses(text: str, sent: str) -> None:
    """Every other character is kept."""
    assert make_sendable(text) == sent
