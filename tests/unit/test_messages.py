"""Every text exists in every language, and callers get the language that they ask for."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.strategies import any_text
from workspace_usage import messages
from workspace_usage.errors import Violation
from workspace_usage.messages import LOCALES, choose_locale, describe, translate

ROOT = Path(__file__).parents[2]
CORE = Path(messages.__file__).parent

KEY_POSITIONS = {
    "Violation": 1,
    "Forbidden": 0,
    "NotFound": 0,
    "TooManyRequests": 0,
    "PydanticCustomError": 0,
    "translate": 1,
}
"""Which argument is the key in calls that take one."""

GATEWAY_KEYS = {"unauthorized", "not_found", "too_many_requests", "unavailable", "bad_request"}
"""Texts of the gateway's own responses: the template holds copies of them."""

CATALOGUES: dict[str, dict[str, str]] = {
    path.stem: json.loads(path.read_text("utf-8"))
    for path in sorted((CORE / "catalogues").iterdir())
}


def test_every_language_has_a_catalogue() -> None:
    assert CATALOGUES.keys() == set(LOCALES)


@pytest.mark.parametrize("locale", LOCALES)
def test_every_catalogue_has_the_same_keys_once_and_in_the_same_order(locale: str) -> None:
    text = (CORE / "catalogues" / f"{locale}.json").read_text("utf-8")
    pairs: list[tuple[str, str]] = json.loads(text, object_pairs_hook=list)
    assert [key for key, _ in pairs] == list(CATALOGUES["en"])


@pytest.mark.parametrize("locale", LOCALES)
def test_a_text_has_the_same_places_in_every_language(locale: str) -> None:
    for key, text in CATALOGUES[locale].items():
        assert places(text) == places(CATALOGUES["en"][key]), key


@pytest.mark.parametrize("locale", LOCALES)
def test_a_text_can_be_printed_into_json_as_it_is(locale: str) -> None:
    """The gateway does that with some of them, and takes a ``$`` for one of its variables."""
    for key, text in CATALOGUES[locale].items():
        assert json.dumps(text, ensure_ascii=False) == f'"{text}"', key
        assert text == text.strip() != "", key
        assert "$" not in text, key


def test_every_text_is_translated() -> None:
    """No two languages have the same one."""
    for key in CATALOGUES["en"]:
        assert len({CATALOGUES[locale][key] for locale in LOCALES}) == len(LOCALES), key


def test_the_keys_that_are_used_are_those_that_exist() -> None:
    paths = [*CORE.parent.rglob("*.py"), *ROOT.glob("functions/*/app.py")]
    used = {key for path in paths for key in message_keys(path)}
    assert used | GATEWAY_KEYS == CATALOGUES["en"].keys()


def places(text: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(text)} - {None}


