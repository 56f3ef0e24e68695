"""Writes the document into a file: ``python -m tools.openapi openapi.json``."""

import json
import sys
from pathlib import Path

from tools.openapi.document import make_document
from tools.openapi.examples import demo_stack
from tools.openapi.schemas import Schema


def to_text(document: Schema) -> str:
    """Returns the document as the file has it."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    with demo_stack() as stack:
        text = to_text(make_document(stack))
    Path(sys.argv[1]).write_text(text, "utf-8")
