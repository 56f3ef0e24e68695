"""What the documents say: their lines, links, headings, tables and code."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]

_FENCE: Final = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_SPAN: Final = re.compile(r"`([^`]+)`")
_LINK: Final = re.compile(r"\]\(([^)\s]+)\)")
_HEADING: Final = re.compile(r"^#+ (.+)$", re.MULTILINE)
_CELLS: Final = re.compile(r"(?<!\\)\|")


class Block(NamedTuple):
    """A fenced block: the language that it names, and its text without the fence."""

    language: str
    text: str


@dataclass(frozen=True)
class Document:
    """A Markdown file of the project."""

    path: Path

    @property
    def name(self) -> str:
        """Its path from the project's folder."""
        return str(self.path.relative_to(ROOT))

    @cached_property
    def text(self) -> str:
        """All of it."""
        return self.path.read_text("utf-8")

    @cached_property
    def prose(self) -> str:
        """The text without fenced blocks, with as many lines."""
        return _FENCE.sub(lambda block: "\n" * block[0].count("\n"), self.text)

    @cached_property
    def blocks(self) -> list[Block]:
        """The fenced blocks, in order."""
        return blocks_of(self.text)

    @cached_property
    def code(self) -> list[str]:
        """Everything that is set as code: spans, and the lines of blocks."""
        spans = [" ".join(span.split()) for span in _SPAN.findall(self.prose)]
        lines = [line for block in self.blocks for line in block.text.splitlines()]
        return [code.replace("\\|", "|") for code in (*spans, *lines)]

    @cached_property
    def links(self) -> list[str]:
        """The targets of links that lead to files of the project, or to headings."""
        targets = _LINK.findall(_SPAN.sub("", self.prose))
        return [target for target in targets if not re.match(r"[a-z]+:", target)]

    @cached_property
    def anchors(self) -> set[str]:
        """The headings as GitHub makes anchors of them."""
        return {anchor(heading) for heading in _HEADING.findall(self.prose)}

    def section(self, heading: str) -> str:
        """Returns what stands under a heading, up to the next one of any level."""
        _, found, rest = self.prose.partition(f"# {heading}\n")
        assert found, f"{self.name} has no heading {heading!r}"
        return re.split(r"^#", rest, maxsplit=1, flags=re.MULTILINE)[0]

    def rows(self, heading: str) -> list[list[str]]:
        """Returns the cells of all tables under a heading, without the tables' heads."""
        tables = re.findall(r"(?:^\|.*\n)+", self.section(heading), re.MULTILINE)
        return [
            [cell.strip() for cell in _CELLS.split(line)[1:-1]]
            for table in tables
            for line in table.splitlines()[2:]
        ]

    def listed(self, heading: str) -> set[str]:
        """Returns the code in the first column of the tables under a heading."""
        return {span for row in self.rows(heading) for span in _SPAN.findall(row[0])}

    def long_lines(self, width: int) -> Iterator[int]:
        """Yields the numbers of lines that are too long, except in tables and code.

        A URL doesn't count, since it can't be broken.
        """
        for number, line in enumerate(self.prose.splitlines(), start=1):
            if len(re.sub(r"https?://\S+", "", line)) > width and not line.startswith("|"):
                yield number


def blocks_of(text: str) -> list[Block]:
    """Returns the fenced blocks of a text, in order."""
    return [Block(match[2], match[3]) for match in _FENCE.finditer(text)]


def anchor(heading: str) -> str:
    """Returns the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def document(name: str) -> Document:
    """Returns the document at a path from the project's folder."""
    return Document(ROOT / name)


def documents() -> list[Document]:
    """Returns README, changelog, and everything under ``docs``."""
    paths = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [Document(path) for path in paths]