def message_keys(path: Path) -> Iterator[str]:
    """Yields the message keys in a module: the texts that are given where one is expected."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if (position := KEY_POSITIONS.get(node.func.id)) is not None:
                # ``translate`` has only a key where its caller has given it the locale.
                yield from texts(node.args[min(position, len(node.args) - 1)])
        # The one key that is chosen before it is used.
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "key":
            yield from (text for text in texts(node.value) if text.endswith(("_error", "_errors")))


def texts(expression: ast.expr) -> Iterator[str]:
    for node in ast.walk(expression):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


# The language


@pytest.mark.parametrize(
    ("header", "locale"),
    [
        ("en", "en"),
        ("en-US", "en"),
        ("pt", "pt_BR"),
        ("pt-BR", "pt_BR"),
        ("pt_BR", "pt_BR"),
        ("pt-PT", "pt_BR"),
        ("es", "es"),
        ("es-MX", "es"),
        ("es-419", "es"),
        ("EN-gb", "en"),
        ("PT-br", "pt_BR"),
        # The greatest weight wins, and the first of equal ones.
        ("fr, es;q=0.5", "es"),
        ("fr;q=0.9, es;q=0.5, en;q=0.7", "en"),
        ("es;q=0.5,pt-BR", "pt_BR"),
        ("es, en", "es"),
        ("en;q=0.8, es;q=0.8", "en"),
        ("pt-BR,pt;q=0.9,en-US;q=0.8,en;q=0.7", "pt_BR"),
        (" es ; q = 0.5 ", "es"),
        ("es;Q=1.0", "es"),
        ("en;q=0, es;q=0.001", "es"),
        # Invalid ranges are ignored.
        ("en;q=x, es;q=0.1", "es"),
        ("en;q=2, es;q=0.1", "es"),
        ("en;q=-1, es;q=0.1", "es"),
        ("en;q=nan, es;q=0.1", "es"),
        # Python alone takes these for numbers.
        ("en;q=0_1, es;q=0.1", "es"),
        ("en;q=\u0661, es;q=0.1", "es"),
        ("en;level=1, es;q=0.1", "es"),
        (",;;,es", "es"),
    ],
)
@pytest.mark.parametrize("default", LOCALES)
def test_a_caller_gets_the_language_that_they_ask_for(
    header: str, locale: str, default: str
) -> None:
    assert choose_locale(header, default) == locale


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        " ",
        ",",
        "fr",
        "de-DE, fr;q=0.5",
        "*",
        "english",
        "e",
        "portuguese",
        "es;q=0",
        "spa",
        "q=1",
        ";q=1",
        "\x00",
        "pt\x00",
        "\ud800",
        "es;q=",
        "es;q=1e400",
        "日本語",
    ],
)
@pytest.mark.parametrize("default", LOCALES)
def test_a_caller_who_asks_for_no_known_language_gets_the_default(
    header: str | None, default: str
) -> None:
    assert choose_locale(header, default) == default


ranges = st.builds(
    "{}{}{}".format,
    st.sampled_from([*LOCALES, "pt-PT", "*", "fr", "", "EN"]),
    st.sampled_from([";q=", ";", "; Q =", "=", ""]),
    st.one_of(st.floats().map(str), st.text(max_size=4)),
)


@given(st.one_of(any_text(), st.lists(ranges, max_size=6).map(",".join)), st.sampled_from(LOCALES))
@example("," * 10_000, "es")
def test_any_header_gives_a_locale_that_has_a_catalogue(header: str, default: str) -> None:
    assert choose_locale(header, default) in LOCALES


# The texts


def test_a_text_is_filled_with_its_values() -> None:
    values = {"field": "page", "limit": 1}
    assert translate("en", "invalid_minimum", values) == "The page field must be at least 1."


def test_values_are_printed_as_they_are() -> None:
    assert translate("en", "invalid_integer", {"field": "{limit}"}).startswith("The {limit} field")


def test_a_missing_key_or_value_is_an_error() -> None:
    with pytest.raises(KeyError):
        translate("en", "no_such_key")
    with pytest.raises(KeyError):
        translate("en", "invalid_minimum", {"field": "page"})


PAGE = Violation("page", "invalid_minimum", {"limit": 1})
TYPE = Violation("type", "invalid_choice", {"choices": "all, chat"})
CURSOR = Violation("cursor", "cursor_with_page")


def test_one_violation_is_described_by_its_text() -> None:
    message, fields = describe("en", (PAGE,))
    assert message == "The page field must be at least 1."
    assert fields == {"page": [message]}


def test_of_several_violations_the_first_is_described_and_the_others_are_counted() -> None:
    first = translate("es", "invalid_minimum", {"field": "page", "limit": 1})
    assert describe("es", (PAGE, CURSOR))[0] == f"{first} (y un error más)"
    message, fields = describe("es", (PAGE, TYPE, CURSOR))
    assert message == f"{first} (y 2 errores más)"
    assert list(fields) == ["page", "type", "cursor"]


def test_violations_of_one_field_are_listed_together() -> None:
    another = Violation("page", "invalid_integer")
    assert [*describe("en", (PAGE, TYPE, another))[1]] == ["page", "type"]
    assert len(describe("en", (PAGE, another))[1]["page"]) == 2
