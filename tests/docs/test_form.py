"""The documents' form: links lead somewhere, lines are wrapped, decisions are numbered."""

import re
from typing import Final

import pytest

from tests.docs.extraction import ROOT, Document, document, documents

WIDTH: Final = 100

each_document = pytest.mark.parametrize(
    "found", [pytest.param(found, id=found.name) for found in documents()]
)


@each_document
def test_links_lead_to_files_and_headings_that_exist(found: Document) -> None:
    """Relative to the document, with the anchors that GitHub makes."""
    for link in found.links:
        path, _, anchor = link.partition("#")
        target = (found.path.parent / path).resolve() if path else found.path
        assert target.exists(), f"{found.name}: {link} leads to no file"
        if anchor:
            assert anchor in Document(target).anchors, f"{found.name}: {link} leads to no heading"


@each_document
def test_lines_are_wrapped(found: Document) -> None:
    """At 100 columns, but for tables, code and URLs."""
    long = list(found.long_lines(WIDTH))
    assert not long, f"{found.name}: lines longer than {WIDTH} columns: {long}"


@each_document
def test_a_decision_is_linked_by_its_number(found: Document) -> None:
    """A link that says "decision 12" leads to the file 0012."""
    for number, target in re.findall(r"\[decision\s+(\d+)\]\(([^)]+)\)", found.prose):
        file = target.rpartition("/")[2]
        assert file.startswith(f"{int(number):04}-"), (
            f"{found.name}: decision {number} links to {file}"
        )


def test_the_list_of_decisions_has_each_once_by_its_title() -> None:
    """With the number of its file."""
    index = document("docs/decisions/README.md").prose
    listed = re.findall(r"^(\d+)\. \[(.+)\]\((.+)\)$", index, re.MULTILINE)
    for number, title, file in listed:
        assert file.startswith(f"{int(number):04}-"), f"decision {number} is listed as {file}"
        text = document(f"docs/decisions/{file}").text
        assert text.startswith(f"# {title}\n"), f"{file} has another title than {title!r}"
    files = sorted(path.name for path in (ROOT / "docs" / "decisions").glob("0*.md"))
    assert [file for _, _, file in listed] == files, "docs/decisions/README.md lists other files"
