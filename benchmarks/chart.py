"""Bar charts as SVG, for GitHub's light and dark mode."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

_CHART_WIDTH: Final = 720
_LABEL_WIDTH: Final = 190
_BAR_HEIGHT: Final = 20
_STYLE: Final = """
    text { font: 13px system-ui, sans-serif; fill: #57606a }
    .title { font-weight: 600; fill: #24292f }
    .a { fill: #afb8c1 } .b { fill: #0969da }
    @media (prefers-color-scheme: dark) {
      text { fill: #9198a1 } .title { fill: #f0f6fc } .a { fill: #656c76 } .b { fill: #4493f8 }
    }
"""


@dataclass(frozen=True, slots=True)
class Bars:
    """A group of two bars: its label, and the length and the text of each bar."""

    label: str
    lengths: tuple[float, float]
    texts: tuple[str, str]


def chart(title: str, names: tuple[str, str], groups: Sequence[Bars]) -> str:
    """Returns an SVG document with some groups of bars; ``names`` are the legend."""
    longest = max(max(group.lengths) for group in groups)
    scale = (_CHART_WIDTH - _LABEL_WIDTH - 150) / longest
    step = 2 * _BAR_HEIGHT + 18
    lines = [f'<text class="title" x="0" y="16">{escape(title)}</text>']
    for number, name in enumerate(names):
        x, kind = _LABEL_WIDTH + 130 * number, "ab"[number]
        lines.append(f'<rect class="{kind}" x="{x}" y="28" width="12" height="12"/>')
        lines.append(f'<text x="{x + 18}" y="39">{escape(name)}</text>')
    for place, group in enumerate(groups):
        top = 54 + place * step
        lines.append(f'<text x="0" y="{top + _BAR_HEIGHT + 4}">{escape(group.label)}</text>')
        for number, (length, text) in enumerate(zip(group.lengths, group.texts, strict=True)):
            y, width = top + number * (_BAR_HEIGHT + 2), max(1.0, length * scale)
            lines.append(
                f'<rect class="{"ab"[number]}" x="{_LABEL_WIDTH}" y="{y}" '
                f'width="{width:.1f}" height="{_BAR_HEIGHT}" rx="2"/>'
            )
            lines.append(
                f'<text x="{_LABEL_WIDTH + width + 8:.1f}" y="{y + 15}">{escape(text)}</text>'
            )
    height = 54 + len(groups) * step
    body = "\n  ".join(lines)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_CHART_WIDTH} {height}" '
        f'role="img" aria-label="{escape(title)}">\n  <style>{_STYLE}  </style>\n  {body}\n</svg>\n'
    )
