"""Makes the events' JSON Schemas, for producers, from the models that check the events.

``make schemas`` writes them to ``schemas/``. A test fails if the files differ from the models.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from workspace_usage.recording.events import EVENTS


def event_schemas() -> Iterator[tuple[str, str]]:
    """Yields each event's file name and its JSON Schema as text."""
    for name, event in EVENTS.items():
        schema = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            **event.model_json_schema(),
        }
        yield f"{name}.json", json.dumps(schema, indent=2) + "\n"


if __name__ == "__main__":
    for name, text in event_schemas():
        (Path(sys.argv[1]) / name).write_text(text, "utf-8")
