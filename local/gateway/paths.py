"""The paths that a template names: which of them a request's path belongs to.

``/exports/{id}`` matches ``/exports/7``, and ``/{proxy+}`` matches every path but ``/``.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Self

from local.errors import TemplateError

_PARAMETER: Final = re.compile(r"\{(?P<name>[\w.-]+)(?P<plus>\+?)\}")
_FIXED, _SEGMENT, _GREEDY = 0, 1, 2
"""Precedence of a segment: a fixed text, ``{name}``, or ``{name+}``."""


@dataclass(frozen=True, slots=True)
class PathPattern:
    """A path of the template.

    Attributes:
        path: the path as the template writes it.
        precedence: of all patterns that match a path, the one with the lowest counts. A
            fixed text comes before ``{name}``, and that before ``{name+}``; the first segment in
            which two patterns differ decides.
        regex: matches the same paths, and has a group for each parameter.
        names: the parameters' names.
    """

    path: str
    precedence: tuple[int, ...]
    regex: re.Pattern[str]
    names: tuple[str, ...]

    @classmethod
    def parse(cls, path: str) -> Self:
        """Returns the pattern of a path.

        Raises:
            TemplateError: API Gateway would refuse the path.
        """
        names, precedence, regexes = [], [], []
        for segment in path.removeprefix("/").split("/"):
            match = _PARAMETER.fullmatch(segment)
            if match is None and {*"{}"} & {*segment}:
                raise TemplateError(f"{path}: a parameter has to be a whole segment")
            if match is None:
                precedence.append(_FIXED)
                regexes.append(re.escape(segment))
            else:
                names.append(match["name"])
                precedence.append(_GREEDY if match["plus"] else _SEGMENT)
                regexes.append("(.+)" if match["plus"] else "([^/]+)")
        if _GREEDY in precedence[:-1]:
            raise TemplateError(f"{path}: only the last segment can have a plus")
        regex = re.compile("/" + "/".join(regexes), re.DOTALL)
        return cls(path, tuple(precedence), regex, tuple(names))

    def parameters(self, path: str) -> Mapping[str, str] | None:
        """Returns the parameters in a path, as they were sent, or None if it does not match."""
        match = self.regex.fullmatch(path)
        return None if match is None else dict(zip(self.names, match.groups(), strict=True))


def find_pattern(
    patterns: Iterable[PathPattern], path: str
) -> tuple[PathPattern, Mapping[str, str]] | None:
    """Returns the pattern that a path belongs to with the path's parameters, or None."""
    matching = [
        (pattern, parameters)
        for pattern in patterns
        if (parameters := pattern.parameters(path)) is not None
    ]
    return min(matching, key=lambda match: match[0].precedence, default=None)
