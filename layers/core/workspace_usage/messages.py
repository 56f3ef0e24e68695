"""Texts for callers, in their language.

The catalogues are data: ``catalogues/<locale>.json`` has one text for each key, and each catalogue
has the same keys. Texts contain neither quotes nor backslashes, because the gateway puts some of
them into JSON as they are.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from workspace_usage.errors import Violation
from workspace_usage.values import InvalidValue, parse_decimal

LOCALES: Final = ("en", "pt_BR", "es")
"""The locales that have a catalogue."""

_LOCALES_BY_LANGUAGE: Final = {locale.partition("_")[0]: locale for locale in LOCALES}
_CATALOGUE_FOLDER: Final = Path(__file__).with_name("catalogues")


def choose_locale(accept_language: str | None, default: str) -> str:
    """Returns the locale that an ``Accept-Language`` header asks for, or ``default``.

    The header is a list of language ranges with weights (RFC 9110, 12.5.4). Of the ranges whose
    language has a catalogue, the one with the greatest weight wins; of equal weights, the first.
    The region of a range does not matter: ``pt-PT`` gets ``pt_BR``. Invalid ranges are ignored.
    """
    best_locale, best_weight = default, 0.0
    for language_range in (accept_language or "").split(","):
        tag, _, parameter = language_range.partition(";")
        language = tag.strip().replace("_", "-").partition("-")[0].lower()
        weight = _weight(parameter)
        if language in _LOCALES_BY_LANGUAGE and weight > best_weight:
            best_locale, best_weight = _LOCALES_BY_LANGUAGE[language], weight
    return best_locale


def _weight(parameter: str) -> float:
    name, _, value = parameter.replace(" ", "").partition("=")
    if not name:
        return 1.0
    try:
        weight = float(parse_decimal(value))
    except InvalidValue:
        return 0.0
    return weight if name.lower() == "q" and 0 <= weight <= 1 else 0.0


def translate(locale: str, key: str, values: Mapping[str, object] | None = None) -> str:
    """Returns the text of ``key`` in ``locale``, with ``values`` in its places.

    Raises:
        KeyError: there is no such key, or a value that the text has a place for is missing.
    """
    return _catalogue(locale)[key].format_map(values or {})


def describe(locale: str, violations: tuple[Violation, ...]) -> tuple[str, dict[str, list[str]]]:
    """Returns ``violations`` (at least one) as one sentence, and as a list of texts for each field.

    The sentence is the first text and the number of the others, as in Laravel's validator.
    """
    fields: dict[str, list[str]] = {}
    for violation in violations:
        text = translate(
            locale, violation.message_key, {"field": violation.field, **violation.values}
        )
        fields.setdefault(violation.field, []).append(text)
    first = fields[violations[0].field][0]
    more = len(violations) - 1
    if more == 0:
        return first, fields
    key = "one_more_error" if more == 1 else "more_errors"
    return f"{first} {translate(locale, key, {'count': more})}", fields


@cache
def _catalogue(locale: str) -> Mapping[str, str]:
    texts: Mapping[str, str] = json.loads((_CATALOGUE_FOLDER / f"{locale}.json").read_text("utf-8"))
    return texts
