"""Parses a template's YAML, in which short forms such as ``!Ref`` stand for mappings.

samtranslator's own parser does the same, in five times the time: it is not libyaml's.
"""

from typing import Any

import yaml
from samtranslator.yaml_helper import intrinsics_multi_constructor


class _Loader(yaml.CSafeLoader):
    """libyaml's safe loader, which also knows CloudFormation's short forms."""


_Loader.add_multi_constructor("!", intrinsics_multi_constructor)


def parse_template(text: str) -> Any:
    """Returns what a template says; short forms are written out, as in ``{"Ref": "Name"}``.

    Raises:
        yaml.YAMLError: it is not YAML.
    """
    return yaml.load(text, _Loader)  # noqa: S506 - it is a safe one
