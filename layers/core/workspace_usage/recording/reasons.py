"""Reasons: why a payload is refused, in sentences for the person who sent it.

pydantic's own sentences are for programmers and may change with any version. So only its error
types are used here. Each has a sentence of ours, which continues the field's name.
"""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from workspace_usage.recording.fields import SURROGATE_SENTENCE
from workspace_usage.values import InvalidValue

SENTENCE_BY_ERROR_TYPE: Final[Mapping[str, str]] = {
    "missing": "is missing",
    "model_type": "must be a JSON object",
    "string_type": "must be a text",
    "string_unicode": SURROGATE_SENTENCE,
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "int_type": "must be a whole number",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
}
"""What is wrong, by pydantic's error type. The names in braces are limits that an error carries."""

SENTENCE_FOR_UNKNOWN_ERRORS: Final = "can't be used"
"""The sentence for an error type that has no sentence of its own."""


def reason_of(error: ValidationError) -> str:
    """Returns all fields that can't be used and what is wrong with each, but never a value."""
    problems = error.errors(include_url=False, include_input=False)
    return "; ".join(f"{_field(problem)}: {_sentence(problem)}" for problem in problems)


def _field(problem: Mapping[str, Any]) -> str:
    return ".".join(str(part) for part in problem["loc"])


def _sentence(problem: Mapping[str, Any]) -> str:
    context = problem.get("ctx", {})
    if isinstance(error := context.get("error"), InvalidValue):
        return str(error)
    sentence = SENTENCE_BY_ERROR_TYPE.get(problem["type"], SENTENCE_FOR_UNKNOWN_ERRORS)
    return sentence.format_map(context)
