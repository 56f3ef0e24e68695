"""Why a record is refused, in words for the person who sent it.

pydantic says in English of its own what is wrong, for programmers and subject to change. Only its
error types are used here; each has a sentence that continues the field's name.
"""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from workspace_usage.values import InvalidValue

SENTENCES: Final[Mapping[str, str]] = {
    "missing": "is missing",
    "model_type": "must be a JSON object",
    "string_type": "must be a text",
    "string_unicode": "must not contain half of a surrogate pair",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "int_type": "must be a whole number",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
}
"""What is wrong, by pydantic's error types, with the limits that an error carries."""

UNEXPECTED: Final = "can't be used"
"""What is said of an error type that has no sentence."""


def reason_of(error: ValidationError) -> str:
    """Returns all fields that can't be used, each with what is wrong; never a field's value."""
    problems = error.errors(include_url=False, include_input=False)
    return "; ".join(f"{_field(problem)}: {_sentence(problem)}" for problem in problems)


def _field(problem: Mapping[str, Any]) -> str:
    return ".".join(str(part) for part in problem["loc"])


def _sentence(problem: Mapping[str, Any]) -> str:
    limits = problem.get("ctx", {})
    match limits.get("error"):
        case InvalidValue() as own:
            return str(own)
        case _:
            return SENTENCES.get(problem["type"], UNEXPECTED).format_map(limits)
