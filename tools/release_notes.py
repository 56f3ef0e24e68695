"""Prints the notes of a release: its section of the changelog.

    python -m tools.release_notes v1.0.0

It fails if the tag is not the project's version, or if the changelog has no section for it.
"""

import re
import sys
from pathlib import Path
from typing import Final

from usagectl import VERSION

CHANGELOG: Final = Path(__file__).parents[1] / "CHANGELOG.md"

_HEADING: Final = re.compile(r"^## (\S+)(?: \(\d{4}-\d{2}-\d{2}\))?\n", re.MULTILINE)


class NoRelease(Exception):
    """This can't be released. The message says why."""


def sections(changelog: str) -> dict[str, str]:
    """Returns the text of each section of a changelog by its version, the newest first."""
    headings = list(_HEADING.finditer(changelog))
    ends = [*(heading.start() for heading in headings[1:]), len(changelog)]
    return {
        heading[1]: changelog[heading.end() : end].strip()
        for heading, end in zip(headings, ends, strict=True)
    }


def notes(tag: str, changelog: str) -> str:
    """Returns the notes of the release with a tag.

    Raises:
        NoRelease: the tag is not ``v`` and the project's version, or there are no notes for it.
    """
    if tag != f"v{VERSION}":
        raise NoRelease(f"the tag is {tag}, and usagectl/__init__.py has the version {VERSION}")
    text = sections(changelog).get(VERSION)
    if not text:
        raise NoRelease(f"CHANGELOG.md has no section {VERSION} with text in it")
    return text


if __name__ == "__main__":
    try:
        sys.stdout.write(notes(sys.argv[1], CHANGELOG.read_text("utf-8")) + "\n")
    except NoRelease as error:
        sys.exit(str(error))
