"""The events' JSON Schemas, for producers: made from the models that check what comes in.

``make schemas`` writes them to ``schemas/``; a test holds the files equal to the models.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from workspace_usage.recording.events import EVENTS


def schemas() -> Iterator[tuple[str, str]]:
    """Each event's file name, and its JSON Schema as text."""
    for name, event in EVENTS.items():
        schema = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            **event.model_json_schema(),
        }
        yield f"{name}.json", json.dumps(schema, indent=2) + "\n"


if __name__ == "__main__":
    for name, text in schemas():
        (Path(sys.argv[1]) / name).write_text(text, "utf-8")
