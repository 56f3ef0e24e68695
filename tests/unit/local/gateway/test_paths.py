"""A path belongs to the most specific pattern that matches it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.gateway.paths import PathPattern, find_pattern

PATHS = (
    "/",
    "/docs",
    "/{proxy+}",
    "/exports",
    "/exports/{id}",
    "/exports/latest",
    "/exports/{id}/rows/{row}",
    "/exports/latest/{rest+}",
)


def found(path: str, *patterns: str) -> tuple[str, dict[str, str]] | None:
    """The pattern that a path belongs to, with its parameters."""
    match = find_pattern(map(PathPattern.parse, patterns or PATHS), path)
    return None if match is None else (match[0].path, dict(match[1]))


@pytest.mark.parametrize(
    ("path", "pattern", "parameters"),
    [
        ("/", "/", {}),
        ("/docs", "/docs", {}),
        ("/Docs", "/{proxy+}", {"proxy": "Docs"}),
        ("/docs/a", "/{proxy+}", {"proxy": "docs/a"}),
        ("/exports", "/exports", {}),
        ("/exports/7", "/exports/{id}", {"id": "7"}),
        ("/exports/a%2Fb", "/exports/{id}", {"id": "a%2Fb"}),
        ("/exports/latest", "/exports/latest", {}),
        ("/exports/7/rows/8", "/exports/{id}/rows/{row}", {"id": "7", "row": "8"}),
        ("/exports/latest/rows/8", "/exports/latest/{rest+}", {"rest": "rows/8"}),
        ("/exports/7/rows", "/{proxy+}", {"proxy": "exports/7/rows"}),
        ("/exports/7/", "/{proxy+}", {"proxy": "exports/7/"}),
        ("/a.css", "/{proxy+}", {"proxy": "a.css"}),
    ],
)
def test_a_fixed_segment_wins_over_a_parameter_and_that_over_a_greedy_one(
    path: str, pattern: str, parameters: dict[str, str]
) -> None:
    """From the left, in any order of the template. Parameters are not decoded."""
    assert found(path) == (pattern, parameters)
    assert found(path, *reversed(PATHS)) == (pattern, parameters)


@pytest.mark.parametrize("path", ["/exports", "/exports/", "/exports//rows", "exports/7", "/x/7"])
def test_a_parameter_is_one_segment_that_is_not_empty(path: str) -> None:
    """No pattern matches."""
    assert found(path, "/exports/{id}") is None


@pytest.mark.parametrize(("path", "pattern"), [("/a.b", "/a.b"), ("/axb", None)])
def test_a_fixed_segment_has_no_special_characters(path: str, pattern: str | None) -> None:
    """A dot is a dot."""
    assert (found(path, "/a.b") or (None, {}))[0] == pattern


@given(st.text(max_size=20))
def test_every_path_but_the_root_is_greedy_s(rest: str) -> None:
    """With any characters."""
    assert found(f"/{rest}", "/{proxy+}") == (("/{proxy+}", {"proxy": rest}) if rest else None)
